#include "storage/mysql/reads.hpp"

#include <doctest/doctest.h>

#include <map>

#include "storage/common/listing.hpp"
#include "storage/mysql/test_transactions.hpp"

namespace settle::mysql {
namespace {

std::vector<std::string> gids_of(const std::vector<StoredTransaction>& transactions) {
  std::vector<std::string> gids;
  for (const StoredTransaction& transaction : transactions) gids.push_back(transaction.definition->gid);
  return gids;
}

std::vector<std::string> scanned(const TestTables& tables, const ScanFilter& filter, std::size_t page_size) {
  std::vector<std::string> gids;
  std::string position;
  do {
    const std::int64_t below = must(parse_position(kScanPosition, position));
    const ScanPage page = must(must(scan(*tables.connection, test_times(), filter, below, page_size)));
    CHECK(page.transactions.size() <= page_size);
    for (const std::string& gid : gids_of(page.transactions)) gids.push_back(gid);
    position = page.next_position;
  } while (!position.empty());
  return gids;
}

struct Visited {
  std::vector<std::string> gids;
  std::vector<std::string> damaged;
};

Visited visit(const TestTables& tables, std::size_t stop_after = SIZE_MAX) {
  Visited visited;
  const auto see = [&](const StoredTransaction& transaction) {
    visited.gids.push_back(transaction.definition->gid);
    return visited.gids.size() < stop_after;
  };
  must(visit_unfinished(*tables.pool, test_times(), see,
                        [&](const Error& error) { visited.damaged.push_back(error.message); }));
  return visited;
}

TEST_CASE("mysql reads: a transaction with its branches -> as it was written") {
  const TestTables tables;
  const TestSaga saga{"it's \"a\" gid \xF0\x9F\x98\x80 ", GlobalStatus::submitted, kNowMs + 5'000, "", kNowMs, 12};
  insert(*tables.connection, saga);
  insert(*tables.connection, {"another"});
  const auto found = must(load(*tables.connection, test_times(), saga.gid));
  REQUIRE(found);
  const StoredTransaction transaction = must(*found);
  CHECK(transaction.id > 0);
  CHECK(*transaction.definition == *definition_of(saga));
  CHECK(transaction.branches == std::vector<BranchState>(24));
  CHECK(transaction.state.status == GlobalStatus::submitted);
  CHECK(transaction.state.next_retry_time_ms == kNowMs + 5'000);
  CHECK(transaction.state.retry_interval_ms == 10'000);
  CHECK(transaction.state.update_time_ms == kNowMs);
  CHECK(transaction.state.parked);
  CHECK(!must(load(*tables.connection, test_times(), "it's \"a\" gid")));
  CHECK(!must(load(*tables.connection, test_times(), "")));
  CHECK(!must(load(*tables.connection, test_times(), "\xFF")));
}

TEST_CASE("mysql reads: a payload in the column of older servers -> read; beside bin_data -> not") {
  const TestTables tables;
  insert(*tables.connection, {"g"});
  must_execute(*tables.connection, "UPDATE trans_branch_op SET data = 'old'");
  CHECK(must(*must(load(*tables.connection, test_times(), "g"))).branch(0).payload == "payload 0");
  must_execute(*tables.connection, "UPDATE trans_branch_op SET bin_data = NULL");
  CHECK(must(*must(load(*tables.connection, test_times(), "g"))).branch(1).payload == "old");
}

TEST_CASE("mysql reads: a payload of any bytes -> as it was") {
  const TestTables tables;
  insert(*tables.connection, {"g"});
  std::string bytes(1 << 16, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 % 256);
  must_execute(*tables.connection, "UPDATE trans_branch_op SET bin_data = ?", {std::string_view(bytes)});
  CHECK(must(*must(load(*tables.connection, test_times(), "g"))).branch(0).payload == bytes);
}

TEST_CASE("mysql reads: a gid that is equal by the database's rules alone -> refused in words that help") {
  const TestTables tables;
  tables.ignore_case();
  insert(*tables.connection, {"Order-1"});
  CHECK(must(*must(load(*tables.connection, test_times(), "Order-1"))).definition->gid == "Order-1");
  const auto found = must(load(*tables.connection, test_times(), "ORDER-1"));
  REQUIRE(found);
  REQUIRE(!*found);
  CHECK(found->error().code == Code::conflict);
  CHECK(found->error().message.starts_with("gid: this database takes 'ORDER-1' for the stored 'Order-1';"));
}

TEST_CASE("mysql reads: a damaged one -> an error that names it") {
  const TestTables tables;
  insert(*tables.connection, {"broken"});
  must_execute(*tables.connection, "UPDATE trans_global SET trans_type = 'sagga'");
  const auto found = must(load(*tables.connection, test_times(), "broken"));
  REQUIRE(found);
  REQUIRE(!*found);
  CHECK(found->error().message == "gid broken: trans_type is 'sagga', which cannot be understood");
}

TEST_CASE("mysql reads: listings -> newest first, in pages of any size") {
  const TestTables tables;
  std::vector<std::string> all;
  for (int i = 0; i < 10; ++i) {
    const std::string gid = "g" + std::to_string(i);
    insert(*tables.connection, {gid, i % 2 == 0 ? GlobalStatus::submitted : GlobalStatus::failed});
    all.insert(all.begin(), gid);
  }
  for (const std::size_t page_size : {1, 3, 10, 11}) CHECK(scanned(tables, {}, page_size) == all);
  CHECK(scanned(tables, {}, SIZE_MAX) == all);
  ScanFilter filter;
  filter.status = GlobalStatus::failed;
  CHECK(scanned(tables, filter, 2) == std::vector<std::string>{"g9", "g7", "g5", "g3", "g1"});
  filter.type = TransType::saga;
  CHECK(scanned(tables, filter, 2).size() == 5);
  filter.type = TransType::tcc;
  CHECK(scanned(tables, filter, 2).empty());
}

TEST_CASE("mysql reads: a listing between two times -> both included, as far as whole seconds tell") {
  const TestTables tables;
  constexpr std::int64_t kCreatedMs = kNowMs - 60'000;
  insert(*tables.connection, {"g"});
  const auto shows = [&](std::int64_t min_ms, std::int64_t max_ms) {
    ScanFilter filter;
    filter.create_time_ms_min = min_ms;
    filter.create_time_ms_max = max_ms;
    return !scanned(tables, filter, 5).empty();
  };
  CHECK(shows(kCreatedMs, kCreatedMs));
  CHECK(!shows(kCreatedMs + 1, INT64_MAX));
  CHECK(!shows(0, kCreatedMs - 1));
  CHECK(shows(INT64_MIN, INT64_MAX));
  CHECK(!shows(INT64_MAX, INT64_MAX));
  CHECK(!shows(INT64_MIN, INT64_MIN));
}

TEST_CASE("mysql reads: the unfinished -> oldest first, damaged ones reported, finished ones left out") {
  const TestTables tables;
  for (int i = 0; i < 300; ++i) insert(*tables.connection, {"g" + std::to_string(i)});
  must_execute(*tables.connection, "UPDATE trans_global SET status = 'succeed' WHERE gid = 'g0'");
  must_execute(*tables.connection, "UPDATE trans_global SET status = 'prepared' WHERE gid = 'g1'");
  must_execute(*tables.connection, "UPDATE trans_global SET status = 'aborting' WHERE gid = 'g2'");
  must_execute(*tables.connection, "UPDATE trans_global SET protocol = 'ftp' WHERE gid = 'g200'");
  const Visited visited = visit(tables);
  REQUIRE(visited.gids.size() == 298);
  CHECK(visited.gids[0] == "g1");
  CHECK(visited.gids[1] == "g2");
  CHECK(visited.gids[297] == "g299");
  CHECK(visited.damaged == std::vector<std::string>{"gid g200: protocol is 'ftp', which cannot be understood"});
  CHECK(visit(tables, 3).gids == std::vector<std::string>{"g1", "g2", "g3"});
}

}  // namespace
}  // namespace settle::mysql
