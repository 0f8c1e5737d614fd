// A store in front of another one, whose reads and writes a test can make fail.
//
// Threads: as those of the store behind it, but that the members are to be set by the thread that runs the writes.
// Lifetime: the store behind it must outlive it.
#pragma once

#include <cstddef>
#include <vector>

#include "settle/testing/forwarding_store.hpp"

namespace settle::testing {

class FaultyStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;

  // Writes fail until repair(), which the engine asks for, with growing pauses, as long as they do: without doing
  // anything, or behind what they did, so that it is there, and who asked for it is told that nobody knows.
  bool fail_writes = false;
  bool fail_after_applying = false;
  bool fail_repairs = false;    // repair() fails, and so writes go on failing
  bool fail_reads = false;      // load(), load_key_value() and claims fail
  std::size_t repairs = 0;      // how often repair() was asked for
  std::vector<Change> applied;  // everything that apply() was given

  void apply(std::span<const Change> group, std::span<ChangeOutcome> outcomes) override;
  ChangeResult apply_key_value(const KeyValueChange& change) override;
  Result<Done> repair() override;
  Result<std::optional<StoredTransaction>> load(const std::string& gid) override;
  Result<std::optional<KeyValue>> load_key_value(const std::string& category, const std::string& key) override;
  Result<Claimed> claim(const ClaimRequest& request, std::size_t limit, UniqueFunction<void(Error)> damaged) override;
  Result<ClaimedOne> claim_one(const std::string& gid, const ClaimRequest& request) override;
  Result<std::size_t> end_leases(const std::function<bool(const std::string& owner)>& is_gone,
                                 std::int64_t now_ms) override;
};

}  // namespace settle::testing
