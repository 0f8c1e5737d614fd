// Groups: what shares a statement, and what does not harm each other.
#include <doctest/doctest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "storage/mysql/row_insert.hpp"
#include "storage/mysql/test_database.hpp"
#include "tests/conformance/store_values.hpp"

namespace settle::mysql {
namespace {

using Status = GlobalStatus;

std::unique_ptr<Store> must_open_store(const MysqlOptions& options, const Log& log = {}) {
  auto opened = open_mysql_store(options, log);
  const std::string why = opened ? "" : opened.error().message;
  REQUIRE_MESSAGE(opened, why);
  return std::move(opened.value());
}

std::vector<ChangeResult> apply_all(Store& store, const std::vector<Change>& group) {
  std::vector<ChangeOutcome> outcomes(group.size());
  store.apply(group, outcomes);
  std::vector<ChangeResult> results;
  results.reserve(outcomes.size());
  for (const ChangeOutcome& outcome : outcomes) results.push_back(outcome.result);
  return results;
}

Change held(Change change, const std::string& held_as, const std::string& hold_as) {
  change.held_as = held_as;
  change.hold_as = hold_as;
  change.lease_until_ms = kTestTimeMs + 30'000;
  return change;
}

}  // namespace

TEST_CASE("mysql writes: equal changes under different holds -> an owner counts for its own transaction alone") {
  const auto store = must_open_store(new_database());
  const std::string older = "settle:x:1";
  const std::string newer = "settle:x:2";
  for (const char* gid : {"a", "b", "c"}) {
    REQUIRE(apply_one(*store, held(creation(test_definition(gid)), "", newer)).result == ChangeResult::applied);
  }
  // `a` was decided on under a hold that is over; its owner of now is right for the others.
  const std::vector<Change> group = {held(change("a", Status::submitted, Status::aborting), older, ""),
                                     held(change("b", Status::submitted, Status::aborting), newer, ""),
                                     held(change("c", Status::submitted, Status::aborting), newer, "")};
  CHECK(apply_all(*store, group) ==
        std::vector<ChangeResult>{ChangeResult::conflict, ChangeResult::applied, ChangeResult::applied});
  CHECK(must_load(*store, "a").state.status == Status::submitted);
  CHECK(must_load(*store, "a").owner == newer);
  CHECK(must_load(*store, "b").state.status == Status::aborting);
  CHECK(must_load(*store, "b").owner.empty());
}

TEST_CASE("mysql writes: a value that no column holds -> that change alone is refused") {
  const auto store = must_open_store(new_database());
  std::vector<Change> group;
  for (const char* gid : {"a", "b", "c"}) group.push_back(creation(test_definition(gid)));
  group[1].state.rollback_reason = std::string(1'025, 'r');
  CHECK(apply_all(*store, group) ==
        std::vector<ChangeResult>{ChangeResult::applied, ChangeResult::conflict, ChangeResult::applied});
  CHECK_FALSE(is_stored(*store, "b"));
  CHECK(must_load(*store, "c").branches.size() == 4);
}

TEST_CASE("mysql writes: rows that nobody owns under a new gid -> that change alone is refused, and the log says why") {
  const MysqlOptions options = new_database();
  std::vector<std::string> logged;
  const auto store = must_open_store(options, [&logged](LogLevel, std::string_view gid, std::string_view message) {
    logged.push_back(std::string(gid) + ": " + std::string(message));
  });
  must_execute(*must_open(options),
               "INSERT INTO trans_branch_op (gid, url, branch_id, op, status)"
               " VALUES ('b', '', '1', 'action', 'succeed')");
  std::vector<Change> group;
  for (const char* gid : {"a", "b", "c"}) group.push_back(creation(test_definition(gid)));
  CHECK(apply_all(*store, group) ==
        std::vector<ChangeResult>{ChangeResult::applied, ChangeResult::conflict, ChangeResult::applied});
  CHECK_FALSE(is_stored(*store, "b"));
  CHECK(logged ==
        std::vector<std::string>{"b: cannot be stored: branches of this gid are stored without a transaction"});
}

TEST_CASE("mysql writes: a new gid that the tables of DTM take for a stored one -> that one is told of") {
  const MysqlOptions options = new_database();
  const auto store = must_open_store(options);
  const auto connection = must_open(options);
  for (const std::string table : {"trans_global", "trans_branch_op"}) {
    must_execute(*connection, "ALTER TABLE " + table + " MODIFY gid VARCHAR(128) COLLATE utf8mb4_general_ci NOT NULL");
  }
  REQUIRE(apply_one(*store, creation(test_definition("Case"))).result == ChangeResult::applied);
  CHECK(apply_all(*store, {creation(test_definition("case")), creation(test_definition("other"))}) ==
        std::vector<ChangeResult>{ChangeResult::exists, ChangeResult::applied});
  const auto stored = store->load("case");
  REQUIRE_FALSE(stored);
  CHECK(stored.error().message.find("Case") != std::string::npos);
}

TEST_CASE("mysql writes: a branch that is not stored -> nothing of that change, all of the others") {
  const auto store = must_open_store(new_database());
  std::vector<Change> ends;
  for (const char* gid : {"a", "b"}) {
    REQUIRE(apply_one(*store, creation(test_definition(gid))).result == ChangeResult::applied);
    ends.push_back(change(gid, Status::submitted, Status::succeed));
    ends.back().named = {{1, "1", "action", {BranchStatus::succeed, true, 0, kTestTimeMs}}};
  }
  ends[0].named.push_back({9, "5", "action", {BranchStatus::succeed, true, 0, kTestTimeMs}});
  CHECK(apply_all(*store, ends) == std::vector<ChangeResult>{ChangeResult::conflict, ChangeResult::applied});
  CHECK(must_load(*store, "a").branches == std::vector<BranchState>(4));
  CHECK(must_load(*store, "b").branches[1].status == BranchStatus::succeed);
}

TEST_CASE("mysql writes: new ones beside those of which something has come -> each as it is, its branches in order") {
  const auto store = must_open_store(new_database());
  std::vector<Change> group;
  for (const char* gid : {"a", "b", "c", "d"}) group.push_back(creation(test_definition(gid)));
  group[1].state.rollback_reason = "because";
  group[1].state.rollback_time_ms = kTestTimeMs + 2'000;
  const BranchState done{BranchStatus::succeed, true, 0, kTestTimeMs + 1'000};
  group[2].named = {{1, "1", "action", done}};
  REQUIRE(apply_all(*store, group) == std::vector<ChangeResult>(4, ChangeResult::applied));
  for (const Change& change : group) {
    CAPTURE(change.gid);
    const StoredTransaction stored = must_load(*store, change.gid);
    CHECK(*stored.definition == *change.definition);
    CHECK(stored.state.rollback_reason == change.state.rollback_reason);
    CHECK(stored.state.rollback_time_ms == change.state.rollback_time_ms);
    REQUIRE(stored.branches.size() == 4);
    for (const std::size_t row : {0U, 2U, 3U}) CHECK(stored.branches[row] == BranchState{});
    CHECK(stored.branches[1].status == (change.gid == "c" ? BranchStatus::succeed : BranchStatus::prepared));
    CHECK(stored.branches[1].finish_time_ms == (change.gid == "c" ? done.finish_time_ms : 0));
  }
}

TEST_CASE("mysql writes: a group of any size -> every change is there, with every branch") {
  const auto store = must_open_store(new_database());
  for (const std::size_t size : {1U, 15U, 33U, 64U, 65U, 257U, 700U}) {
    CAPTURE(size);
    std::vector<Change> creations;
    std::vector<Change> ends;
    for (std::size_t i = 0; i < size; ++i) {
      const std::string gid = std::to_string(size) + "-" + std::to_string(i);
      creations.push_back(creation(test_definition(gid)));
      ends.push_back(change(gid, Status::submitted, Status::succeed));
      for (const std::uint32_t row : {1U, 3U}) {
        ends.back().named.push_back(
            {row, std::to_string(row / 2 + 1), "action", {BranchStatus::succeed, true, 0, kTestTimeMs}});
      }
    }
    CHECK(apply_all(*store, creations) == std::vector<ChangeResult>(size, ChangeResult::applied));
    CHECK(apply_all(*store, ends) == std::vector<ChangeResult>(size, ChangeResult::applied));
    for (const std::size_t i : {std::size_t{0}, size / 2, size - 1}) {
      const StoredTransaction stored = must_load(*store, std::to_string(size) + "-" + std::to_string(i));
      CHECK(stored.state.status == Status::succeed);
      CHECK(stored.branches[1].status == BranchStatus::succeed);
      CHECK(stored.branches[3].status == BranchStatus::succeed);
      CHECK(stored.branches[2] == BranchState{});
    }
  }
}

TEST_CASE("mysql writes: more in a group than a packet carries -> it is divided") {
  const auto store = must_open_store(new_database());
  std::vector<Change> group;
  for (int i = 0; i < 6; ++i) {
    auto definition = std::make_shared<Definition>(*test_definition(std::to_string(i), 1));
    definition->payloads[0] = std::string(3 << 20, static_cast<char>('a' + i));
    group.push_back(creation(definition));
  }
  CHECK(apply_all(*store, group) == std::vector<ChangeResult>(6, ChangeResult::applied));
  for (const Change& change : group) CHECK(*must_load(*store, change.gid).definition == *change.definition);
}

TEST_CASE("mysql writes: how many values a list has -> takes few different numbers, and little is added") {
  std::set<std::size_t> lengths;
  for (std::size_t count = 1; count <= 64; ++count) {
    CAPTURE(count);
    const std::size_t padded = padded_count(count);
    CHECK(padded >= count);
    CHECK(padded <= count + count / 4);
    lengths.insert(padded);
  }
  CHECK(lengths.size() == 20);
}

TEST_CASE("mysql writes: how many rows a statement inserts -> takes few different numbers") {
  CHECK(rows_of_next_insert(1) == 1);
  CHECK(rows_of_next_insert(17) == 17);
  CHECK(rows_of_next_insert(33) == 32);
  CHECK(rows_of_next_insert(63) == 60);
  CHECK(rows_of_next_insert(64) == 64);
  CHECK(rows_of_next_insert(1'000) == 128);
}

}  // namespace settle::mysql
