// The store as one coordinator sees it in one of its lives: slow, failing, and cut off by its death.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "settle/store.hpp"
#include "sim/database.hpp"

namespace settle::sim {

class ServerStore final : public Store {
 public:
  ServerStore(Surroundings& around, Database& database, testing::SimulatedProcess& process, int server)
      : around_(around), database_(database), process_(process), server_(server) {}

  // While the coordinator opens, no thread of it runs: nothing blocks.
  void opened() { opened_ = true; }
  // Writes fail for so long, and so does every repair.
  void break_for_ms(std::int64_t for_ms);
  // For how long the store lets this coordinator work on a transaction, by its own steady clock; negative: no longer.
  std::int64_t lease_left_ms(int tx) const;

  StoreTraits traits() const override;
  void apply(std::span<const Change> group, std::span<ChangeOutcome> outcomes) override;
  ChangeResult apply_key_value(const KeyValueChange& change) override {
    return database_.view().apply_key_value(change);
  }
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
  void take_time();
  bool read_fails();
  void grant(const Change& change, ChangeResult result, Moment asked);
  void grant_claimed(const StoredTransaction& claimed, const ClaimRequest& request, Moment asked);
  ClaimRequest asked_for(const ClaimRequest& request) const;
  static Error unreadable() { return {Code::internal, "the store cannot be read: a fault of the simulator"}; }

  Surroundings& around_;
  Database& database_;
  testing::SimulatedProcess& process_;
  const int server_;
  bool opened_ = false;
  bool broken_ = false;
  std::int64_t broken_until_ms_ = 0;
  std::map<int, std::int64_t> leases_;  // until when, steady clock of the process; by transaction
};

}  // namespace settle::sim
