// Invariants: each gid is in index_ once. A record is in unfinished_ or in finished_, by its status; in the latter case
// it is in finish_order_ too. Threads: mutex_ guards everything; who reads takes it shared.
#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "settle/storage/memory.hpp"
#include "storage/common/listing.hpp"
#include "storage/common/rows.hpp"
#include "storage/memory/key_values.hpp"

namespace settle {
namespace {

struct Record {
  std::int64_t id = 0;
  std::shared_ptr<const Definition> definition;
  State state;
  std::vector<Registration> registrations;
  std::vector<BranchState> branches;  // the rows behind them are default ones
};

// Ids to records: the newest is the last.
using Records = std::map<std::int64_t, Record>;

struct Purged {
  GlobalStatus status = GlobalStatus::succeed;
  std::int64_t purged_at_ms = 0;
};

class MemoryStore final : public Store {
 public:
  StoreTraits traits() const override { return {"memory", false, "the memory of this process"}; }

  void apply(std::span<const Change> group, std::span<ChangeOutcome> outcomes) override {
    const std::unique_lock lock(mutex_);
    for (std::size_t i = 0; i < group.size(); ++i) {
      outcomes[i] = group[i].create ? create(group[i]) : change(group[i]);
    }
  }

  Result<Done> repair() override { return Done{}; }

  Result<std::optional<StoredTransaction>> load(const std::string& gid) override {
    const std::shared_lock lock(mutex_);
    const auto found = index_.find(gid);
    if (found == index_.end()) return std::optional<StoredTransaction>();
    return std::optional(whole(found->second->second));
  }

  Result<std::optional<GlobalStatus>> purged_status(const std::string& gid) override {
    const std::shared_lock lock(mutex_);
    const auto found = purged_.find(gid);
    if (found == purged_.end()) return std::optional<GlobalStatus>();
    return std::optional(found->second.status);
  }

  Result<ScanPage> scan(const ScanFilter& filter, const std::string& position, std::size_t limit) override {
    const auto below = parse_position(kScanPosition, position);
    if (!below) return below.error();
    const std::shared_lock lock(mutex_);
    ScanPage page;
    auto unfinished = std::make_reverse_iterator(unfinished_.lower_bound(below.value()));
    auto finished = std::make_reverse_iterator(finished_.lower_bound(below.value()));
    while (unfinished != unfinished_.rend() || finished != finished_.rend()) {
      const bool take_unfinished =
          finished == finished_.rend() || (unfinished != unfinished_.rend() && unfinished->first > finished->first);
      const Record& record = take_unfinished ? (unfinished++)->second : (finished++)->second;
      if (!matches(filter, record.state.status, record.definition->type, record.definition->create_time_ms)) continue;
      if (page.transactions.size() == limit) {
        page.next_position = position_after(kScanPosition, page.transactions.back().id);
        break;
      }
      page.transactions.push_back({record.id, record.definition, record.state, {}, {}});
    }
    return page;
  }

  ChangeResult apply_key_value(const KeyValueChange& change) override {
    const std::unique_lock lock(mutex_);
    return key_values_.apply(change);
  }

  Result<std::optional<KeyValue>> load_key_value(const std::string& category, const std::string& key) override {
    const std::shared_lock lock(mutex_);
    return key_values_.load(category, key);
  }

  Result<KeyValuePage> scan_key_values(const std::string& category, const std::string& position,
                                       std::size_t limit) override {
    const std::shared_lock lock(mutex_);
    return key_values_.scan(category, position, limit);
  }

  Result<Done> visit_unfinished(UniqueFunction<bool(StoredTransaction)> visit,
                                UniqueFunction<void(Error)> /*damaged*/) override {
    std::int64_t last_id = 0;
    while (true) {
      StoredTransaction next;
      {  // The visitor is called without the lock: it may come back with calls of its own.
        const std::shared_lock lock(mutex_);
        const auto found = unfinished_.upper_bound(last_id);
        if (found == unfinished_.end()) return Done{};
        next = whole(found->second);
      }
      last_id = next.id;
      if (!visit(std::move(next))) return Done{};
    }
  }

  Result<PurgeResult> purge(std::int64_t finished_before_ms, std::int64_t forgotten_before_ms, std::int64_t now_ms,
                            std::size_t limit) override {
    const std::unique_lock lock(mutex_);
    PurgeResult result;
    while (!purge_order_.empty() && purge_order_.begin()->first < forgotten_before_ms) {
      if (result.forgotten == limit) return more(result);
      purged_.erase(purge_order_.begin()->second);
      purge_order_.erase(purge_order_.begin());
      ++result.forgotten;
    }
    while (!finish_order_.empty() && finish_order_.begin()->first < finished_before_ms) {
      if (result.purged == limit) return more(result);
      const auto record = finished_.find(finish_order_.begin()->second);
      const std::string& gid = record->second.definition->gid;
      purged_[gid] = {record->second.state.status, now_ms};
      purge_order_.emplace(now_ms, gid);
      index_.erase(gid);
      finished_.erase(record);
      finish_order_.erase(finish_order_.begin());
      ++result.purged;
    }
    return result;
  }

 private:
  static PurgeResult more(PurgeResult result) {
    result.more = true;
    return result;
  }

  static StoredTransaction whole(const Record& record) {
    const Definition& definition = *record.definition;
    StoredTransaction transaction{record.id, record.definition, record.state, record.registrations, record.branches};
    transaction.branches.resize(row_count(definition.type, definition.branches.size(), record.registrations.size()));
    return transaction;
  }

  static void take_parts(Record& record, const Change& change) {
    record.registrations.insert(record.registrations.end(), change.registrations.begin(), change.registrations.end());
    for (const BranchRun& run : change.runs) {
      if (record.branches.size() < run.first + run.branches.size()) {
        record.branches.resize(run.first + run.branches.size());
      }
      std::copy(run.branches.begin(), run.branches.end(), record.branches.begin() + run.first);
    }
  }

  ChangeOutcome create(const Change& change) {
    if (index_.contains(change.gid) || purged_.contains(change.gid)) return {ChangeResult::exists, 0};
    if (!registrations_fit(change, change.definition->type, change.definition->branches.size(), 0)) {
      return {ChangeResult::conflict, 0};
    }
    const std::int64_t id = next_id_++;
    Records& home = is_final(change.state.status) ? finished_ : unfinished_;
    const auto record = home.emplace_hint(home.end(), id, Record{id, change.definition, change.state, {}, {}});
    take_parts(record->second, change);
    index_.emplace(change.definition->gid, record);
    if (is_final(change.state.status)) finish_order_.emplace(finished_at_ms(change.state), id);
    return {ChangeResult::applied, id};
  }

  ChangeOutcome change(const Change& change) {
    auto found = index_.find(change.gid);
    if (found == index_.end() || found->second->second.state.status != change.expected_status) {
      return {ChangeResult::conflict, 0};
    }
    Record& record = found->second->second;
    const Definition& definition = change.definition ? *change.definition : *record.definition;
    if (!registrations_fit(change, definition.type, definition.branches.size(), record.registrations.size())) {
      return {ChangeResult::conflict, 0};
    }
    const bool was_final = is_final(record.state.status);
    const bool becomes_final = is_final(change.state.status);
    if (was_final) finish_order_.erase({finished_at_ms(record.state), record.id});
    if (change.definition) {
      auto place = index_.extract(found);
      place.key() = change.definition->gid;
      record.definition = change.definition;
      found = index_.insert(std::move(place)).position;
    }
    record.state = change.state;
    take_parts(record, change);
    if (was_final != becomes_final) {
      Records& from = was_final ? finished_ : unfinished_;
      Records& to = becomes_final ? finished_ : unfinished_;
      found->second = to.insert(from.extract(found->second)).position;
    }
    if (becomes_final) finish_order_.emplace(finished_at_ms(change.state), record.id);
    return {ChangeResult::applied, record.id};
  }

  std::shared_mutex mutex_;
  Records unfinished_;
  Records finished_;
  std::unordered_map<std::string_view, Records::iterator> index_;  // by the gid in the definition of each
  std::set<std::pair<std::int64_t, std::int64_t>> finish_order_;   // (time, id)
  std::unordered_map<std::string, Purged> purged_;
  std::set<std::pair<std::int64_t, std::string>> purge_order_;  // (time, gid)
  std::int64_t next_id_ = 1;
  KeyValues key_values_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store() { return std::make_unique<MemoryStore>(); }

}  // namespace settle
