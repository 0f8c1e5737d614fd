// Purging and forgetting.
#include <doctest/doctest.h>

#include "tests/conformance/store_suite.hpp"
#include "tests/conformance/store_values.hpp"

namespace settle {
namespace {

using Status = GlobalStatus;

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::size_t kNoLimit = 1'000'000;

// Created and finished on this day after kTestTimeMs.
void add_finished(Store& store, const std::string& gid, Status status, std::int64_t day, std::size_t steps = 2) {
  const auto definition = test_definition(gid, steps, kTestTimeMs + day * kDayMs);
  Change change = creation(definition, status);
  for (std::uint32_t first = 0; first < 2 * steps; first += kBranchRunLength) {
    change.runs.push_back(done_run(first, 2 * steps));
  }
  REQUIRE(apply_one(store, change).result == ChangeResult::applied);
}

PurgeResult purge_before(Store& store, std::int64_t finished_day, std::int64_t forgotten_day, std::int64_t now_day,
                         std::size_t limit = kNoLimit) {
  const auto result = store.purge(kTestTimeMs + finished_day * kDayMs, kTestTimeMs + forgotten_day * kDayMs,
                                  kTestTimeMs + now_day * kDayMs, limit);
  REQUIRE(result);
  return result.value();
}

TEST_CASE("store/purge: finished ones that are old enough -> gone but remembered, the others stay") {
  const auto bed = make_store_bed();
  Store& store = bed->store();
  add_finished(store, "old", Status::succeed, 0, 100);
  add_finished(store, "old-failed", Status::failed, 0);
  apply_one(store, creation(test_definition("unfinished", 2, kTestTimeMs)));
  add_finished(store, "young", Status::succeed, 5);
  const PurgeResult result = purge_before(store, 3, 0, 6);
  CHECK(result.purged == 2);
  CHECK(result.forgotten == 0);
  CHECK_FALSE(result.more);
  const auto check = [&bed](Store& checked) {
    CHECK_FALSE(is_stored(checked, "old"));
    CHECK(apply_one(checked, change("old", Status::succeed, Status::succeed)).result == ChangeResult::conflict);
    CHECK(scan_all(checked, {}, 10) == std::vector<std::string>{"young", "unfinished"});
    if (!bed->remembers_purged()) return;
    CHECK(checked.purged_status("old").value() == Status::succeed);
    CHECK(checked.purged_status("old-failed").value() == Status::failed);
    CHECK(checked.purged_status("young").value() == std::nullopt);
    CHECK(apply_one(checked, creation(test_definition("old"))).result == ChangeResult::exists);
  };
  check(store);
  if (bed->reopen()) check(bed->store());
}

TEST_CASE("store/purge: remembered long enough -> forgotten, the gid may be used again") {
  const auto bed = make_store_bed();
  Store& store = bed->store();
  add_finished(store, "used", Status::failed, 0);
  CHECK(purge_before(store, 1, 0, 2).purged == 1);
  if (bed->remembers_purged()) {
    CHECK(purge_before(store, 1, 2, 9).forgotten == 0);
    CHECK(purge_before(store, 1, 3, 9).forgotten == 1);
  }
  CHECK(store.purged_status("used").value() == std::nullopt);
  CHECK(apply_one(store, creation(test_definition("used", 3))).result == ChangeResult::applied);
  bed->reopen();
  CHECK(must_load(bed->store(), "used").branches == std::vector<BranchState>(6));
}

TEST_CASE("store/purge: a limit -> stops there and says that there is more") {
  const auto bed = make_store_bed();
  Store& store = bed->store();
  for (int i = 0; i < 500; ++i) add_finished(store, "gid" + std::to_string(i), Status::succeed, 0, 1);
  PurgeResult result = purge_before(store, 1, 0, 2, 300);
  CHECK(result.purged == 300);
  CHECK(result.more);
  result = purge_before(store, 1, 0, 2, 300);
  CHECK(result.purged == 200);
  CHECK_FALSE(result.more);
  if (bed->remembers_purged()) {
    result = purge_before(store, 1, 3, 4, 300);
    CHECK(result.forgotten == 300);
    CHECK(result.more);
    result = purge_before(store, 1, 3, 4, 300);
    CHECK(result.forgotten == 200);
    CHECK_FALSE(result.more);
  }
  CHECK(scan_all(store, {}, 10).empty());
}

TEST_CASE("store/purge: one that was created early and finished late -> is kept until its own time") {
  const auto bed = make_store_bed();
  Store& store = bed->store();
  apply_one(store, creation(test_definition("slow", 2, kTestTimeMs)));
  add_finished(store, "quick", Status::succeed, 0);
  CHECK(purge_before(store, 2, 0, 3).purged == 1);
  Change end = change("slow", Status::submitted, Status::succeed);
  end.state = test_state(Status::succeed, kTestTimeMs + 4 * kDayMs);
  REQUIRE(apply_one(store, end).result == ChangeResult::applied);
  CHECK(purge_before(store, 3, 0, 5).purged == 0);
  CHECK(is_stored(store, "slow"));
  CHECK(purge_before(store, 5, 0, 6).purged == 1);
  CHECK_FALSE(is_stored(store, "slow"));
  if (bed->remembers_purged()) CHECK(store.purged_status("slow").value() == Status::succeed);
}

TEST_CASE("store/purge: one that finished at the time itself -> stays") {
  const auto bed = make_store_bed();
  add_finished(bed->store(), "edge", Status::succeed, 0);
  const std::int64_t finished_ms = must_load(bed->store(), "edge").state.finish_time_ms;
  CHECK(bed->store().purge(finished_ms, 0, finished_ms, kNoLimit).value().purged == 0);
  CHECK(bed->store().purge(finished_ms + 1'000, 0, finished_ms, kNoLimit).value().purged == 1);
}

TEST_CASE("store/purge: the newest one purged -> its id is not given again, also after reopening") {
  const auto bed = make_store_bed();
  add_finished(bed->store(), "last", Status::succeed, 0);
  const std::int64_t id = must_load(bed->store(), "last").id;
  CHECK(purge_before(bed->store(), 1, 0, 2).purged == 1);
  CHECK(purge_before(bed->store(), 1, 9, 9).forgotten == (bed->remembers_purged() ? 1 : 0));
  bed->reopen();
  const ChangeOutcome next = apply_one(bed->store(), creation(test_definition("next")));
  CHECK(created_id(bed->store(), next, "next") > id);
}

TEST_CASE("store/purge: a listing that is under way -> goes on over what was purged") {
  const auto bed = make_store_bed();
  for (int i = 0; i < 20; ++i) add_finished(bed->store(), "gid" + std::to_string(i), Status::succeed, i);
  const auto page = bed->store().scan({}, "", 5);
  REQUIRE(page);
  CHECK(purge_before(bed->store(), 10, 0, 30).purged == 10);
  const auto rest = bed->store().scan({}, page.value().next_position, 100);
  REQUIRE(rest);
  CHECK(rest.value().transactions.size() == 5);
  CHECK(rest.value().next_position.empty());
}

}  // namespace
}  // namespace settle
