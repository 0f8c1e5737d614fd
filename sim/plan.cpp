#include "sim/plan.hpp"

#include <algorithm>
#include <cstdlib>

namespace settle::sim {
namespace {

using testing::SeededRandom;

constexpr std::int64_t kOffsetMaxMs = 400;     // what leases allow for
constexpr std::int64_t kBeyondMaxMs = 60'000;  // and what they do not

Fault fault_of(IncidentKind kind) {
  static constexpr Fault kFaults[] = {Fault::crash, Fault::restart,      Fault::pause,
                                      Fault::stall, Fault::repair_fails, Fault::clock_step};
  return kFaults[static_cast<std::size_t>(kind)];
}

template <class T>
T one_of(SeededRandom& random, std::initializer_list<T> values) {
  return *(values.begin() + random.below(values.size()));
}

PlannedTransaction plan_transaction(SeededRandom random, int number, std::int64_t load_ms) {
  PlannedTransaction tx;
  tx.number = number;
  tx.seed = random.next();
  tx.type = one_of(random, {TransType::saga, TransType::saga, TransType::saga, TransType::tcc, TransType::xa,
                            TransType::msg, TransType::workflow});
  tx.branches = static_cast<int>(one_of(random, {1, 2, 2, 2, 3, 3, 4, 5}));
  tx.start_ms = random.between(0, load_ms);
  tx.options.wait_result = random.per_mille(400);
  tx.options.request_timeout_s = random.per_mille(300) ? random.between(1, 4) : 0;
  tx.options.retry_interval_s = random.per_mille(300) ? random.between(1, 5) : 0;
  tx.backs_out = random.per_mille(250);
  if (random.per_mille(300)) tx.options.timeout_to_fail_s = random.between(1, random.per_mille(500) ? 4 : 20);
  if (tx.type == TransType::saga) {
    if (random.per_mille(200)) tx.options.retry_limit = random.between(1, 3);
    tx.prepares = random.per_mille(150);
    if (random.per_mille(350)) {
      tx.concurrent = true;
      if (tx.branches > 1 && random.per_mille(600)) {
        for (int step = 1; step < tx.branches; ++step) {
          if (!random.per_mille(600)) continue;
          auto& before = tx.orders[static_cast<std::uint32_t>(step)];
          before.push_back(static_cast<std::uint32_t>(random.below(static_cast<std::uint64_t>(step))));
        }
      }
    }
  }
  if (tx.type == TransType::msg) {
    tx.prepares = random.per_mille(700);
    tx.concurrent = random.per_mille(300);
    tx.options.concurrent = tx.concurrent;
    if (random.per_mille(150)) tx.delay_s = random.between(1, 10);
  }
  return tx;
}

void plan_faults(RunPlan& plan, SeededRandom random) {
  // One seed in eight sees no fault at all but what clients do.
  if (random.below(8) == 0) return;
  for (std::size_t i = 0; i < kFaultCount; ++i) {
    SeededRandom own = random.fork();
    if (own.below(3) != 0) continue;
    plan.per_mille[i] = static_cast<std::uint32_t>(one_of(own, {5, 20, 50, 150, 300}));
  }
  // What breaks the store shall not do so all the time.
  for (const Fault fault : {Fault::write_fails, Fault::write_unknown, Fault::crash_in_write, Fault::read_fails}) {
    auto& chance = plan.per_mille[index_of(fault)];
    if (chance > 0) chance = std::min<std::uint32_t>(1 + chance / 10, 20);
  }
  if (!plan.shared) {
    plan.per_mille[index_of(Fault::clock_offset)] = plan.per_mille[index_of(Fault::clock_beyond)] = 0;
  }
}

void plan_clients(RunPlan& plan, SeededRandom random) {
  for (PlannedTransaction& tx : plan.transactions) {
    SeededRandom own = random.fork();
    if (own.per_mille(plan.per_mille[index_of(Fault::refusal)]))
      tx.refused_branch = static_cast<int>(own.between(0, tx.branches - 1));
    if (own.per_mille(plan.per_mille[index_of(Fault::client_dies)]))
      tx.dies_before = static_cast<int>(own.between(0, 2 * tx.branches + 1));
    if (own.per_mille(plan.per_mille[index_of(Fault::rival)])) tx.rival_ms = own.between(1, 5'000);
    if (own.per_mille(plan.per_mille[index_of(Fault::force_stop)])) tx.force_stop_ms = own.between(1, 20'000);
  }
}

void plan_stuck(RunPlan& plan, SeededRandom random) {
  for (PlannedTransaction& tx : plan.transactions) {
    SeededRandom own = random.fork();
    const bool ends = tx.type == TransType::saga && (tx.options.timeout_to_fail_s > 0 || tx.options.retry_limit > 0);
    if (!ends || !own.per_mille(plan.per_mille[index_of(Fault::stuck)])) continue;
    tx.stuck_branch = static_cast<int>(own.between(0, tx.branches - 1));
  }
}

void plan_incidents(RunPlan& plan, SeededRandom random) {
  const auto add = [&](IncidentKind kind, std::int64_t least_ms, std::int64_t most_ms) {
    SeededRandom own = random.fork();
    if (!plan.on(fault_of(kind))) return;
    const std::uint64_t count = 1 + own.below(kind == IncidentKind::stall ? 20 : 5);
    for (std::uint64_t i = 0; i < count; ++i) {
      Incident incident;
      incident.number = static_cast<int>(plan.incidents.size());
      incident.kind = kind;
      incident.server = own.below(plan.servers);
      incident.at_ms = own.between(1, plan.faults_end_ms);
      incident.for_ms = own.per_mille(700) ? own.between(least_ms, std::min<std::int64_t>(most_ms, 3'000))
                                           : own.between(least_ms, most_ms);
      if (kind == IncidentKind::clock_step && own.per_mille(500)) incident.for_ms = -incident.for_ms;
      incident.steps = static_cast<int>(own.below(60));
      plan.incidents.push_back(incident);
    }
  };
  add(IncidentKind::crash, 1, 20'000);
  add(IncidentKind::restart, 1, 5'000);
  add(IncidentKind::pause, 100, 60'000);
  add(IncidentKind::stall, 1, 20'000);
  add(IncidentKind::outage, 100, 10'000);
  add(IncidentKind::clock_step, 100, 60'000);
}

void plan_lanes(RunPlan& plan, SeededRandom random) {
  if (plan.shared) plan.lanes = random.below(2) == 0 ? 1 : 3;
}

void plan_clocks(RunPlan& plan, SeededRandom random) {
  for (std::size_t i = 0; i < plan.servers; ++i) {
    SeededRandom own = random.fork();
    testing::ClockError error;
    if (plan.on(Fault::clock_offset)) error.wall_offset_ms = own.between(-kOffsetMaxMs, kOffsetMaxMs);
    if (plan.on(Fault::clock_beyond)) error.wall_offset_ms = own.between(-kBeyondMaxMs, kBeyondMaxMs);
    if (plan.on(Fault::clock_drift)) error.drift_ppm = own.between(-200, 200);
    plan.clocks.push_back(error);
  }
}

}  // namespace

RunPlan plan_of(std::uint64_t seed) {
  SeededRandom random(seed * 0x9E3779B97F4A7C15ull + 1);
  RunPlan plan;
  plan.seed = seed;
  plan.shared = random.per_mille(500);
  plan.servers = plan.shared ? 1 + random.below(3) : 1;
  plan.shards = 1 + random.below(3);
  plan.one_machine = plan.shared && random.per_mille(500);
  EngineOptions& options = plan.options;
  options.retry_interval_ms = one_of<std::int64_t>(random, {500, 1'000, 3'000, 10'000});
  options.retry_interval_max_ms = std::max<std::int64_t>(options.retry_interval_ms, random.between(2'000, 20'000));
  options.request_timeout_ms = one_of<std::int64_t>(random, {500, 1'000, 3'000});
  options.timeout_to_fail_ms = random.between(3'000, 35'000);
  options.run_ahead = random.per_mille(600);
  options.lease_ms = one_of<std::int64_t>(random, {4'000, 8'000, 15'000});
  options.claim_interval_ms = random.between(200, 3'000);
  if (random.per_mille(150)) options.active_max = 1 + random.below(20);
  options.calls_per_target_max = random.per_mille(200) ? 1 + random.below(4) : 1'024;
  if (random.per_mille(150)) options.finished_expire_ms = random.between(5'000, 60'000);
  options.purge_interval_ms = 10'000;
  const std::int64_t load_ms = one_of<std::int64_t>(random, {2'000, 10'000, 40'000});
  plan.faults_end_ms = load_ms + random.between(1'000, 30'000);
  const auto count = static_cast<int>(random.between(5, 50));
  for (int i = 0; i < count; ++i) plan.transactions.push_back(plan_transaction(random.fork(), i, load_ms));
  plan_faults(plan, random.fork());
  plan_clients(plan, random.fork());
  plan_clocks(plan, random.fork());
  plan_incidents(plan, random.fork());
  // What was added later draws behind everything else, so that seeds keep the rest of their plans.
  plan_stuck(plan, random.fork());
  plan_lanes(plan, random.fork());
  return plan;
}

void narrow(RunPlan& plan, const Selection& selection) {
  const auto left_out = [](const auto& kept, const auto& value) {
    return kept && std::find(kept->begin(), kept->end(), value) == kept->end();
  };
  const auto off = [&](Fault fault) { return left_out(selection.faults, fault); };
  for (std::size_t i = 0; i < kFaultCount; ++i) {
    if (off(static_cast<Fault>(i))) plan.per_mille[i] = 0;
  }
  std::erase_if(plan.transactions, [&](const auto& tx) { return left_out(selection.transactions, tx.number); });
  std::erase_if(plan.incidents, [&](const auto& incident) {
    return left_out(selection.incidents, incident.number) || off(fault_of(incident.kind));
  });
  for (PlannedTransaction& tx : plan.transactions) {
    if (off(Fault::refusal)) tx.refused_branch = -1;
    if (off(Fault::stuck)) tx.stuck_branch = -1;
    if (off(Fault::client_dies)) tx.dies_before = -1;
    if (off(Fault::force_stop)) tx.force_stop_ms = 0;
    if (off(Fault::rival)) tx.rival_ms = 0;
  }
  for (testing::ClockError& clock : plan.clocks) {
    const bool beyond = std::abs(clock.wall_offset_ms) > kOffsetMaxMs;
    if (off(Fault::clock_drift)) clock.drift_ppm = 0;
    if (off(beyond ? Fault::clock_beyond : Fault::clock_offset)) clock.wall_offset_ms = 0;
  }
}

std::string describe(const RunPlan& plan) {
  static constexpr std::string_view kKinds[] = {"crash", "restart", "pause", "stall", "outage", "clock_step"};
  const auto number = [](auto value) { return std::to_string(value); };
  std::string text = "seed " + number(plan.seed) + ": " + number(plan.servers) + " coordinator(s) of " +
                     number(plan.shards) + " shard(s) and " + number(plan.lanes) + " lane(s) on " +
                     (plan.shared ? "a shared store" : "a store of its own") +
                     (plan.one_machine ? ", on one machine" : "") + ", run_ahead " + number(plan.options.run_ahead) +
                     ", request_timeout_ms " + number(plan.options.request_timeout_ms) + ", retry_interval_ms " +
                     number(plan.options.retry_interval_ms) + ", lease_ms " + number(plan.options.lease_ms) +
                     ", faults until " + number(plan.faults_end_ms) + " ms\nfaults:";
  for (std::size_t i = 0; i < kFaultCount; ++i) {
    if (plan.per_mille[i] == 0) continue;
    text += " " + std::string(to_string(static_cast<Fault>(i))) + "=" + number(plan.per_mille[i]);
  }
  for (const Incident& each : plan.incidents) {
    text += "\nincident " + number(each.number) + ": " + std::string(kKinds[static_cast<int>(each.kind)]) +
            " of server " + number(each.server) + " at " + number(each.at_ms) + " ms for " + number(each.for_ms) +
            " ms";
  }
  for (const PlannedTransaction& tx : plan.transactions) {
    text += "\n" + tx.gid() + ": " + std::string(settle::to_string(tx.type)) + " of " + number(tx.branches);
    if (tx.concurrent) text += " concurrent";
    for (const auto& [step, before] : tx.orders) text += " " + number(step) + "<-" + number(before.front());
    if (tx.prepares) text += " prepares";
    if (tx.backs_out) text += " backs_out";
    if (tx.options.wait_result) text += " wait_result";
    if (tx.options.retry_limit > 0) text += " retry_limit=" + number(tx.options.retry_limit);
    if (tx.options.timeout_to_fail_s > 0) text += " timeout_to_fail=" + number(tx.options.timeout_to_fail_s);
    if (tx.options.request_timeout_s > 0) text += " request_timeout=" + number(tx.options.request_timeout_s);
    if (tx.options.retry_interval_s > 0) text += " retry_interval=" + number(tx.options.retry_interval_s);
    if (tx.delay_s > 0) text += " delay=" + number(tx.delay_s);
    if (tx.refused_branch >= 0) text += " refused_branch=" + number(tx.refused_branch);
    if (tx.stuck_branch >= 0) text += " stuck_branch=" + number(tx.stuck_branch);
    if (tx.dies_before >= 0) text += " dies_before=" + number(tx.dies_before);
    if (tx.rival_ms > 0) text += " rival_ms=" + number(tx.rival_ms);
    if (tx.force_stop_ms > 0) text += " force_stop_ms=" + number(tx.force_stop_ms);
  }
  return text + "\n";
}

}  // namespace settle::sim
