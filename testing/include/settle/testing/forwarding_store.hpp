// A store in front of another one that does nothing of its own: to derive from, and to put something in the way of some
// of its calls.
//
// Threads: as those of the store behind it.
// Lifetime: the store behind it must outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "settle/store.hpp"

namespace settle::testing {

class ForwardingStore : public Store {
 public:
  explicit ForwardingStore(Store& behind) : behind_(behind) {}

  StoreTraits traits() const override { return behind_.traits(); }
  Result<Done> check(const Definition& definition) const override { return behind_.check(definition); }
  Result<Done> check(const Registration& registration) const override { return behind_.check(registration); }
  Result<Done> check(const KeyValueChange& change) const override { return behind_.check(change); }
  Result<Done> check_result(const std::string& workflow_result) const override {
    return behind_.check_result(workflow_result);
  }
  void apply(std::span<const Change> group, std::span<ChangeOutcome> outcomes) override {
    behind_.apply(group, outcomes);
  }
  ChangeResult apply_key_value(const KeyValueChange& change) override { return behind_.apply_key_value(change); }
  Result<Done> repair() override { return behind_.repair(); }
  Result<std::optional<StoredTransaction>> load(const std::string& gid) override { return behind_.load(gid); }
  Result<std::optional<GlobalStatus>> purged_status(const std::string& gid) override {
    return behind_.purged_status(gid);
  }
  Result<ScanPage> scan(const ScanFilter& filter, const std::string& position, std::size_t limit) override {
    return behind_.scan(filter, position, limit);
  }
  Result<std::optional<KeyValue>> load_key_value(const std::string& category, const std::string& key) override {
    return behind_.load_key_value(category, key);
  }
  Result<KeyValuePage> scan_key_values(const std::string& category, const std::string& position,
                                       std::size_t limit) override {
    return behind_.scan_key_values(category, position, limit);
  }
  Result<Done> visit_unfinished(UniqueFunction<bool(StoredTransaction)> visit,
                                UniqueFunction<void(Error)> damaged) override {
    return behind_.visit_unfinished(std::move(visit), std::move(damaged));
  }
  Result<PurgeResult> purge(std::int64_t finished_before_ms, std::int64_t forgotten_before_ms, std::int64_t now_ms,
                            std::size_t limit) override {
    return behind_.purge(finished_before_ms, forgotten_before_ms, now_ms, limit);
  }
  Result<Claimed> claim(const ClaimRequest& request, std::size_t limit, UniqueFunction<void(Error)> damaged) override {
    return behind_.claim(request, limit, std::move(damaged));
  }
  Result<ClaimedOne> claim_one(const std::string& gid, const ClaimRequest& request) override {
    return behind_.claim_one(gid, request);
  }
  Result<std::size_t> make_due(std::int64_t later_than_ms, std::int64_t now_ms, std::size_t limit) override {
    return behind_.make_due(later_than_ms, now_ms, limit);
  }
  Result<std::size_t> end_leases(const std::function<bool(const std::string& owner)>& is_gone,
                                 std::int64_t now_ms) override {
    return behind_.end_leases(is_gone, now_ms);
  }

 protected:
  Store& behind() { return behind_; }

 private:
  Store& behind_;
};

}  // namespace settle::testing
