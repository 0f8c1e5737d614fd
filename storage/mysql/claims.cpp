#include "storage/mysql/claims.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "storage/mysql/claim_attempt.hpp"
#include "storage/mysql/parameters.hpp"
#include "storage/mysql/reads.hpp"
#include "storage/mysql/rows.hpp"

namespace settle::mysql {
namespace {

using ReadAll = std::vector<ClaimAttempt::Read>;

// What was taken, of which damaged ones are put off.
SqlResult<ReadAll> read_taken(Pool& pool, const ClaimAttempt& attempt) {
  auto read = pool.run<ReadAll>([&](Connection& connection) { return attempt.read(connection); });
  if (!read) return read.error();
  for (const ClaimAttempt::Read& each : read.value()) {
    if (each.transaction) continue;
    const auto put_off = pool.run<Done>([&](Connection& connection) { return attempt.put_off(connection, each.id); });
    if (!put_off) return put_off.error();
  }
  return read;
}

// Held by nobody: an owner of ours with a lease that has run out is due already.
constexpr const char* kFreeLater =
    "next_cron_time > ? AND (owner = '' OR (owner NOT LIKE 'settle:%' AND update_time < ?))";

// What is prepared and not called meanwhile would only be put back to its deadline.
constexpr const char* kAsksSoon =
    " AND trans_type IN ('msg', 'workflow') AND next_cron_time <= ? + INTERVAL next_cron_interval SECOND";

}  // namespace

SqlResult<Claimed> claim(Pool& pool, const WallTime& times, const ClaimRequest& request, std::size_t limit,
                         UniqueFunction<void(Error)> damaged) {
  ClaimAttempt attempt(times, request);
  const auto candidates =
      pool.run<std::size_t>([&](Connection& connection) { return attempt.take_due(connection, limit); });
  if (!candidates) return candidates.error();
  auto read = read_taken(pool, attempt);
  if (!read) return read.error();
  Claimed claimed;
  claimed.more = candidates.value() == limit;
  for (ClaimAttempt::Read& each : read.value()) {
    if (each.transaction) {
      claimed.transactions.push_back(std::move(each.transaction.value()));
    } else {
      damaged(std::move(each.transaction.error()));
    }
  }
  return claimed;
}

SqlResult<Result<ClaimedOne>> claim_one(Pool& pool, const WallTime& times, const std::string& gid,
                                        const ClaimRequest& request) {
  ClaimAttempt attempt(times, request);
  auto taken = pool.run<Result<ClaimResult>>([&](Connection& connection) { return attempt.take_one(connection, gid); });
  if (!taken) return taken.error();
  if (!taken.value()) return Result<ClaimedOne>(std::move(taken.value().error()));
  ClaimedOne one;
  one.result = taken.value().value();
  if (one.result != ClaimResult::claimed) return Result<ClaimedOne>(std::move(one));
  auto read = read_taken(pool, attempt);
  if (!read) return read.error();
  if (read.value().empty()) {  // finished by somebody who asks nobody, such as an operator
    one.result = ClaimResult::busy;
  } else if (Result<StoredTransaction>& transaction = read.value().front().transaction; transaction) {
    one.transaction = std::move(transaction.value());
  } else {
    return Result<ClaimedOne>(std::move(transaction.error()));
  }
  return Result<ClaimedOne>(std::move(one));
}

SqlResult<std::size_t> make_due(Connection& connection, const WallTime& times, std::int64_t later_than_ms,
                                std::int64_t now_ms, std::size_t limit) {
  // What is due already need not be made so.
  const std::string now = times.text(now_ms);
  const std::string later_than = std::max(now, times.text(later_than_ms));
  const std::string dtm_at_work = times.text(now_ms - kDtmAtWorkMs);
  std::size_t made_due = 0;
  for (const GlobalStatus status : {GlobalStatus::prepared, GlobalStatus::submitted, GlobalStatus::aborting}) {
    while (made_due < limit) {
      const std::size_t part = std::min(kReadTogetherMax, limit - made_due);
      Parameters seen;
      seen.view(to_string(status));
      seen.view(later_than);
      seen.view(dtm_at_work);
      const bool prepared = status == GlobalStatus::prepared;
      if (prepared) seen.view(now);
      seen.number(static_cast<std::int64_t>(part));
      auto rows = connection.query(std::string("SELECT id FROM trans_global WHERE status = ? AND ") + kFreeLater +
                                       (prepared ? kAsksSoon : "") + " ORDER BY next_cron_time LIMIT ?",
                                   seen.list());
      if (!rows) return rows.error();
      const std::size_t count = rows.value().count();
      if (count == 0) break;
      Parameters changed;
      changed.view(now);
      for (std::size_t row = 0; row < count; ++row) changed.number(number_at(rows.value(), row, 0));
      const std::string list = changed.close_list(count);
      changed.view(later_than);
      changed.view(dtm_at_work);
      const auto updated =
          connection.execute("UPDATE trans_global SET next_cron_time = ? WHERE id IN " + list + " AND " + kFreeLater +
                                 " AND status IN ('prepared', 'submitted', 'aborting')",
                             changed.list());
      if (!updated) return updated.error();
      made_due += updated.value();
      if (count < part) break;
    }
  }
  return made_due;
}

SqlResult<std::size_t> end_leases(Connection& connection, const WallTime& times,
                                  const std::function<bool(const std::string& owner)>& is_gone, std::int64_t now_ms) {
  // Ours come together in the index, and only what is held has an owner.
  auto owners = connection.query(
      "SELECT DISTINCT owner FROM trans_global FORCE INDEX (owner) WHERE owner > 'settle:' AND owner < 'settle;'", {});
  if (!owners) return owners.error();
  const std::string now = times.text(now_ms);
  std::size_t ended = 0;
  for (std::size_t row = 0; row < owners.value().count(); ++row) {
    const std::string owner = owners.value().at(row, 0).value_or("");
    if (!is_gone(owner)) continue;
    const std::vector<Parameter> parameters{now, owner, now};
    const auto updated = connection.execute(
        "UPDATE trans_global FORCE INDEX (owner) SET next_cron_time = ? WHERE owner = ? AND next_cron_time > ?"
        " AND status IN ('prepared', 'submitted', 'aborting')",
        parameters);
    if (!updated) return updated.error();
    ended += updated.value();
  }
  return ended;
}

}  // namespace settle::mysql
