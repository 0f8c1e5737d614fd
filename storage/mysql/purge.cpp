#include "storage/mysql/purge.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/common/listing.hpp"
#include "storage/mysql/parameters.hpp"
#include "storage/mysql/rows.hpp"

namespace settle::mysql {
namespace {

// So many are looked at by one statement.
constexpr std::int64_t kPartTransactions = 512;
// So many are removed by one transaction: few, for each may have many branches.
constexpr std::size_t kBatchTransactions = 64;
// After so many in a row that finished too late, and were to be tried after the cutoff, the rest is taken to be as
// young.
constexpr std::size_t kYoungInARow = 1'024;

// Where the search has come to, in the order of the index.
struct Cursor {
  std::string next_cron_time = "1000-01-01 00:00:00";  // the earliest that a column can hold
  std::int64_t id = 0;
};

// The empty status, which no row has, makes the database go to the cursor in its index. Asked for one status alone it
// (MariaDB 10.11) reads all rows of that status up to there, and those just removed are still among them.
SqlResult<Rows> look_on(Connection& connection, GlobalStatus status, const Cursor& cursor) {
  Parameters parameters;
  parameters.view(to_string(status));
  parameters.view(cursor.next_cron_time);
  parameters.view(cursor.next_cron_time);
  parameters.number(cursor.id);
  parameters.number(kPartTransactions);
  return connection.query(
      "SELECT id, next_cron_time, finish_time, rollback_time, update_time FROM trans_global WHERE status IN (?, '') "
      "AND "
      "next_cron_time >= ? AND (next_cron_time > ? OR id > ?) ORDER BY status, next_cron_time, id LIMIT ?",
      parameters.list());
}

// When this one finished; nothing: it cannot be told, so it is kept.
std::optional<std::int64_t> finished_at_ms(const WallTime& times, GlobalStatus status, Rows& rows, std::size_t row) {
  const Cell& noted = rows.at(row, status == GlobalStatus::succeed ? 2 : 3);
  const Cell& finished = noted ? noted : rows.at(row, 4);
  return finished ? times.parse(*finished) : std::nullopt;
}

// How many of these it has removed: those that are finished, and that no other server removes at the moment.
SqlResult<std::size_t> remove(Connection& connection, const std::vector<std::int64_t>& ids) {
  if (auto begun = connection.begin(); !begun) return begun.error();
  Parameters parameters;
  for (const std::int64_t id : ids) parameters.number(id);
  const std::string list = parameters.close_list(ids.size());
  auto locked = connection.query("SELECT id, gid FROM trans_global WHERE id IN " + list +
                                     " AND status IN ('succeed', 'failed') FOR UPDATE" +
                                     (connection.has_skip_locked() ? " SKIP LOCKED" : ""),
                                 parameters.list());
  if (!locked) return locked.error();
  Rows& rows = locked.value();
  const std::size_t count = rows.count();
  if (count > 0) {
    Parameters gids;
    Parameters locked_ids;
    for (std::size_t row = 0; row < count; ++row) {
      locked_ids.number(number_at(rows, row, 0));
      gids.view(rows.at(row, 1).value());
    }
    const std::string gid_list = gids.close_list(count);
    const auto branches = connection.execute("DELETE FROM trans_branch_op WHERE gid IN " + gid_list, gids.list());
    if (!branches) return branches.error();
    const std::string id_list = locked_ids.close_list(count);
    const auto heads = connection.execute("DELETE FROM trans_global WHERE id IN " + id_list, locked_ids.list());
    if (!heads) return heads.error();
  }
  if (auto ended = connection.commit(); !ended) return ended.error();
  return count;
}

class Purge {
 public:
  Purge(Pool& pool, const WallTime& times, std::int64_t finished_before_ms, std::size_t limit)
      : pool_(pool), times_(times), finished_before_ms_(finished_before_ms), limit_(limit) {}

  // Those that finished so. Stops where the limit is reached and there is another one.
  SqlResult<Done> run(GlobalStatus status) {
    Cursor cursor;
    std::size_t young = 0;
    while (!result_.more && young < kYoungInARow) {
      auto part = pool_.run<Rows>([&](Connection& connection) { return look_on(connection, status, cursor); });
      if (!part) return part.error();
      Rows& rows = part.value();
      for (std::size_t row = 0; row < rows.count(); ++row) {
        const auto finished_ms = finished_at_ms(times_, status, rows, row);
        if (finished_ms && *finished_ms < finished_before_ms_) {
          if (result_.purged + due_.size() == limit_) {
            result_.more = true;
            break;
          }
          due_.push_back(number_at(rows, row, 0));
          young = 0;
        } else {
          const auto next_ms = times_.parse(rows.at(row, 1).value());
          young = next_ms && *next_ms >= finished_before_ms_ ? young + 1 : 0;
        }
        if (due_.size() == kBatchTransactions) {
          if (auto removed = remove_due(); !removed) return removed;
        }
      }
      if (rows.count() < static_cast<std::size_t>(kPartTransactions)) break;
      cursor = {rows.at(rows.count() - 1, 1).value(), number_at(rows, rows.count() - 1, 0)};
    }
    return remove_due();
  }

  const PurgeResult& result() const { return result_; }

 private:
  SqlResult<Done> remove_due() {
    if (due_.empty()) return Done{};
    const auto removed = pool_.run<std::size_t>([this](Connection& connection) { return remove(connection, due_); });
    if (!removed) return removed.error();
    result_.purged += removed.value();
    due_.clear();
    return Done{};
  }

  Pool& pool_;
  const WallTime& times_;
  std::int64_t finished_before_ms_;
  std::size_t limit_;
  std::vector<std::int64_t> due_;
  PurgeResult result_;
};

}  // namespace

SqlResult<PurgeResult> purge(Pool& pool, const WallTime& times, std::int64_t finished_before_ms, std::size_t limit) {
  Purge purge(pool, times, finished_before_ms, limit);
  for (const GlobalStatus status : {GlobalStatus::succeed, GlobalStatus::failed}) {
    if (purge.result().more) break;
    if (auto done = purge.run(status); !done) return done.error();
  }
  return purge.result();
}

}  // namespace settle::mysql
