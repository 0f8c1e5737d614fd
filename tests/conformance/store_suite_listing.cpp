// Listings.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/conformance/store_suite.hpp"
#include "tests/conformance/store_values.hpp"

namespace settle {
namespace {

using Status = GlobalStatus;

std::string numbered(int number) { return "gid" + std::to_string(number); }

// So many, the i-th created i seconds after kTestTimeMs, in the status i % 5 + 1; the newest first.
std::vector<std::string> fill(Store& store, int count) {
  std::vector<Change> group;
  std::vector<std::string> gids;
  for (int i = 0; i < count; ++i) {
    group.push_back(
        creation(test_definition(numbered(i), 1, kTestTimeMs + i * 1'000LL), static_cast<Status>(i % 5 + 1)));
    gids.insert(gids.begin(), numbered(i));
  }
  std::vector<ChangeOutcome> outcomes(group.size());
  store.apply(group, outcomes);
  return gids;
}

TEST_CASE("store/scan: an empty store -> an empty last page") {
  const auto bed = make_store_bed();
  const auto page = bed->store().scan({}, "", 10);
  REQUIRE(page);
  CHECK(page.value().transactions.empty());
  CHECK(page.value().next_position.empty());
}

TEST_CASE("store/scan: pages of any size -> all, newest first, finished or not") {
  const auto bed = make_store_bed();
  const auto expected = fill(bed->store(), 601);
  for (std::size_t size : {1U, 7U, 100U, 600U, 601U, 1000U}) {
    CAPTURE(size);
    CHECK(scan_all(bed->store(), {}, size) == expected);
  }
  if (bed->reopen()) CHECK(scan_all(bed->store(), {}, 100) == expected);
}

TEST_CASE("store/scan: a page that holds just what is left -> says that it is the last") {
  const auto bed = make_store_bed();
  fill(bed->store(), 10);
  const auto page = bed->store().scan({}, "", 10);
  REQUIRE(page);
  CHECK(page.value().transactions.size() == 10);
  CHECK(page.value().next_position.empty());
}

TEST_CASE("store/scan: filters -> only what matches, over pages") {
  const auto bed = make_store_bed();
  const auto all = fill(bed->store(), 100);
  for (int status = 1; status <= 5; ++status) {
    CAPTURE(status);
    ScanFilter filter;
    filter.status = static_cast<Status>(status);
    std::vector<std::string> expected;
    for (int i = 99; i >= 0; --i) {
      if (i % 5 + 1 == status) expected.push_back(numbered(i));
    }
    CHECK(scan_all(bed->store(), filter, 3) == expected);
    filter.create_time_ms_min = kTestTimeMs + 1'000'000;
    CHECK(scan_all(bed->store(), filter, 3).empty());
  }
  ScanFilter times;
  times.create_time_ms_min = kTestTimeMs + 20'000;
  times.create_time_ms_max = kTestTimeMs + 30'000;
  times.type = TransType::saga;
  CHECK(scan_all(bed->store(), times, 4) == std::vector<std::string>(all.begin() + 69, all.begin() + 80));
}

TEST_CASE("store/scan: transactions added and finished between pages -> what was there comes once") {
  const auto bed = make_store_bed();
  const auto expected = fill(bed->store(), 60);
  std::vector<std::string> seen;
  std::string position;
  int added = 1'000;
  do {
    const auto page = bed->store().scan({}, position, 7);
    REQUIRE(page);
    for (const StoredTransaction& transaction : page.value().transactions) seen.push_back(transaction.definition->gid);
    position = page.value().next_position;
    apply_one(bed->store(), creation(test_definition(numbered(added++))));
    // Finished while the listing goes on: one that was shown and one that is still to come.
    for (const std::string& gid : {seen.back(), expected.back()}) {
      const Status status = must_load(bed->store(), gid).state.status;
      if (!is_final(status)) apply_one(bed->store(), change(gid, status, Status::failed));
    }
  } while (!position.empty());
  CHECK(seen == expected);
}

TEST_CASE("store/scan: what a page shows -> the definition and the state") {
  const auto bed = make_store_bed();
  const auto definition = test_definition("shown", 40);
  const auto outcome = apply_one(bed->store(), creation(definition));
  const Change end = change("shown", Status::submitted, Status::succeed, {done_run(32, 80)});
  apply_one(bed->store(), end);
  const auto page = bed->store().scan({}, "", 1);
  REQUIRE(page);
  REQUIRE(page.value().transactions.size() == 1);
  const StoredTransaction& shown = page.value().transactions[0];
  CHECK(shown.id == created_id(bed->store(), outcome, "shown"));
  // A store that keeps a row for each branch does not read them for a listing.
  Definition expected = *definition;
  if (bed->store().traits().names_branches) {
    expected.branches.clear();
    expected.payloads.clear();
  }
  CHECK(*shown.definition == expected);
  CHECK(shown.state == end.state);
}

TEST_CASE("store/scan: a position that the store did not give -> invalid") {
  const auto bed = make_store_bed();
  fill(bed->store(), 3);
  for (const char* position : {"x", "a", "a0", "a-1", "a1x", "1", "a99999999999999999999", " a1", "a+1"}) {
    CAPTURE(position);
    const auto page = bed->store().scan({}, position, 10);
    REQUIRE_FALSE(page);
    CHECK(page.error().code == Code::invalid);
  }
}

TEST_CASE("store/scan: many unfinished of another status in between -> found all the same") {
  const auto bed = make_store_bed();
  apply_one(bed->store(), creation(test_definition("first"), Status::prepared));
  apply_one(bed->store(), creation(test_definition("ended"), Status::failed));
  for (int i = 0; i < 600; ++i) apply_one(bed->store(), creation(test_definition(numbered(i), 1)));
  ScanFilter filter;
  filter.status = Status::prepared;
  CHECK(scan_all(bed->store(), filter, 10) == std::vector<std::string>{"first"});
  filter.status = Status::failed;
  CHECK(scan_all(bed->store(), filter, 10) == std::vector<std::string>{"ended"});
  const auto all = scan_all(bed->store(), {}, 50);
  CHECK(all.size() == 602);
  CHECK(all.back() == "first");
}

}  // namespace
}  // namespace settle
