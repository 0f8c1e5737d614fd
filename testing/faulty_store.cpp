#include "settle/testing/faulty_store.hpp"

#include <utility>

namespace settle::testing {
namespace {

Error cannot_be_read() { return {Code::internal, "cannot be read"}; }

}  // namespace

void FaultyStore::apply(std::span<const Change> group, std::span<ChangeOutcome> outcomes) {
  applied.insert(applied.end(), group.begin(), group.end());
  if (!fail_writes) behind().apply(group, outcomes);
  if (fail_writes || fail_after_applying) {
    for (ChangeOutcome& outcome : outcomes) outcome = {ChangeResult::failed, 0};
  }
}

ChangeResult FaultyStore::apply_key_value(const KeyValueChange& change) {
  const ChangeResult result = fail_writes ? ChangeResult::failed : behind().apply_key_value(change);
  return fail_after_applying ? ChangeResult::failed : result;
}

Result<Done> FaultyStore::repair() {
  ++repairs;
  if (fail_repairs) return Error{Code::internal, "still broken"};
  fail_writes = fail_after_applying = false;
  return behind().repair();
}

Result<std::optional<StoredTransaction>> FaultyStore::load(const std::string& gid) {
  if (fail_reads) return cannot_be_read();
  return behind().load(gid);
}

Result<std::optional<KeyValue>> FaultyStore::load_key_value(const std::string& category, const std::string& key) {
  if (fail_reads) return cannot_be_read();
  return behind().load_key_value(category, key);
}

Result<Claimed> FaultyStore::claim(const ClaimRequest& request, std::size_t limit,
                                   UniqueFunction<void(Error)> damaged) {
  if (fail_reads) return cannot_be_read();
  return behind().claim(request, limit, std::move(damaged));
}

Result<ClaimedOne> FaultyStore::claim_one(const std::string& gid, const ClaimRequest& request) {
  if (fail_reads) return cannot_be_read();
  return behind().claim_one(gid, request);
}

Result<std::size_t> FaultyStore::end_leases(const std::function<bool(const std::string& owner)>& is_gone,
                                            std::int64_t now_ms) {
  if (fail_reads) return cannot_be_read();
  return behind().end_leases(is_gone, now_ms);
}

}  // namespace settle::testing
