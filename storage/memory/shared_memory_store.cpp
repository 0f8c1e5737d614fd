// Invariants: inner_ holds the transactions, holds_ who holds them, for those that somebody holds. Threads: mutex_
// makes each change, and each claim, one step; inner_ has a lock of its own for its reads.
#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "settle/storage/memory.hpp"

namespace settle {
namespace {

struct Hold {
  std::string owner;
  std::int64_t lease_until_ms = 0;
};

// Of a prepared one: it is called within its interval, whether its client comes or not.
bool asks_soon(const StoredTransaction& prepared, std::int64_t now_ms) {
  const TransType type = prepared.definition->type;
  return (type == TransType::msg || type == TransType::workflow) &&
         prepared.state.next_retry_time_ms <= now_ms + prepared.state.retry_interval_ms;
}

std::int64_t whole_seconds(std::int64_t time_ms) { return time_ms - time_ms % 1000; }

class SharedMemoryStore final : public Store {
 public:
  StoreTraits traits() const override {
    StoreTraits traits{"memory", false, "the memory of this process"};
    traits.shared = traits.names_branches = true;
    return traits;
  }

  void apply(std::span<const Change> group, std::span<ChangeOutcome> outcomes) override {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < group.size(); ++i) outcomes[i] = apply_one(group[i]);
  }
  ChangeResult apply_key_value(const KeyValueChange& change) override { return inner_->apply_key_value(change); }
  Result<Done> repair() override { return Done{}; }

  Result<std::optional<StoredTransaction>> load(const std::string& gid) override {
    const std::lock_guard lock(mutex_);
    return load_locked(gid);
  }
  Result<std::optional<GlobalStatus>> purged_status(const std::string& gid) override {
    return inner_->purged_status(gid);
  }
  Result<ScanPage> scan(const ScanFilter& filter, const std::string& position, std::size_t limit) override {
    auto page = inner_->scan(filter, position, limit);
    const std::lock_guard lock(mutex_);
    if (page) {
      for (StoredTransaction& each : page.value().transactions) show_hold(each);
    }
    return page;
  }
  Result<std::optional<KeyValue>> load_key_value(const std::string& category, const std::string& key) override {
    return inner_->load_key_value(category, key);
  }
  Result<KeyValuePage> scan_key_values(const std::string& category, const std::string& position,
                                       std::size_t limit) override {
    return inner_->scan_key_values(category, position, limit);
  }
  Result<Done> visit_unfinished(UniqueFunction<bool(StoredTransaction)> visit,
                                UniqueFunction<void(Error)> damaged) override {
    return inner_->visit_unfinished(
        [this, &visit](StoredTransaction each) {
          {
            const std::lock_guard lock(mutex_);
            show_hold(each);
          }
          return visit(std::move(each));
        },
        std::move(damaged));
  }
  Result<PurgeResult> purge(std::int64_t finished_before_ms, std::int64_t forgotten_before_ms, std::int64_t now_ms,
                            std::size_t limit) override {
    return inner_->purge(finished_before_ms, forgotten_before_ms, now_ms, limit);
  }

  Result<Claimed> claim(const ClaimRequest& request, std::size_t limit,
                        UniqueFunction<void(Error)> /*damaged*/) override {
    const std::lock_guard lock(mutex_);
    std::vector<StoredTransaction> due =
        unfinished([&](const StoredTransaction& each) { return each.state.next_retry_time_ms <= request.now_ms; });
    std::stable_sort(due.begin(), due.end(), [](const StoredTransaction& one, const StoredTransaction& other) {
      return one.state.next_retry_time_ms < other.state.next_retry_time_ms;
    });
    if (due.size() > limit) due.resize(limit);
    for (const StoredTransaction& each : due) take(each.definition->gid, request);
    const bool more = due.size() == limit;
    return Claimed{std::move(due), more};
  }

  Result<ClaimedOne> claim_one(const std::string& gid, const ClaimRequest& request) override {
    const std::lock_guard lock(mutex_);
    auto found = load_locked(gid);
    if (!found) return std::move(found.error());
    if (!found.value() || is_final(found.value()->state.status)) return ClaimedOne{};
    if (!is_free(gid, request.now_ms)) return ClaimedOne{ClaimResult::busy, std::nullopt};
    take(gid, request);
    return ClaimedOne{ClaimResult::claimed, std::move(found.value())};
  }

  Result<std::size_t> make_due(std::int64_t later_than_ms, std::int64_t now_ms, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    std::size_t count = 0;
    for (const StoredTransaction& each : unfinished([&](const StoredTransaction& one) {
           return one.state.next_retry_time_ms > later_than_ms && is_free(one.definition->gid, now_ms) &&
                  (one.state.status != GlobalStatus::prepared || asks_soon(one, now_ms));
         })) {
      if (count == limit) break;
      ++count;
      Change change;
      change.gid = each.definition->gid;
      change.expected_status = each.state.status;
      change.state = each.state;
      change.state.next_retry_time_ms = now_ms;
      ChangeOutcome outcome;
      inner_->apply({&change, 1}, {&outcome, 1});
    }
    return count;
  }

  Result<std::size_t> end_leases(const std::function<bool(const std::string& owner)>& is_gone,
                                 std::int64_t now_ms) override {
    const std::lock_guard lock(mutex_);
    std::size_t count = 0;
    for (auto& [gid, hold] : holds_) {
      if (hold.lease_until_ms <= now_ms || !is_gone(hold.owner)) continue;
      hold.lease_until_ms = whole_seconds(now_ms);
      ++count;
    }
    return count;
  }

 private:
  Result<std::optional<StoredTransaction>> load_locked(const std::string& gid) {
    auto found = inner_->load(gid);
    if (found && found.value()) show_hold(*found.value());
    return found;
  }

  void show_hold(StoredTransaction& transaction) const {
    const auto hold = holds_.find(transaction.definition->gid);
    transaction.state.parked = hold == holds_.end();
    if (hold == holds_.end()) return;
    transaction.owner = hold->second.owner;
    transaction.state.next_retry_time_ms = hold->second.lease_until_ms;
  }

  bool is_free(const std::string& gid, std::int64_t now_ms) const {
    const auto hold = holds_.find(gid);
    return hold == holds_.end() || hold->second.lease_until_ms <= now_ms;
  }

  template <class Matches>
  std::vector<StoredTransaction> unfinished(Matches matches) {
    std::vector<StoredTransaction> found;
    (void)inner_->visit_unfinished(
        [&](StoredTransaction each) {
          show_hold(each);
          if (matches(each)) found.push_back(std::move(each));
          return true;
        },
        [](const Error&) {});
    return found;
  }

  void take(const std::string& gid, const ClaimRequest& request) {
    holds_[gid] = {request.owner, whole_seconds(request.lease_until_ms)};
  }

  ChangeOutcome apply_one(const Change& change) {
    const auto hold = holds_.find(change.gid);
    const bool held_so = hold != holds_.end() && hold->second.owner == change.held_as;
    if (!change.held_as.empty() && !held_so) return {ChangeResult::conflict, 0};
    Change whole = change;
    if (!complete(whole)) return {ChangeResult::conflict, 0};
    ChangeOutcome outcome;
    inner_->apply({&whole, 1}, {&outcome, 1});
    if (outcome.result != ChangeResult::applied) return outcome;
    if (!change.hold_as.empty()) {
      holds_[change.gid] = {change.hold_as, whole_seconds(change.lease_until_ms)};
    } else if (!change.held_as.empty() || change.state.status != change.expected_status) {
      holds_.erase(change.gid);
    }
    return outcome;
  }

  // Makes of it what the inner store wants: registrations behind those that are there, and whole runs. False where a
  // branch is registered already.
  bool complete(Change& change) {
    const auto found = inner_->load(change.gid);
    const bool exists = found && found.value();
    if (change.create == exists) return true;  // refused by the inner store
    StoredTransaction stored;
    if (exists) stored = *found.value();
    if (change.definition) stored.definition = change.definition;
    for (const Registration& each : change.registrations) {
      const auto same = [&](const Registration& other) {
        return other.branch_id == each.branch_id && other.operation == each.operation;
      };
      if (std::any_of(stored.registrations.begin(), stored.registrations.end(), same)) return false;
    }
    change.first_registration = stored.registrations.size();
    stored.registrations.insert(stored.registrations.end(), change.registrations.begin(), change.registrations.end());
    std::vector<BranchState> rows = std::move(stored.branches);
    rows.resize(row_count(*stored.definition, stored.registrations.size()));
    for (BranchState& each : rows) {
      if (each.status == BranchStatus::prepared) each = {};
    }
    for (const BranchRun& run : change.runs) {
      for (std::size_t i = 0; i < run.branches.size() && run.first + i < rows.size(); ++i) {
        if (run.branches[i].status == BranchStatus::prepared) rows[run.first + i] = run.branches[i];
      }
    }
    for (const NamedBranch& named : change.named) {
      for (std::size_t row = 0; row < rows.size(); ++row) {
        const BranchView view = branch_at(*stored.definition, stored.registrations, row);
        if (view.branch_id == named.branch_id && view.operation == named.operation) rows[row] = named.state;
      }
    }
    change.runs.clear();
    for (std::uint32_t first = 0; first < rows.size(); first += kBranchRunLength) {
      const std::size_t end = std::min<std::size_t>(rows.size(), first + kBranchRunLength);
      change.runs.push_back({first, {rows.begin() + first, rows.begin() + static_cast<std::ptrdiff_t>(end)}});
    }
    return true;
  }

  std::mutex mutex_;
  std::unique_ptr<Store> inner_ = make_memory_store();
  std::map<std::string, Hold> holds_;
};

}  // namespace

std::unique_ptr<Store> make_shared_memory_store() { return std::make_unique<SharedMemoryStore>(); }

}  // namespace settle
