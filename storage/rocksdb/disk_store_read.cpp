#include <algorithm>
#include <utility>

#include "storage/common/listing.hpp"
#include "storage/rocksdb/disk_store.hpp"
#include "storage/rocksdb/disk_store_view.hpp"
#include "storage/rocksdb/keys.hpp"

namespace settle {
namespace {

// How much a part of a listing or of a visit takes in at once: bounds memory and how long repair() waits.
constexpr std::size_t kPartTransactions = 256;
constexpr std::size_t kPartBytes = 4 << 20;

// What it takes of memory, about.
std::size_t bytes_of(const StoredTransaction& transaction) {
  std::size_t bytes = transaction.definition->branches.size() * sizeof(BranchDefinition) +
                      transaction.registrations.size() * sizeof(Registration);
  for (const std::string& payload : transaction.definition->payloads) bytes += payload.size();
  for (const Registration& registration : transaction.registrations) bytes += registration.payload.size();
  return bytes;
}

}  // namespace

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
  if (!state.value()) return missing_value(unfinished_key(id), gid);
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
  const auto start = parse_position(kScanPosition, position);
  if (!start) return start.error();
  ScanPage page;
  std::int64_t below = start.value();
  // One more than asked for tells whether there is a next page.
  while (page.transactions.size() <= limit && below > 0) {
    if (const auto part = scan_part(filter, limit + 1, below, page); !part) return part.error();
  }
  if (page.transactions.size() > limit) {
    page.transactions.resize(limit);
    page.next_position = position_after(kScanPosition, page.transactions.back().id);
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
    page.transactions.push_back({id, std::move(definition.value()), std::move(state.state), {}, {}});
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
          part.emplace_back(state ? missing_value(settle::view(at->key()), state.value().gid) : state.error());
          continue;
        }
        auto definition = view.definition(*id, state.value());
        if (!definition) {
          part.emplace_back(definition.error());
          continue;
        }
        part.push_back(view.whole(*id, std::move(state.value()), std::move(definition.value())));
        if (part.back()) bytes += bytes_of(part.back().value());
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
