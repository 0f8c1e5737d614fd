#include "storage/mysql/mysql_store.hpp"

#include <algorithm>
#include <utility>

#include "storage/common/listing.hpp"
#include "storage/mysql/claims.hpp"
#include "storage/mysql/key_values.hpp"
#include "storage/mysql/purge.hpp"
#include "storage/mysql/reads.hpp"
#include "storage/mysql/schema.hpp"

namespace settle {
namespace mysql {
namespace {

constexpr std::size_t kReadersMax = 8;

}  // namespace

MysqlStore::MysqlStore(const MysqlOptions& options, const Log& log, Limits limits)
    : options_(options),
      times_(options.time_zone_offset_s),
      limits_(std::move(limits)),
      pool_(options, log),
      writes_(pool_, times_, options, log) {}

StoreTraits MysqlStore::traits() const {
  StoreTraits traits;
  traits.name = "mysql";
  traits.durable = true;
  traits.place = options_.host + ":" + std::to_string(options_.port) + "/" + options_.database;
  traits.shared = true;
  traits.names_branches = true;
  traits.lanes = options_.lanes;
  traits.gathers = true;
  traits.readers = std::min(kReadersMax, std::max<std::size_t>(1, options_.connections_max / 2));
  return traits;
}

Error MysqlStore::failure(const SqlError& error) const {
  Error told = error_of(options_, "cannot be read or written", error);
  if (error.fault != Fault::other) told.code = Code::unavailable;  // it passes: whoever asks may ask again
  return told;
}

void MysqlStore::apply(std::span<const Change> group, std::span<ChangeOutcome> outcomes) {
  writes_.apply(group, outcomes);
}

// Whoever lost a connection does not try again, for it may have been applied.
ChangeResult MysqlStore::apply_key_value(const KeyValueChange& change) {
  if (writes_.is_broken()) return ChangeResult::failed;
  Patience patience(options_.patience_ms);
  while (true) {
    auto lease = pool_.take(patience);
    if (lease) {
      const auto result = mysql::apply_key_value(*lease.value(), times_, change);
      if (result) return result.value();
      const bool is_known = result.error().fault != Fault::lost;
      if (pool_.settle_fault(lease.value(), result.error(), patience) && is_known) continue;
    }
    writes_.note_failed(change.category, change.key);
    return ChangeResult::failed;
  }
}

Result<Done> MysqlStore::repair() { return writes_.repair(); }

Result<std::optional<StoredTransaction>> MysqlStore::load(const std::string& gid) {
  using Loaded = std::optional<Result<StoredTransaction>>;
  auto loaded = pool_.run<Loaded>([&](Connection& connection) { return mysql::load(connection, times_, gid); });
  if (!loaded) return failure(loaded.error());
  Loaded& found = loaded.value();
  if (!found) return std::optional<StoredTransaction>();
  if (!*found) return std::move(found->error());
  return std::optional(std::move(found->value()));
}

Result<std::optional<GlobalStatus>> MysqlStore::purged_status(const std::string& /*gid*/) {
  return std::optional<GlobalStatus>();
}

Result<ScanPage> MysqlStore::scan(const ScanFilter& filter, const std::string& position, std::size_t limit) {
  const auto below = parse_position(kScanPosition, position);
  if (!below) return below.error();
  auto page = pool_.run<Result<ScanPage>>(
      [&](Connection& connection) { return mysql::scan(connection, times_, filter, below.value(), limit); });
  if (!page) return failure(page.error());
  return std::move(page.value());
}

Result<std::optional<KeyValue>> MysqlStore::load_key_value(const std::string& category, const std::string& key) {
  using Loaded = std::optional<Result<KeyValue>>;
  auto loaded = pool_.run<Loaded>(
      [&](Connection& connection) { return mysql::load_key_value(connection, times_, category, key); });
  if (!loaded) return failure(loaded.error());
  Loaded& found = loaded.value();
  if (!found) return std::optional<KeyValue>();
  if (!*found) return std::move(found->error());
  return std::optional(std::move(found->value()));
}

Result<KeyValuePage> MysqlStore::scan_key_values(const std::string& category, const std::string& position,
                                                 std::size_t limit) {
  const auto below = parse_position(kKeyValuePosition, position);
  if (!below) return below.error();
  auto page = pool_.run<Result<KeyValuePage>>([&](Connection& connection) {
    return mysql::scan_key_values(connection, times_, category, below.value(), limit);
  });
  if (!page) return failure(page.error());
  return std::move(page.value());
}

Result<Done> MysqlStore::visit_unfinished(UniqueFunction<bool(StoredTransaction)> visit,
                                          UniqueFunction<void(Error)> damaged) {
  const auto visited = mysql::visit_unfinished(pool_, times_, std::move(visit), std::move(damaged));
  if (!visited) return failure(visited.error());
  return Done{};
}

Result<PurgeResult> MysqlStore::purge(std::int64_t finished_before_ms, std::int64_t /*forgotten_before_ms*/,
                                      std::int64_t /*now_ms*/, std::size_t limit) {
  auto purged = mysql::purge(pool_, times_, finished_before_ms, limit);
  if (!purged) return failure(purged.error());
  return purged.value();
}

Result<Claimed> MysqlStore::claim(const ClaimRequest& request, std::size_t limit, UniqueFunction<void(Error)> damaged) {
  auto claimed = mysql::claim(pool_, times_, request, limit, std::move(damaged));
  if (!claimed) return failure(claimed.error());
  return std::move(claimed.value());
}

Result<ClaimedOne> MysqlStore::claim_one(const std::string& gid, const ClaimRequest& request) {
  auto claimed = mysql::claim_one(pool_, times_, gid, request);
  if (!claimed) return failure(claimed.error());
  return std::move(claimed.value());
}

Result<std::size_t> MysqlStore::make_due(std::int64_t later_than_ms, std::int64_t now_ms, std::size_t limit) {
  const auto made = pool_.run<std::size_t>(
      [&](Connection& connection) { return mysql::make_due(connection, times_, later_than_ms, now_ms, limit); });
  if (!made) return failure(made.error());
  return made.value();
}

Result<std::size_t> MysqlStore::end_leases(const std::function<bool(const std::string& owner)>& is_gone,
                                           std::int64_t now_ms) {
  const auto ended = pool_.run<std::size_t>(
      [&](Connection& connection) { return mysql::end_leases(connection, times_, is_gone, now_ms); });
  if (!ended) return failure(ended.error());
  return ended.value();
}

}  // namespace mysql

Result<std::unique_ptr<Store>> open_mysql_store(const MysqlOptions& options, Log log) {
  auto limits = mysql::prepare_schema(options);
  if (!limits) return limits.error();
  return std::unique_ptr<Store>(std::make_unique<mysql::MysqlStore>(options, log, std::move(limits.value())));
}

Result<Done> reset_mysql_store(const MysqlOptions& options) { return mysql::reset_schema(options); }

}  // namespace settle
