// The Store on MySQL: each operation where it is done, through the faults of the database that may pass.
//
// Threads: as Store says. Everything but the pool and what writes_ knows of failed writes is fixed.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "settle/storage/mysql.hpp"
#include "settle/store.hpp"
#include "storage/mysql/limits.hpp"
#include "storage/mysql/pool.hpp"
#include "storage/mysql/wall_time.hpp"
#include "storage/mysql/writes.hpp"

namespace settle::mysql {

class MysqlStore final : public Store {
 public:
  // The tables must be there: limits are what prepare_schema() found.
  MysqlStore(const MysqlOptions& options, const Log& log, Limits limits);

  StoreTraits traits() const override;

  Result<Done> check(const Definition& definition) const override { return limits_.check(definition); }
  Result<Done> check(const Registration& registration) const override { return limits_.check(registration); }
  Result<Done> check(const KeyValueChange& change) const override { return limits_.check(change); }
  Result<Done> check_result(const std::string& workflow_result) const override {
    return limits_.check_result(workflow_result);
  }

  void apply(std::span<const Change> group, std::span<ChangeOutcome> outcomes) override;
  ChangeResult apply_key_value(const KeyValueChange& change) override;
  Result<Done> repair() override;

  Result<std::optional<StoredTransaction>> load(const std::string& gid) override;
  // Nothing is remembered of what was purged: a database keeps its transactions for as long as it is told to.
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
  Error failure(const SqlError& error) const;

  const MysqlOptions options_;
  const WallTime times_;
  const Limits limits_;
  Pool pool_;
  Writes writes_;
};

}  // namespace settle::mysql
