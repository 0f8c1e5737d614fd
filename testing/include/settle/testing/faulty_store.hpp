// A store in front of another one, whose reads and writes a test can make fail.
//
// Threads: as those of the store behind it, but that the members are to be set by the thread that runs the writes.
// Lifetime: the store behind it must outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "settle/store.hpp"

namespace settle::testing {

class FaultyStore final : public Store {
 public:
  explicit FaultyStore(Store& store) : store_(store) {}

  // Writes fail until repair(), which the engine asks for, with growing pauses, as long as they do: without doing
  // anything, or behind what they did, so that it is there, and who asked for it is told that nobody knows.
  bool fail_writes = false;
  bool fail_after_applying = false;
  bool fail_repairs = false;    // repair() fails, and so writes go on failing
  bool fail_reads = false;      // load(), load_key_value() and claims fail
  std::size_t repairs = 0;      // how often repair() was asked for
  std::vector<Change> applied;  // everything that apply() was given

  StoreTraits traits() const override { return store_.traits(); }
  Result<Done> check(const Definition& definition) const override { return store_.check(definition); }
  Result<Done> check(const Registration& registration) const override { return store_.check(registration); }
  Result<Done> check(const KeyValueChange& change) const override { return store_.check(change); }
  Result<Done> check_result(const std::string& workflow_result) const override {
    return store_.check_result(workflow_result);
  }
  void apply(std::span<const Change> group, std::span<ChangeOutcome> outcomes) override;
  ChangeResult apply_key_value(const KeyValueChange& change) override;
  Result<Done> repair() override;
  Result<std::optional<StoredTransaction>> load(const std::string& gid) override;
  Result<std::optional<GlobalStatus>> purged_status(const std::string& gid) override;
  Result<ScanPage> scan(const ScanFilter& filter, const std::string& position, std::size_t limit) override;
  Result<std::optional<KeyValue>> load_key_value(const std::string& category, const std::string& key) override;
  Result<KeyValuePage> scan_key_values(const std::string& category, const std::string& position,
                                       std::size_t limit) override;
  Result<Done> visit_unfinished(UniqueFunction<bool(StoredTransaction)> visit,
                                UniqueFunction<void(Error)> damaged) override;
  Result<PurgeResult> purge(std::int64_t finished_before_ms, std::int64_t forgotten_before_ms, std::int64_t now_ms,
                            std::size_t limit) override;
  Result<Claimed> claim(const ClaimRequest& request, std::size_t limit, UniqueFunction<void(Error)> damaged) override;
  Result<ClaimedOne> claim_one(const std::string& gid, const ClaimRequest& request) override;
  Result<std::size_t> make_due(std::int64_t later_than_ms, std::int64_t now_ms, std::size_t limit) override;
  Result<std::size_t> end_leases(const std::function<bool(const std::string& owner)>& is_gone,
                                 std::int64_t now_ms) override;

 private:
  Store& store_;
};

}  // namespace settle::testing
