#include "storage/rocksdb/unfinished_index.hpp"

#include <iterator>

#include "storage/common/listing.hpp"

namespace settle {

void UnfinishedIndex::clear(const Writing& /*writing*/) {
  by_gid_.clear();
  by_id_.clear();
}

void UnfinishedIndex::put(const Writing& /*writing*/, std::string_view gid, const KnownTransaction& transaction) {
  if (const auto found = by_gid_.find(gid); found != by_gid_.end()) {
    found->second->second.known = transaction;
    return;
  }
  const auto entry = by_id_.emplace_hint(by_id_.end(), transaction.id, Entry{std::string(gid), transaction});
  by_gid_.emplace(entry->second.gid, entry);
}

void UnfinishedIndex::erase(const Writing& /*writing*/, std::string_view gid) {
  const auto found = by_gid_.find(gid);
  if (found == by_gid_.end()) return;
  const auto entry = found->second;
  by_gid_.erase(found);
  by_id_.erase(entry);
}

const KnownTransaction* UnfinishedIndex::find(std::string_view gid) const {
  const auto found = by_gid_.find(gid);
  return found == by_gid_.end() ? nullptr : &found->second->second.known;
}

std::vector<std::int64_t> UnfinishedIndex::newest(const ScanFilter& filter, std::int64_t below,
                                                  std::size_t limit) const {
  std::vector<std::int64_t> ids;
  const std::shared_lock lock(mutex_);
  for (auto at = std::make_reverse_iterator(by_id_.lower_bound(below)); at != by_id_.rend() && ids.size() < limit;
       ++at) {
    const KnownTransaction& known = at->second.known;
    if (matches(filter, known.status, known.type, known.create_time_ms)) ids.push_back(at->first);
  }
  return ids;
}

}  // namespace settle
