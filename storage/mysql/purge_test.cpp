#include "storage/mysql/purge.hpp"

#include <doctest/doctest.h>

#include "storage/mysql/test_transactions.hpp"

namespace settle::mysql {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::size_t kNoLimit = 1'000'000;

// Finished at this time, and was to be tried next ten seconds later.
void add_finished(const TestTables& tables, const std::string& gid, GlobalStatus status, std::int64_t finished_ms) {
  insert(*tables.connection, {gid, status, finished_ms + 10'000, "", finished_ms});
}

std::string left_in(const TestTables& tables, const std::string& table) {
  Rows rows = must_query(*tables.connection, "SELECT GROUP_CONCAT(DISTINCT gid ORDER BY gid) FROM " + table);
  return rows.at(0, 0).value_or("");
}

TEST_CASE("mysql purge: what finished long ago -> gone with its branches, the rest stays") {
  const TestTables tables;
  add_finished(tables, "a-old", GlobalStatus::succeed, kNowMs - 3 * kDayMs);
  add_finished(tables, "b-failed", GlobalStatus::failed, kNowMs - 2 * kDayMs);
  add_finished(tables, "c-young", GlobalStatus::succeed, kNowMs - kDayMs / 2);
  for (const GlobalStatus status : {GlobalStatus::prepared, GlobalStatus::submitted, GlobalStatus::aborting}) {
    insert(*tables.connection,
           {"d-" + std::string(to_string(status)), status, kNowMs - 9 * kDayMs, "", kNowMs - 9 * kDayMs});
  }
  const PurgeResult result = must(purge(*tables.pool, test_times(), kNowMs - kDayMs, kNoLimit));
  CHECK(result.purged == 2);
  CHECK(result.forgotten == 0);
  CHECK(!result.more);
  for (const char* table : {"trans_global", "trans_branch_op"}) {
    CHECK(left_in(tables, table) == "c-young,d-aborting,d-prepared,d-submitted");
  }
}

TEST_CASE("mysql purge: the second itself -> stays; finished before its next try was due -> goes nevertheless") {
  const TestTables tables;
  add_finished(tables, "edge", GlobalStatus::succeed, kNowMs);
  CHECK(must(purge(*tables.pool, test_times(), kNowMs, kNoLimit)).purged == 0);
  CHECK(must(purge(*tables.pool, test_times(), kNowMs + 1, kNoLimit)).purged == 1);
}

TEST_CASE("mysql purge: no time of its end -> by its last change; none at all -> stays") {
  const TestTables tables;
  add_finished(tables, "changed", GlobalStatus::failed, kNowMs - kDayMs);
  add_finished(tables, "timeless", GlobalStatus::succeed, kNowMs - kDayMs);
  must_execute(*tables.connection, "UPDATE trans_global SET rollback_time = NULL, finish_time = NULL");
  must_execute(*tables.connection, "UPDATE trans_global SET update_time = NULL WHERE gid = 'timeless'");
  CHECK(must(purge(*tables.pool, test_times(), kNowMs, kNoLimit)).purged == 1);
  CHECK(left_in(tables, "trans_global") == "timeless");
}

TEST_CASE("mysql purge: a limit, over several batches of one second -> stops there and says that there is more") {
  const TestTables tables;
  must(tables.connection->begin());
  for (int i = 0; i < 1'300; ++i) {
    add_finished(tables, std::to_string(i), i % 2 == 0 ? GlobalStatus::succeed : GlobalStatus::failed, kNowMs - kDayMs);
  }
  must(tables.connection->commit());
  PurgeResult result = must(purge(*tables.pool, test_times(), kNowMs, 1'000));
  CHECK(result.purged == 1'000);
  CHECK(result.more);
  result = must(purge(*tables.pool, test_times(), kNowMs, 300));
  CHECK(result.purged == 300);
  CHECK(!result.more);
  CHECK(left_in(tables, "trans_branch_op").empty());
}

TEST_CASE("mysql purge: young ones that were to be tried early stand in front -> those behind are found") {
  const TestTables tables;
  must(tables.connection->begin());
  for (int i = 0; i < 1'100; ++i) {
    insert(*tables.connection, {"slow" + std::to_string(i), GlobalStatus::succeed, kNowMs - 9 * kDayMs, "", kNowMs});
  }
  add_finished(tables, "old", GlobalStatus::succeed, kNowMs - 2 * kDayMs);
  must(tables.connection->commit());
  CHECK(must(purge(*tables.pool, test_times(), kNowMs - kDayMs, kNoLimit)).purged == 1);
}

TEST_CASE("mysql purge: two servers at once -> each transaction goes once") {
  const TestTables tables;
  for (int i = 0; i < 3; ++i) add_finished(tables, std::to_string(i), GlobalStatus::succeed, kNowMs - kDayMs);
  must(tables.connection->begin());
  must_query(*tables.connection, "SELECT id FROM trans_global WHERE gid = '1' FOR UPDATE");
  if (tables.connection->has_skip_locked()) {
    CHECK(must(purge(*tables.pool, test_times(), kNowMs, kNoLimit)).purged == 2);
  }
  must(tables.connection->rollback());
  must(purge(*tables.pool, test_times(), kNowMs, kNoLimit));
  CHECK(left_in(tables, "trans_global").empty());
}

}  // namespace
}  // namespace settle::mysql
