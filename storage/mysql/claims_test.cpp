#include "storage/mysql/claims.hpp"

#include <doctest/doctest.h>

#include <set>
#include <thread>

#include "storage/mysql/test_transactions.hpp"

namespace settle::mysql {
namespace {

ClaimRequest request(const std::string& owner = "settle:me") { return {owner, kNowMs, kNowMs + 15'999}; }

struct Outcome {
  std::vector<StoredTransaction> transactions;
  bool more = false;
  std::vector<std::string> damaged;
};

Outcome claim_some(Pool& pool, std::size_t limit, const std::string& owner = "settle:me") {
  Outcome outcome;
  Claimed claimed = must(claim(pool, test_times(), request(owner), limit,
                               [&](const Error& error) { outcome.damaged.push_back(error.message); }));
  outcome.transactions = std::move(claimed.transactions);
  outcome.more = claimed.more;
  return outcome;
}

std::vector<std::string> gids_of(const Outcome& outcome) {
  std::vector<std::string> gids;
  for (const StoredTransaction& each : outcome.transactions) gids.push_back(each.definition->gid);
  return gids;
}

ClaimedOne must_claim(const TestTables& tables, const std::string& gid, const std::string& owner = "settle:me") {
  return must(must(claim_one(*tables.pool, test_times(), gid, request(owner))));
}

TEST_CASE("mysql claims: what is due -> taken, those due longest first, and read as it was before") {
  const TestTables tables;
  insert(*tables.connection, {"later", GlobalStatus::submitted, kNowMs - 1'000});
  insert(*tables.connection, {"now", GlobalStatus::prepared, kNowMs, "", kNowMs - 5'000, 3});
  insert(*tables.connection, {"first", GlobalStatus::aborting, kNowMs - 9'000, "settle:dead"});
  insert(*tables.connection, {"dtm's", GlobalStatus::submitted, kNowMs - 5'000, "FA9sNR4k"});
  insert(*tables.connection, {"not yet", GlobalStatus::submitted, kNowMs + 1'000});
  insert(*tables.connection, {"held", GlobalStatus::submitted, kNowMs + 9'000, "settle:other"});
  insert(*tables.connection, {"done", GlobalStatus::succeed, kNowMs - 9'000});
  const Outcome outcome = claim_some(*tables.pool, 10);
  CHECK(gids_of(outcome) == std::vector<std::string>{"first", "dtm's", "later", "now"});
  CHECK(!outcome.more);
  REQUIRE(outcome.transactions.size() == 4);
  const StoredTransaction& first = outcome.transactions[0];
  CHECK(!first.state.parked);
  CHECK(first.state.next_retry_time_ms == kNowMs - 9'000);
  const StoredTransaction& parked = outcome.transactions[3];
  CHECK(parked.state.parked);
  CHECK(parked.state.exact);
  CHECK(parked.state.next_retry_time_ms == kNowMs);
  CHECK(parked.branches.size() == 6);
  CHECK(!outcome.transactions[1].state.parked);
  for (const char* gid : {"first", "dtm's", "later", "now"}) {
    CHECK(column(*tables.connection, gid, "owner") == "settle:me");
    CHECK(column(*tables.connection, gid, "next_cron_time") == "2023-11-14 22:13:35");
  }
  CHECK(column(*tables.connection, "now", "update_time") == "2023-11-14 22:13:15");
  CHECK(column(*tables.connection, "held", "owner") == "settle:other");
  CHECK(gids_of(claim_some(*tables.pool, 10, "settle:second")).empty());
}

TEST_CASE("mysql claims: more than the limit -> so many, and the rest next time") {
  const TestTables tables;
  for (int i = 0; i < 9; ++i) {
    insert(*tables.connection, {std::to_string(i), static_cast<GlobalStatus>(1 + i % 3), kNowMs - i * 1'000});
  }
  Outcome outcome = claim_some(*tables.pool, 4);
  CHECK(gids_of(outcome) == std::vector<std::string>{"8", "7", "6", "5"});
  CHECK(outcome.more);
  outcome = claim_some(*tables.pool, 4, "settle:second");
  CHECK(gids_of(outcome) == std::vector<std::string>{"4", "3", "2", "1"});
  outcome = claim_some(*tables.pool, 4, "settle:third");
  CHECK(gids_of(outcome) == std::vector<std::string>{"0"});
  CHECK(!outcome.more);
}

TEST_CASE("mysql claims: one that another session holds a lock of -> left out, without waiting") {
  const TestTables tables;
  insert(*tables.connection, {"locked", GlobalStatus::submitted, kNowMs - 2'000});
  insert(*tables.connection, {"free", GlobalStatus::submitted, kNowMs - 1'000});
  must(tables.connection->begin());
  must_query(*tables.connection, "SELECT id FROM trans_global WHERE gid = 'locked' FOR UPDATE");
  if (tables.connection->has_skip_locked()) {
    CHECK(gids_of(claim_some(*tables.pool, 10)) == std::vector<std::string>{"free"});
  }
  must(tables.connection->rollback());
  CHECK(column(*tables.connection, "locked", "owner").empty());
}

TEST_CASE("mysql claims: many at once -> each to one of them, and none is left") {
  const TestTables tables;
  constexpr int kCount = 400;
  must(tables.connection->begin());
  for (int i = 0; i < kCount; ++i) insert(*tables.connection, {std::to_string(i)});
  must(tables.connection->commit());
  std::vector<std::vector<std::string>> taken(4);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < taken.size(); ++i) {
    threads.emplace_back([&, i] {
      for (int turn = 0; turn < 40; ++turn) {
        const ClaimRequest mine = request("settle:" + std::to_string(i) + "." + std::to_string(turn));
        auto claimed = claim(*tables.pool, test_times(), mine, 7, [](const Error&) {});
        if (!claimed) continue;
        for (const auto& each : claimed.value().transactions) taken[i].push_back(each.definition->gid);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::multiset<std::string> all;
  for (const auto& each : taken) all.insert(each.begin(), each.end());
  for (const std::string& gid : gids_of(claim_some(*tables.pool, kCount))) all.insert(gid);
  CHECK(all.size() == kCount);
  CHECK(std::set<std::string>(all.begin(), all.end()).size() == kCount);
}

TEST_CASE("mysql claims: a damaged one -> reported, and put off by a minute as it was") {
  const TestTables tables;
  insert(*tables.connection, {"broken", GlobalStatus::submitted, kNowMs - 2'000, "FA9sNR4k"});
  insert(*tables.connection, {"sound", GlobalStatus::submitted, kNowMs - 1'000});
  must_execute(*tables.connection, "UPDATE trans_global SET protocol = 'ftp' WHERE gid = 'broken'");
  const Outcome outcome = claim_some(*tables.pool, 10);
  CHECK(gids_of(outcome) == std::vector<std::string>{"sound"});
  CHECK(outcome.damaged == std::vector<std::string>{"gid broken: protocol is 'ftp', which cannot be understood"});
  CHECK(column(*tables.connection, "broken", "owner") == "FA9sNR4k");
  CHECK(column(*tables.connection, "broken", "next_cron_time") == "2023-11-14 22:14:20");
  const auto one = must(claim_one(*tables.pool, test_times(), "broken", request("settle:second")));
  REQUIRE(!one);
  CHECK(one.error().message == outcome.damaged[0]);
}

TEST_CASE("mysql claims: one by its gid -> taken unless somebody works on it") {
  struct Row {
    const char* name;
    const char* owner;
    std::int64_t next_cron_time_ms;
    std::int64_t update_time_ms;
    ClaimResult result;
  };
  const TestTables tables;
  for (const Row& row : {
           Row{"parked", "", kNowMs + 60'000, kNowMs, ClaimResult::claimed},
           Row{"due", "", kNowMs - 1'000, kNowMs, ClaimResult::claimed},
           Row{"held", "settle:other", kNowMs + 1'000, kNowMs - 60'000, ClaimResult::busy},
           Row{"a lease that ends now", "settle:other", kNowMs, kNowMs, ClaimResult::claimed},
           Row{"dtm at work", "FA9sNR4k", kNowMs + 9'000, kNowMs - 10'000, ClaimResult::busy},
           Row{"dtm waiting", "FA9sNR4k", kNowMs + 9'000, kNowMs - 11'000, ClaimResult::claimed},
           Row{"dtm, and due", "FA9sNR4k", kNowMs - 1'000, kNowMs, ClaimResult::claimed},
       }) {
    CAPTURE(row.name);
    insert(*tables.connection,
           {row.name, GlobalStatus::submitted, row.next_cron_time_ms, row.owner, row.update_time_ms});
    const ClaimedOne one = must_claim(tables, row.name);
    CHECK(one.result == row.result);
    CHECK(one.transaction.has_value() == (row.result == ClaimResult::claimed));
    CHECK(column(*tables.connection, row.name, "owner") ==
          (row.result == ClaimResult::claimed ? "settle:me" : row.owner));
    if (one.transaction) {
      CHECK(one.transaction->state.parked == std::string(row.owner).empty());
      CHECK(one.transaction->state.next_retry_time_ms == row.next_cron_time_ms);
    }
  }
  insert(*tables.connection, {"done", GlobalStatus::failed});
  CHECK(must_claim(tables, "done").result == ClaimResult::absent);
  CHECK(must_claim(tables, "none").result == ClaimResult::absent);
}

TEST_CASE("mysql claims: one whose gid is equal by the database's rules alone -> refused") {
  const TestTables tables;
  tables.ignore_case();
  insert(*tables.connection, {"Order"});
  const auto one = must(claim_one(*tables.pool, test_times(), "order", request()));
  REQUIRE(!one);
  CHECK(one.error().code == Code::conflict);
  CHECK(column(*tables.connection, "Order", "owner").empty());
}

TEST_CASE("mysql claims: made due -> what is free and due later, no more than the limit") {
  const TestTables tables;
  insert(*tables.connection, {"due", GlobalStatus::submitted, kNowMs - 1'000});
  insert(*tables.connection, {"soon", GlobalStatus::submitted, kNowMs + 5'000});
  insert(*tables.connection, {"late", GlobalStatus::submitted, kNowMs + 60'000});
  insert(*tables.connection, {"later", GlobalStatus::aborting, kNowMs + 90'000});
  insert(*tables.connection, {"held", GlobalStatus::submitted, kNowMs + 15'000, "settle:other"});
  insert(*tables.connection, {"dtm at work", GlobalStatus::submitted, kNowMs + 15'000, "FA9s", kNowMs - 1'000});
  insert(*tables.connection, {"dtm waiting", GlobalStatus::submitted, kNowMs + 15'000, "FA9s", kNowMs - 11'000});
  insert(*tables.connection, {"done", GlobalStatus::succeed, kNowMs + 60'000});
  const auto made = [&](std::int64_t later_than_ms, std::size_t limit) {
    return must(make_due(*tables.connection, test_times(), later_than_ms, kNowMs, limit));
  };
  CHECK(made(kNowMs + 10'000, 10) == 3);
  CHECK(column(*tables.connection, "soon", "next_cron_time") == "2023-11-14 22:13:25");
  for (const char* gid : {"late", "later", "dtm waiting"}) {
    CHECK(column(*tables.connection, gid, "next_cron_time") == "2023-11-14 22:13:20");
    CHECK(column(*tables.connection, gid, "update_time") != "2023-11-14 22:13:20");
  }
  CHECK(column(*tables.connection, "dtm waiting", "owner") == "FA9s");
  CHECK(column(*tables.connection, "held", "next_cron_time") == "2023-11-14 22:13:35");
  CHECK(column(*tables.connection, "dtm at work", "next_cron_time") == "2023-11-14 22:13:35");
  CHECK(column(*tables.connection, "done", "next_cron_time") == "2023-11-14 22:14:20");
  CHECK(made(kNowMs - 100'000, 10) == 1);
  CHECK(column(*tables.connection, "due", "next_cron_time") == "2023-11-14 22:13:19");
  CHECK(made(0, 10) == 0);
  for (int i = 0; i < 300; ++i)
    insert(*tables.connection, {std::to_string(i), GlobalStatus::submitted, kNowMs + 9'000});
  CHECK(made(0, 200) == 200);
  CHECK(made(0, 200) == 100);
}

}  // namespace
}  // namespace settle::mysql
