#include "sim/run.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "sim/checks/checks.hpp"
#include "sim/clients.hpp"

namespace settle::sim {
namespace {

// So many seconds with nothing left to do before a run is over: whoever waits is answered by then.
constexpr int kQuietLooks = 10;

// What was begun while there were faults may last so long: a thread that stands still, a slow write.
constexpr std::int64_t kAfterwardsMs = 21'000;

// For how long after the last fault everything must have ended.
std::int64_t calm_ms(const RunPlan& plan) {
  const std::int64_t waits_ms =
      plan.options.retry_interval_max_ms + plan.options.timeout_to_fail_ms + plan.options.lease_ms;
  const std::int64_t clocks_ms = plan.on(Fault::clock_step) ? 600'000 : 0;  // a lease may end so much later
  return 60'000 + 4 * waits_ms + clocks_ms;
}

class Run {
 public:
  Run(const RunPlan& plan, WrapperPlant plant)
      : around_(plan, plant), network_(around_), database_(around_), clients_(around_, network_, servers_) {
    for (std::size_t i = 0; i < around_.plan.servers; ++i) {
      servers_.push_back(std::make_unique<SimulatedServer>(around_, network_, database_, i));
    }
  }

  RunResult go() {
    for (const auto& server : servers_) server->open();
    for (const Incident& incident : around_.plan.incidents) {
      around_.world.after_ms(incident.at_ms, [this, &incident] { soon_.push_back({incident.steps, &incident}); });
    }
    for (const Fault fault : {Fault::clock_offset, Fault::clock_beyond, Fault::clock_drift}) {
      if (around_.plan.on(fault)) around_.count(fault);
    }
    clients_.start();
    const std::int64_t end_ms = around_.plan.faults_end_ms + calm_ms(around_.plan);
    std::int64_t look_ms = around_.plan.faults_end_ms + kAfterwardsMs;
    int quiet_looks = 0;
    for (bool ended = false; !ended;) {
      while (around_.world.step(look_ms)) after_step();
      around_.world.jump_ms(std::max<std::int64_t>(0, look_ms - around_.world.now_ms()));
      const bool quiet = soon_.empty() && clients_.done() && all_up_and_idle() && all_final();
      quiet_looks = quiet ? quiet_looks + 1 : 0;
      ended = look_ms >= end_ms || quiet_looks == kQuietLooks;
      look_ms += 1'000;
    }
    note_end();
    RunResult result;
    result.steps = steps_;
    result.faults = around_.faults;
    result.violations = check(around_.plan, around_.history);
    result.hash = around_.history.hash() ^ steps_;
    result.history = std::move(around_.history);
    return result;
  }

 private:
  struct Soon {
    int steps = 0;
    const Incident* incident = nullptr;
  };

  void after_step() {
    ++steps_;
    for (const auto& server : servers_) server->look_after();
    if (soon_.empty()) return;
    for (Soon& soon : soon_) --soon.steps;
    const auto due = std::partition(soon_.begin(), soon_.end(), [](const Soon& soon) { return soon.steps >= 0; });
    const std::vector<Soon> now(due, soon_.end());
    soon_.erase(due, soon_.end());
    for (const Soon& soon : now) happen(*soon.incident);
  }

  void happen(const Incident& incident) {
    SimulatedServer& server = *servers_[incident.server];
    switch (incident.kind) {
      case IncidentKind::crash:
        return server.crash(incident.for_ms);
      case IncidentKind::restart:
        return server.restart(incident.for_ms);
      case IncidentKind::pause:
        return server.pause(incident.for_ms);
      case IncidentKind::stall:
        return server.stall(static_cast<std::size_t>(incident.number), incident.for_ms);
      case IncidentKind::outage:
        return server.break_store(incident.for_ms);
      case IncidentKind::clock_step:
        around_.count(Fault::clock_step);
        return server.step_wall_clock_ms(incident.for_ms);
    }
  }

  // A thread that stands still has work as long as anybody waits for it, however late its incident came.
  bool all_up_and_idle() const {
    return std::all_of(servers_.begin(), servers_.end(),
                       [](const auto& server) { return server->up() && !server->has_work(); });
  }
  bool all_final() {
    return std::all_of(around_.plan.transactions.begin(), around_.plan.transactions.end(), [this](const auto& tx) {
      const auto stored = database_.view().load(tx.gid());
      if (!stored || !stored.value()) return true;
      const GlobalStatus status = stored.value()->state.status;
      return is_final(status) || (tx.type == TransType::saga && status == GlobalStatus::prepared);
    });
  }

  void note_end() {
    for (const PlannedTransaction& tx : around_.plan.transactions) {
      Event event;
      event.kind = EventKind::final_status;
      event.tx = tx.number;
      const auto stored = database_.view().load(tx.gid());
      const auto purged = database_.view().purged_status(tx.gid());
      if (stored && stored.value()) {
        event.status = stored.value()->state.status;
      } else if (purged && purged.value()) {
        event.status = *purged.value();
      } else {
        event.text = "absent";
      }
      around_.note(event);
      event.text.clear();
      if (stored && stored.value()) note_rows(*stored.value(), event);
      event.kind = EventKind::final_value;
      for (event.branch = 0; event.branch < tx.branches; ++event.branch) {
        event.value = around_.participants.value(tx.number, event.branch);
        around_.note(event);
      }
    }
  }

  void note_rows(const StoredTransaction& stored, Event event) {
    event.kind = EventKind::final_row;
    for (std::size_t row = 0; row < stored.branches.size(); ++row) {
      const BranchView view = stored.branch(row);
      event.branch = std::stoi(std::string(view.branch_id)) - 1;
      event.op = parse_op(view.operation).value_or(Op::query);
      event.ok = stored.branches[row].status == BranchStatus::succeed;
      event.text = std::string(settle::to_string(stored.branches[row].status));
      around_.note(event);
    }
  }

  Surroundings around_;
  Network network_;
  Database database_;
  Clients::Servers servers_;
  Clients clients_;
  std::vector<Soon> soon_;
  std::uint64_t steps_ = 0;
};

}  // namespace

RunResult run(const RunPlan& plan, WrapperPlant plant) { return Run(plan, plant).go(); }

}  // namespace settle::sim
