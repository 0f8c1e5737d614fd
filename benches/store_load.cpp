#include "benches/store_load.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "benches/latency_histogram.hpp"
#include "benches/machine.hpp"
#include "benches/parked_sagas.hpp"

namespace settle::bench {
namespace {

constexpr std::int64_t kLeaseMs = 15'000;
constexpr std::size_t kClaimMax = 256;
constexpr double kNsPerSecond = 1e9;

std::int64_t wall_ms() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

const std::string& owner() {
  static const std::string kOwner = std::string(kOwnerPrefix) + "bench:0";
  return kOwner;
}

// The changes of a saga of two steps, as an engine makes them.
class SagaChanges {
 public:
  SagaChanges(const StorePlan& plan, const StoreTraits& traits)
      : shared_(traits.shared), names_branches_(traits.names_branches), definition_(two_steps(plan.payload_bytes)) {
    const std::size_t rows = row_count(definition_, 0);
    for (std::uint32_t row = 0; row < rows; ++row) {
      if (branch_at(definition_, {}, row).operation == "action") actions_.push_back(row);
    }
    rows_.resize(rows);
  }

  static std::string gid(std::size_t number) { return "bench-" + std::to_string(number); }

  Change accept(std::size_t number) const {
    auto definition = std::make_shared<Definition>(definition_);
    definition->gid = gid(number);
    definition->create_time_ms = wall_ms();
    Change change = made(number, GlobalStatus::submitted);
    change.create = true;
    change.held_as.clear();
    change.definition = std::move(definition);
    std::vector<BranchState> rows = rows_;
    rows[actions_[0]].started = true;
    add_branches(change, std::move(rows), {});
    return change;
  }

  // The first action has succeeded, the second one is about to be called.
  Change progress(std::size_t number) const {
    Change change = made(number, GlobalStatus::submitted);
    std::vector<BranchState> rows = rows_;
    rows[actions_[0]] = done();
    rows[actions_[1]].started = true;
    add_branches(change, std::move(rows), actions_[0]);
    return change;
  }

  Change finish(std::size_t number) const {
    Change change = made(number, GlobalStatus::succeed);
    change.state.finish_time_ms = change.state.update_time_ms;
    change.hold_as.clear();
    std::vector<BranchState> rows = rows_;
    rows[actions_[0]] = rows[actions_[1]] = done();
    add_branches(change, std::move(rows), actions_[1]);
    return change;
  }

 private:
  Change made(std::size_t number, GlobalStatus status) const {
    Change change;
    change.gid = gid(number);
    change.expected_status = GlobalStatus::submitted;
    change.create_time_ms = change.state.update_time_ms = change.state.submit_time_ms = wall_ms();
    change.state.status = status;
    change.state.exact = true;
    change.state.retry_interval_ms = 10'000;
    if (shared_) {
      change.held_as = change.hold_as = owner();
      change.lease_until_ms = change.state.update_time_ms + kLeaseMs;
    }
    return change;
  }

  static BranchState done() {
    return {.status = BranchStatus::succeed, .started = true, .attempts = 0, .finish_time_ms = wall_ms()};
  }

  void add_branches(Change& change, std::vector<BranchState> rows, std::optional<std::uint32_t> changed) const {
    if (names_branches_ && changed) {
      const BranchView view = branch_at(definition_, {}, *changed);
      change.named.push_back({*changed, std::string(view.branch_id), std::string(view.operation), rows[*changed]});
    }
    const bool ended = change.state.status == GlobalStatus::succeed;
    if (!names_branches_ || !ended) change.runs.push_back({0, std::move(rows)});
  }

  const bool shared_;
  const bool names_branches_;
  const Definition definition_;
  std::vector<std::uint32_t> actions_;
  std::vector<BranchState> rows_;
};

// Groups of changes on all lanes of the store at once. Each lane has numbers of its own.
class Writer {
 public:
  Writer(const StorePlan& plan, Store& store, Tell tell)
      : plan_(plan),
        store_(store),
        lanes_(store.traits().lanes),
        changes_(plan, store.traits()),
        tell_(std::move(tell)) {}

  struct Phase {
    std::size_t changes = 0;
    double seconds = 0;
    double per_second() const { return static_cast<double>(changes) / std::max(seconds, 1e-9); }
  };

  // Until the plan's time is over.
  Result<Phase> accept(LatencyHistogram& groups) {
    accepted_.assign(lanes_, 0);
    const std::int64_t begin_ns = now_ns();
    return run(
        "accept",
        [this, begin_ns](std::size_t lane, std::size_t index) -> std::optional<Change> {
          // Looked at once a group: a group is always full.
          if (index % plan_.group == 0) {
            const double elapsed = static_cast<double>(now_ns() - begin_ns) / kNsPerSecond;
            if (lane == 0) tell_("accept", elapsed / plan_.seconds);
            if (elapsed >= plan_.seconds) return std::nullopt;
          }
          accepted_[lane] = index + 1;
          return changes_.accept(number(lane, index));
        },
        &groups);
  }
  Result<Phase> progress() {
    return run("progress", [this](std::size_t lane, std::size_t index) -> std::optional<Change> {
      if (index == accepted_[lane]) return std::nullopt;
      tell_each("progress", lane, index);
      return changes_.progress(number(lane, index));
    });
  }
  // Every other one.
  Result<Phase> finish() {
    return run("finish", [this](std::size_t lane, std::size_t index) -> std::optional<Change> {
      if (2 * index >= accepted_[lane]) return std::nullopt;
      tell_each("finish", lane, 2 * index);
      return changes_.finish(number(lane, 2 * index));
    });
  }

  // The numbers of those accepted.
  std::vector<std::size_t> numbers() const {
    std::vector<std::size_t> all;
    for (std::size_t lane = 0; lane < lanes_; ++lane) {
      for (std::size_t index = 0; index < accepted_[lane]; ++index) all.push_back(number(lane, index));
    }
    return all;
  }

 private:
  using Next = std::function<std::optional<Change>(std::size_t lane, std::size_t index)>;

  std::size_t number(std::size_t lane, std::size_t index) const { return index * lanes_ + lane; }

  void tell_each(const char* what, std::size_t lane, std::size_t index) const {
    if (lane == 0 && index % plan_.group == 0) {
      tell_(what, static_cast<double>(index) / static_cast<double>(accepted_[lane]));
    }
  }

  Result<Phase> run(const char* what, const Next& next, LatencyHistogram* groups = nullptr) {
    std::atomic<std::size_t> changes = 0;
    std::mutex mutex;
    std::optional<Error> trouble;
    const std::int64_t begin_ns = now_ns();
    const auto work = [&](std::size_t lane) {
      std::vector<Change> group;
      std::vector<ChangeOutcome> outcomes;
      for (std::size_t index = 0;;) {
        group.clear();
        while (group.size() < plan_.group) {
          std::optional<Change> change = next(lane, index);
          if (!change) break;
          group.push_back(std::move(*change));
          ++index;
        }
        if (group.empty()) return;
        outcomes.assign(group.size(), {});
        const std::int64_t before_ns = now_ns();
        store_.apply(group, outcomes);
        if (groups != nullptr) groups->record(now_ns() - before_ns);
        for (std::size_t i = 0; i < group.size(); ++i) {
          if (outcomes[i].result == ChangeResult::applied) continue;
          const std::lock_guard lock(mutex);
          trouble = Error{Code::internal, std::string("the store did not take a change: ") + what + " " + group[i].gid};
          return;
        }
        changes += group.size();
      }
    };
    std::vector<std::thread> threads;
    for (std::size_t lane = 1; lane < lanes_; ++lane) threads.emplace_back(work, lane);
    work(0);
    for (std::thread& thread : threads) thread.join();
    if (trouble) return *trouble;
    return Phase{changes, static_cast<double>(now_ns() - begin_ns) / kNsPerSecond};
  }

  const StorePlan& plan_;
  Store& store_;
  const std::size_t lanes_;
  const SagaChanges changes_;
  const Tell tell_;
  std::vector<std::size_t> accepted_;  // of each lane
};

// How many a second.
Result<double> load_all(Store& store, const std::vector<std::size_t>& numbers, const Tell& tell) {
  const std::int64_t begin_ns = now_ns();
  std::size_t count = 0;
  for (const std::size_t number : numbers) {
    if (count % kClaimMax == 0) tell("load", static_cast<double>(count) / static_cast<double>(numbers.size()));
    const auto found = store.load(SagaChanges::gid(number));
    if (!found) return found.error();
    if (!found.value()) return Error{Code::internal, "the store has lost " + SagaChanges::gid(number)};
    ++count;
  }
  return static_cast<double>(count) / (static_cast<double>(now_ns() - begin_ns) / kNsPerSecond);
}

Result<std::size_t> claim_all(Store& store) {
  std::size_t count = 0;
  const std::int64_t later_ms = wall_ms() + 2 * kLeaseMs;  // their leases are over then
  for (int claim = 1;; ++claim) {
    const std::string claimer = std::string(kOwnerPrefix) + "bench:" + std::to_string(claim);
    std::string damage;
    const auto claimed = store.claim({claimer, later_ms, later_ms + kLeaseMs}, kClaimMax,
                                     [&damage](const Error& error) { damage = error.message; });
    if (!claimed) return claimed.error();
    if (!damage.empty()) return Error{Code::internal, damage};
    count += claimed.value().transactions.size();
    if (!claimed.value().more) return count;
  }
}

Result<std::size_t> visit_all(Store& store) {
  std::size_t count = 0;
  std::string damage;
  const auto visited = store.visit_unfinished(
      [&count](const StoredTransaction&) {
        ++count;
        return true;
      },
      [&damage](const Error& error) { damage = error.message; });
  if (!visited) return visited.error();
  if (!damage.empty()) return Error{Code::internal, damage};
  return count;
}

}  // namespace

Result<Measurement> measure_store(const StorePlan& plan, OpenedStore& opened, const Tell& tell) {
  LatencyHistogram groups;
  const StoreTraits traits = opened.store->traits();
  const std::int64_t cpu_us = own_cpu_us();
  const std::int64_t store_cpu_us = opened.store_cpu_us();
  const RocksdbStatistics before = opened.statistics();
  std::vector<std::size_t> numbers;
  Writer::Phase accepted;
  Writer::Phase progressed;
  Writer::Phase finished;
  double loaded_per_second = 0;
  double writing_cpu_us = 0;
  double store_writing_cpu_us = 0;
  RocksdbStatistics written;
  {
    Writer writer(plan, *opened.store, tell);
    const auto take = [](const Result<Writer::Phase>& phase, Writer::Phase& to) -> std::optional<Error> {
      if (!phase) return phase.error();
      to = phase.value();
      return std::nullopt;
    };
    if (const auto error = take(writer.accept(groups), accepted)) return *error;
    if (const auto error = take(writer.progress(), progressed)) return *error;
    if (const auto error = take(writer.finish(), finished)) return *error;
    numbers = writer.numbers();
    writing_cpu_us = static_cast<double>(own_cpu_us() - cpu_us);
    store_writing_cpu_us = static_cast<double>(opened.store_cpu_us() - store_cpu_us);
    written = opened.statistics();
    const Result<double> loaded = load_all(*opened.store, numbers, tell);
    if (!loaded) return loaded.error();
    loaded_per_second = loaded.value();
  }
  tell("recover", 0);
  const std::int64_t reopen_ns = now_ns();
  if (const Result<Done> reopened = opened.reopen(); !reopened) return reopened.error();
  const Result<std::size_t> taken_up = traits.shared ? claim_all(*opened.store) : visit_all(*opened.store);
  if (!taken_up) return taken_up.error();
  const double recovery_seconds = static_cast<double>(now_ns() - reopen_ns) / kNsPerSecond;
  if (taken_up.value() != accepted.changes - finished.changes) {
    return Error{Code::internal, std::to_string(taken_up.value()) + " are unfinished after the restart, not " +
                                     std::to_string(accepted.changes - finished.changes)};
  }
  const auto changes = static_cast<double>(accepted.changes + progressed.changes + finished.changes);
  return Measurement{
      {"store", "store", plan.kind},
      {"durable", "durable", opened.durable()},
      {"file_system", "file system", opened.file_system.name},
      {"group", "changes in a group", static_cast<std::int64_t>(plan.group)},
      {"payload_bytes", "bytes of a payload", static_cast<std::int64_t>(plan.payload_bytes)},
      {"lanes", "groups at once", static_cast<std::int64_t>(traits.lanes)},
      {"transactions", "transactions", static_cast<std::int64_t>(accepted.changes)},
      {"per_second", "accepted/s", accepted.per_second()},
      {"group_p50_ms", "an accepting group, median, ms", groups.percentile_ms(0.5)},
      {"group_p99_ms", "an accepting group, 99 %, ms", groups.percentile_ms(0.99)},
      {"progressed_per_second", "progress written/s", progressed.per_second()},
      {"finished_per_second", "finished/s", finished.per_second()},
      {"loaded_per_second", "read by gid/s, one after the other", loaded_per_second},
      {"recovered_per_second", "taken up after a restart/s", static_cast<double>(taken_up.value()) / recovery_seconds},
      {"cpu_us", "CPU/change, us", writing_cpu_us / changes},
      {"store_cpu_us", "store process CPU/change, us", store_writing_cpu_us / changes},
      {"syncs", "WAL syncs", static_cast<std::int64_t>(written.syncs - before.syncs)},
      {"wal_bytes_per_change", "WAL bytes/change",
       static_cast<double>(written.bytes_written - before.bytes_written) / changes},
  };
}

}  // namespace settle::bench
