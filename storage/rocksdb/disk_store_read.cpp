#include <rocksdb/snapshot.h>

#include <algorithm>
#include <utility>

#include "storage/common/listing.hpp"
#include "storage/rocksdb/disk_store.hpp"
#include "storage/rocksdb/keys.hpp"

namespace settle {
namespace {

// How much a part of a listing or of a visit takes in at once: bounds memory and how long repair() waits.
constexpr std::size_t kPartTransactions = 256;
constexpr std::size_t kPartBytes = 4 << 20;

Error missing(std::string_view key, std::string_view gid) {
  return {Code::internal, "damaged store: the " + describe_key(key) + " (gid " + std::string(gid) + ") is missing"};
}

}  // namespace

class DiskStore::View {
 public:
  explicit View(const DiskStore& store) : store_(store), snapshot_(store.database_.get()) {
    options_.snapshot = snapshot_.snapshot();
  }

  const ::rocksdb::Snapshot* snapshot() const { return options_.snapshot; }

  // Nothing where the key is not there; otherwise the bytes, valid until the next get().
  Result<std::optional<std::string_view>> get(std::string_view key) {
    value_.Reset();
    ::rocksdb::DB& database = *store_.database_;
    const auto status = database.Get(options_, database.DefaultColumnFamily(), slice(key), &value_);
    if (status.IsNotFound()) return std::optional<std::string_view>();
    if (!status.ok()) return store_.failure(status);
    return std::optional(settle::view(value_));
  }

  Result<std::optional<GidRecord>> gid_record(std::string_view gid) {
    const std::string key = gid_key(gid);
    const auto value = get(key);
    if (!value) return value.error();
    if (!value.value()) return std::optional<GidRecord>();
    auto record = decode_gid_record(key, *value.value());
    if (!record) return record.error();
    return std::optional(std::move(record.value()));
  }

  Result<std::optional<StateRecord>> state(const std::string& key) {
    const auto value = get(key);
    if (!value) return value.error();
    if (!value.value()) return std::optional<StateRecord>();
    auto record = decode_state(key, *value.value());
    if (!record) return record.error();
    return std::optional(std::move(record.value()));
  }

  // The definition that belongs to this state.
  Result<std::shared_ptr<const Definition>> definition(std::int64_t id, const StateRecord& state) {
    auto record = gid_record(state.gid);
    if (!record) return record.error();
    const std::string key = gid_key(state.gid);
    if (!record.value() || !record.value()->definition) return missing(key, state.gid);
    Definition& definition = *record.value()->definition;
    if (record.value()->id != id || definition.branches.size() != state.branch_count) {
      return Error{Code::internal,
                   "damaged store: the " + describe_key(key) + " is not that of transaction " + std::to_string(id)};
    }
    return std::make_shared<const Definition>(std::move(definition));
  }

  Result<StoredTransaction> whole(std::int64_t id, StateRecord state, std::shared_ptr<const Definition> definition) {
    StoredTransaction transaction{id, std::move(definition), std::move(state.state), std::move(state.first_run)};
    transaction.branches.resize(state.branch_count);
    if (state.branch_count > kBranchRunLength) {
      if (auto read = later_runs(id, transaction.branches); !read) return read.error();
    }
    return transaction;
  }

 private:
  Result<Done> later_runs(std::int64_t id, std::vector<BranchState>& branches) {
    const std::string low = run_key(id, 0);
    const std::string high = run_key(id + 1, 0);
    const ::rocksdb::Slice upper(high);
    ::rocksdb::ReadOptions options = options_;
    options.total_order_seek = true;
    options.iterate_upper_bound = &upper;
    const std::unique_ptr<::rocksdb::Iterator> at(store_.database_->NewIterator(options));
    for (at->Seek(low); at->Valid(); at->Next()) {
      const auto parts = parse_run_key(settle::view(at->key()));
      const auto run = decode_run(settle::view(at->key()), settle::view(at->value()));
      if (!run) return run.error();
      const std::size_t first = parts ? parts->first_row : branches.size();
      if (first + run.value().size() > branches.size()) {
        return Error{Code::internal, "damaged store: " + describe_key(settle::view(at->key())) +
                                         ": more rows than the transaction has"};
      }
      std::copy(run.value().begin(), run.value().end(), branches.begin() + static_cast<std::ptrdiff_t>(first));
    }
    if (!at->status().ok()) return store_.failure(at->status());
    return Done{};
  }

  const DiskStore& store_;
  ::rocksdb::ManagedSnapshot snapshot_;
  ::rocksdb::ReadOptions options_;
  ::rocksdb::PinnableSlice value_;
};

Result<std::optional<StoredTransaction>> DiskStore::load(const std::string& gid) {
  const std::shared_lock lock(database_mutex_);
  if (const auto open = check_open(); !open) return open.error();
  View view(*this);
  auto record = view.gid_record(gid);
  if (!record) return record.error();
  if (!record.value() || !record.value()->definition) return std::optional<StoredTransaction>();
  const std::int64_t id = record.value()->id;
  auto definition = std::make_shared<const Definition>(std::move(*record.value()->definition));

  auto state = view.state(unfinished_key(id));
  if (state && !state.value()) state = view.state(finished_key(id));
  if (!state) return state.error();
  if (!state.value()) return missing(unfinished_key(id), gid);
  if (state.value()->gid != gid || state.value()->branch_count != definition->branches.size()) {
    return Error{Code::internal, "damaged store: the " + describe_key(unfinished_key(id)) +
                                     " does not fit the definition of gid " + gid};
  }
  auto transaction = view.whole(id, std::move(*state.value()), std::move(definition));
  if (!transaction) return transaction.error();
  return std::optional(std::move(transaction.value()));
}

Result<std::optional<GlobalStatus>> DiskStore::purged_status(const std::string& gid) {
  const std::shared_lock lock(database_mutex_);
  if (const auto open = check_open(); !open) return open.error();
  View view(*this);
  const auto record = view.gid_record(gid);
  if (!record) return record.error();
  if (!record.value() || record.value()->definition) return std::optional<GlobalStatus>();
  return std::optional(record.value()->purged_status);
}

Result<ScanPage> DiskStore::scan(const ScanFilter& filter, const std::string& position, std::size_t limit) {
  const auto start = parse_scan_position(position);
  if (!start) return start.error();
  ScanPage page;
  std::int64_t below = start.value();
  // One more than asked for tells whether there is a next page.
  while (page.transactions.size() <= limit && below > 0) {
    if (const auto part = scan_part(filter, limit + 1, below, page); !part) return part.error();
  }
  if (page.transactions.size() > limit) {
    page.transactions.resize(limit);
    page.next_position = scan_position_after(page.transactions.back().id);
  }
  return page;
}

// Adds what matches below `below` until the page has `limit`, or until it has taken in as many unfinished ones as a
// part may; then sets `below` to where to go on, 0 at the end.
Result<Done> DiskStore::scan_part(const ScanFilter& filter, std::size_t limit, std::int64_t& below, ScanPage& page) {
  const std::shared_lock lock(database_mutex_);
  if (auto open = check_open(); !open) return open;
  // The ids first, then the view: one that finishes in between is found among the finished.
  const std::vector<std::int64_t> unfinished = unfinished_.newest(filter, below, kPartTransactions);
  const std::int64_t part_end = unfinished.size() == kPartTransactions ? unfinished.back() : 0;
  View view(*this);
  const KindRange range(KeyKind::finished);
  ::rocksdb::ReadOptions options = range.read_options();
  options.snapshot = view.snapshot();
  const std::unique_ptr<::rocksdb::Iterator> at(database_->NewIterator(options));

  const auto add = [&](std::int64_t id, StateRecord state) -> Result<Done> {
    if (!matches(filter, state.state.status, state.type, state.create_time_ms)) return Done{};
    auto definition = view.definition(id, state);
    if (!definition) return definition.error();
    page.transactions.push_back({id, std::move(definition.value()), std::move(state.state), {}});
    return Done{};
  };

  const bool finished_wanted = !filter.status || is_final(*filter.status);
  if (finished_wanted) at->SeekForPrev(finished_key(below - 1));
  std::size_t next_unfinished = 0;
  while (page.transactions.size() < limit) {
    const bool more_unfinished = next_unfinished < unfinished.size();
    const auto finished_id =
        finished_wanted && at->Valid() ? id_of(KeyKind::finished, settle::view(at->key())) : std::nullopt;
    const bool more_finished = finished_id && *finished_id >= part_end;
    if (more_unfinished && (!more_finished || unfinished[next_unfinished] > *finished_id)) {
      const std::int64_t id = unfinished[next_unfinished++];
      auto state = view.state(unfinished_key(id));
      if (!state) return state.error();
      if (!state.value()) continue;  // finished since; it comes as that
      if (auto added = add(id, std::move(*state.value())); !added) return added;
    } else if (more_finished) {
      auto state = decode_state(settle::view(at->key()), settle::view(at->value()));
      if (!state) return state.error();
      if (auto added = add(*finished_id, std::move(state.value())); !added) return added;
      at->Prev();
    } else {
      below = part_end;
      break;
    }
  }
  if (!at->status().ok()) return failure(at->status());
  return Done{};
}

Result<Done> DiskStore::visit_unfinished(UniqueFunction<bool(StoredTransaction)> visit,
                                         UniqueFunction<void(Error)> damaged) {
  std::string next_key = unfinished_key(INT64_MIN);
  bool at_end = false;
  std::vector<Result<StoredTransaction>> part;
  while (!at_end) {
    part.clear();
    {  // The visitor is called without the lock: it may come back with calls of its own.
      const std::shared_lock lock(database_mutex_);
      if (auto open = check_open(); !open) return open;
      View view(*this);
      const KindRange range(KeyKind::unfinished);
      ::rocksdb::ReadOptions options = range.read_options();
      options.snapshot = view.snapshot();
      options.fill_cache = false;
      const std::unique_ptr<::rocksdb::Iterator> at(database_->NewIterator(options));
      std::size_t bytes = 0;
      for (at->Seek(next_key); part.size() < kPartTransactions && bytes < kPartBytes; at->Next()) {
        if (!at->Valid()) {
          at_end = true;
          break;
        }
        next_key = at->key().ToString() + '\0';  // the smallest key after this one
        const auto id = id_of(KeyKind::unfinished, settle::view(at->key()));
        auto state = decode_state(settle::view(at->key()), settle::view(at->value()));
        if (!id || !state) {
          part.emplace_back(state ? missing(settle::view(at->key()), state.value().gid) : state.error());
          continue;
        }
        auto definition = view.definition(*id, state.value());
        if (!definition) {
          part.emplace_back(definition.error());
          continue;
        }
        for (const std::string& payload : definition.value()->payloads) bytes += payload.size();
        bytes += definition.value()->branches.size() * sizeof(BranchDefinition);
        part.push_back(view.whole(*id, std::move(state.value()), std::move(definition.value())));
      }
      if (!at->status().ok()) return failure(at->status());
    }
    for (Result<StoredTransaction>& found : part) {
      if (!found) {
        damaged(std::move(found.error()));
      } else if (!visit(std::move(found.value()))) {
        return Done{};
      }
    }
  }
  return Done{};
}

}  // namespace settle
