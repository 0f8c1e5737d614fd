#include "settle/testing/faulty_store.hpp"

#include <utility>

namespace settle::testing {
namespace {

Error cannot_be_read() { return {Code::internal, "cannot be read"}; }

}  // namespace

void FaultyStore::apply(std::span<const Change> group, std::span<ChangeOutcome> outcomes) {
  applied.insert(applied.end(), group.begin(), group.end());
  if (!fail_writes) store_.apply(group, outcomes);
  if (fail_writes || fail_after_applying) {
    for (ChangeOutcome& outcome : outcomes) outcome = {ChangeResult::failed, 0};
  }
}

ChangeResult FaultyStore::apply_key_value(const KeyValueChange& change) {
  const ChangeResult result = fail_writes ? ChangeResult::failed : store_.apply_key_value(change);
  return fail_after_applying ? ChangeResult::failed : result;
}

Result<Done> FaultyStore::repair() {
  ++repairs;
  if (fail_repairs) return Error{Code::internal, "still broken"};
  fail_writes = fail_after_applying = false;
  return store_.repair();
}

Result<std::optional<StoredTransaction>> FaultyStore::load(const std::string& gid) {
  if (fail_reads) return cannot_be_read();
  return store_.load(gid);
}

Result<std::optional<GlobalStatus>> FaultyStore::purged_status(const std::string& gid) {
  return store_.purged_status(gid);
}

Result<ScanPage> FaultyStore::scan(const ScanFilter& filter, const std::string& position, std::size_t limit) {
  return store_.scan(filter, position, limit);
}

Result<std::optional<KeyValue>> FaultyStore::load_key_value(const std::string& category, const std::string& key) {
  if (fail_reads) return cannot_be_read();
  return store_.load_key_value(category, key);
}

Result<KeyValuePage> FaultyStore::scan_key_values(const std::string& category, const std::string& position,
                                                  std::size_t limit) {
  return store_.scan_key_values(category, position, limit);
}

Result<Done> FaultyStore::visit_unfinished(UniqueFunction<bool(StoredTransaction)> visit,
                                           UniqueFunction<void(Error)> damaged) {
  return store_.visit_unfinished(std::move(visit), std::move(damaged));
}

Result<PurgeResult> FaultyStore::purge(std::int64_t finished_before_ms, std::int64_t forgotten_before_ms,
                                       std::int64_t now_ms, std::size_t limit) {
  return store_.purge(finished_before_ms, forgotten_before_ms, now_ms, limit);
}

Result<Claimed> FaultyStore::claim(const ClaimRequest& request, std::size_t limit,
                                   UniqueFunction<void(Error)> damaged) {
  if (fail_reads) return cannot_be_read();
  return store_.claim(request, limit, std::move(damaged));
}

Result<ClaimedOne> FaultyStore::claim_one(const std::string& gid, const ClaimRequest& request) {
  if (fail_reads) return cannot_be_read();
  return store_.claim_one(gid, request);
}

Result<std::size_t> FaultyStore::make_due(std::int64_t later_than_ms, std::int64_t now_ms, std::size_t limit) {
  return store_.make_due(later_than_ms, now_ms, limit);
}

Result<std::size_t> FaultyStore::end_leases(const std::function<bool(const std::string& owner)>& is_gone,
                                            std::int64_t now_ms) {
  if (fail_reads) return cannot_be_read();
  return store_.end_leases(is_gone, now_ms);
}

}  // namespace settle::testing
