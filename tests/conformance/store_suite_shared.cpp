// What is asked of a shared store: owners, leases, claims. A store that is not shared has nothing to show here.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/conformance/store_suite.hpp"
#include "tests/conformance/store_values.hpp"

namespace settle {
namespace {

using Status = GlobalStatus;

constexpr std::int64_t kNowMs = kTestTimeMs + 100'000;
const std::string kFirst = std::string(kOwnerPrefix) + "first:0";
const std::string kSecond = std::string(kOwnerPrefix) + "second:0";
const std::string kThird = std::string(kOwnerPrefix) + "third:0";

ClaimRequest request(const std::string& owner, std::int64_t now_ms = kNowMs) {
  return {owner, now_ms, now_ms + 15'000};
}

// A saga of two steps as an engine has it while it works on it, or while it waits.
Change saga_of(const std::string& gid, Status status, std::int64_t next_retry_time_ms, const std::string& owner = {}) {
  Change made = creation(test_definition(gid), status);
  made.state = {};
  made.state.status = status;
  made.state.update_time_ms = kTestTimeMs;
  made.state.retry_interval_ms = 10'000;
  made.state.next_retry_time_ms = next_retry_time_ms;
  made.state.submit_time_ms = status == Status::prepared ? 0 : kTestTimeMs;
  made.state.parked = made.state.exact = owner.empty();
  made.hold_as = owner;
  made.lease_until_ms = owner.empty() ? 0 : next_retry_time_ms;
  return made;
}

// The next write of the same transaction.
Change next_of(const Change& before, Status to, const std::string& held_as, const std::string& hold_as,
               std::int64_t time_ms) {
  Change made = before;
  made.create = false;
  made.definition = nullptr;
  made.runs.clear();
  made.expected_status = before.state.status;
  made.state.status = to;
  made.state.update_time_ms = kNowMs;
  made.state.next_retry_time_ms = time_ms;
  made.held_as = held_as;
  made.hold_as = hold_as;
  made.lease_until_ms = hold_as.empty() ? 0 : time_ms;
  return made;
}

void must_apply(Store& store, const Change& change) {
  REQUIRE(apply_one(store, change).result == ChangeResult::applied);
}

std::vector<std::string> claim_gids(Store& store, const ClaimRequest& claimed_as, std::size_t limit = 100) {
  auto claimed = store.claim(claimed_as, limit, [](const Error& damaged) { FAIL(damaged.message); });
  const std::string why = claimed ? "" : claimed.error().message;
  REQUIRE_MESSAGE(claimed, why);
  std::vector<std::string> gids;
  for (const StoredTransaction& each : claimed.value().transactions) gids.push_back(each.definition->gid);
  return gids;
}

ClaimedOne must_claim_one(Store& store, const std::string& gid, const ClaimRequest& claimed_as) {
  auto claimed = store.claim_one(gid, claimed_as);
  const std::string why = claimed ? "" : claimed.error().message;
  REQUIRE_MESSAGE(claimed, why);
  return std::move(claimed.value());
}

TEST_CASE("store/shared: created as held -> shows its owner, its lease as the next time, and is not parked") {
  const auto bed = make_store_bed();
  if (!bed->store().traits().shared) return;
  must_apply(bed->store(), saga_of("g", Status::submitted, kNowMs + 15'700, kFirst));
  const StoredTransaction stored = must_load(bed->store(), "g");
  CHECK(stored.owner == kFirst);
  CHECK_FALSE(stored.state.parked);
  CHECK(stored.state.next_retry_time_ms == kNowMs + 15'000);  // the whole seconds that it covers
}

TEST_CASE(
    "store/shared: a write under the owner that is stored -> applied; under another -> conflict, nothing changed") {
  const auto bed = make_store_bed();
  Store& store = bed->store();
  if (!store.traits().shared) return;
  const Change created = saga_of("g", Status::submitted, kNowMs + 15'000, kFirst);
  must_apply(store, created);
  Change other = next_of(created, Status::aborting, kSecond, kSecond, kNowMs + 30'000);
  other.named = {{3, "2", "action", {BranchStatus::failed, true, 0, kNowMs}}};
  CHECK(apply_one(store, other).result == ChangeResult::conflict);
  CHECK(must_load(store, "g").state.status == Status::submitted);
  CHECK(must_load(store, "g").branches[3].status == BranchStatus::prepared);
  Change mine = next_of(created, Status::submitted, kFirst, kFirst, kNowMs + 30'000);
  mine.named = {{1, "1", "action", {BranchStatus::succeed, true, 0, kNowMs}}};
  must_apply(store, mine);
  const StoredTransaction stored = must_load(store, "g");
  CHECK(stored.owner == kFirst);
  CHECK(stored.state.next_retry_time_ms == kNowMs + 30'000);
  CHECK(stored.branches[1] == BranchState{BranchStatus::succeed, true, 0, kNowMs});
  CHECK(stored.branches[3] == BranchState{});
}

TEST_CASE("store/shared: a group in which some lost their hold -> each on its own") {
  const auto bed = make_store_bed();
  Store& store = bed->store();
  if (!store.traits().shared) return;
  std::vector<Change> group;
  for (int i = 0; i < 40; ++i) {
    const Change created = saga_of("g" + std::to_string(i), Status::submitted, kNowMs, kFirst);
    must_apply(store, created);
    group.push_back(next_of(created, Status::succeed, i % 5 == 0 ? kSecond : kFirst, "", kNowMs));
    group.back().named = {{3, "2", "action", {BranchStatus::succeed, true, 0, kNowMs}}};
  }
  std::vector<ChangeOutcome> outcomes(group.size());
  store.apply(group, outcomes);
  for (int i = 0; i < 40; ++i) {
    CAPTURE(i);
    const bool lost = i % 5 == 0;
    CHECK(outcomes[static_cast<std::size_t>(i)].result == (lost ? ChangeResult::conflict : ChangeResult::applied));
    const StoredTransaction stored = must_load(store, "g" + std::to_string(i));
    CHECK(stored.state.status == (lost ? Status::submitted : Status::succeed));
    CHECK(stored.owner == (lost ? kFirst : ""));
    CHECK(stored.branches[3].status == (lost ? BranchStatus::prepared : BranchStatus::succeed));
  }
}

TEST_CASE("store/shared: let go -> nobody holds it, and it is due at its own time") {
  const auto bed = make_store_bed();
  Store& store = bed->store();
  if (!store.traits().shared) return;
  const Change created = saga_of("g", Status::submitted, kNowMs + 15'000, kFirst);
  must_apply(store, created);
  Change parked = next_of(created, Status::submitted, kFirst, "", kNowMs + 10'300);
  parked.state.parked = parked.state.exact = true;
  parked.state.errors = 1;
  parked.state.last_error = "down";
  parked.state.last_error_branch = 1;
  parked.runs = {{0, {{}, {BranchStatus::prepared, true, 1, 0}, {}, {}}}};
  must_apply(store, parked);
  const StoredTransaction stored = must_load(store, "g");
  CHECK(stored.owner.empty());
  CHECK(stored.state == parked.state);
  CHECK(stored.branches == parked.runs[0].branches);
  CHECK(claim_gids(store, request(kSecond, kNowMs + 9'999)).empty());
  CHECK(claim_gids(store, request(kSecond, kNowMs + 10'300)) == std::vector<std::string>{"g"});
}

TEST_CASE("store/shared: leaves prepared without a hold -> becomes held, whoever held it before") {
  const auto bed = make_store_bed();
  Store& store = bed->store();
  if (!store.traits().shared) return;
  const Change created = saga_of("g", Status::prepared, kNowMs);
  must_apply(store, created);
  REQUIRE(claim_gids(store, request(kSecond)) == std::vector<std::string>{"g"});
  must_apply(store, next_of(created, Status::submitted, "", kFirst, kNowMs + 20'000));
  CHECK(must_load(store, "g").owner == kFirst);
  Change of_second = next_of(created, Status::failed, kSecond, "", kNowMs);
  of_second.expected_status = Status::submitted;
  CHECK(apply_one(store, of_second).result == ChangeResult::conflict);
}

TEST_CASE("store/shared: stopped by force without a hold -> nobody holds it any more") {
  const auto bed = make_store_bed();
  Store& store = bed->store();
  if (!store.traits().shared) return;
  const Change created = saga_of("g", Status::submitted, kNowMs + 15'000, kFirst);
  must_apply(store, created);
  must_apply(store, next_of(created, Status::failed, "", "", kNowMs));
  CHECK(must_load(store, "g").owner.empty());
  CHECK(apply_one(store, next_of(created, Status::succeed, kFirst, "", kNowMs)).result == ChangeResult::conflict);
}

TEST_CASE("store/shared: a branch is registered by who does not hold it -> owner and running lease stay") {
  const auto bed = make_store_bed();
  Store& store = bed->store();
  if (!store.traits().shared) return;
  Change created = saga_of("g", Status::prepared, kNowMs);
  created.definition = open_definition("g", TransType::tcc);
  created.type = TransType::tcc;
  must_apply(store, created);
  REQUIRE(claim_gids(store, request(kSecond)).size() == 1);
  Change registered = next_of(created, Status::prepared, "", "", kNowMs + 35'000);
  registered.registrations = test_registrations(0, 1);
  must_apply(store, registered);
  CHECK(must_load(store, "g").owner == kSecond);
  CHECK(must_load(store, "g").state.next_retry_time_ms == kNowMs + 15'000);
  CHECK(must_load(store, "g").registrations.size() == 1);
}

TEST_CASE(
    "store/shared: a branch is registered by who has not seen the others -> behind them; the same one -> conflict") {
  const auto bed = make_store_bed();
  Store& store = bed->store();
  if (!store.traits().shared) return;
  Change created = saga_of("g", Status::prepared, kNowMs + 35'000);
  created.definition = open_definition("g", TransType::tcc);
  created.type = TransType::tcc;
  must_apply(store, created);
  for (const std::size_t number : {0U, 1U, 2U}) {
    Change registered = next_of(created, Status::prepared, "", "", kNowMs + 35'000);
    registered.registrations = test_registrations(number, 1);  // always as the first one
    must_apply(store, registered);
    CHECK(apply_one(store, registered).result == ChangeResult::conflict);
  }
  const StoredTransaction stored = must_load(store, "g");
  CHECK(stored.registrations.size() == 3);
  CHECK(stored.branches.size() == 6);
}

TEST_CASE("store/shared: claim -> those that are due and unfinished, longest due first, with what they were before") {
  const auto bed = make_store_bed();
  Store& store = bed->store();
  if (!store.traits().shared) return;
  must_apply(store, saga_of("later", Status::submitted, kNowMs + 1'000));
  must_apply(store, saga_of("third", Status::aborting, kNowMs - 1'000));
  must_apply(store, saga_of("first", Status::submitted, kNowMs - 3'000));
  must_apply(store, saga_of("second", Status::prepared, kNowMs - 2'000));
  must_apply(store, saga_of("orphan", Status::submitted, kNowMs, kFirst));
  must_apply(store, saga_of("held", Status::submitted, kNowMs + 15'000, kFirst));
  must_apply(store, saga_of("done", Status::succeed, kNowMs - 9'000));
  auto claimed = store.claim(request(kSecond), 100, [](const Error& damaged) { FAIL(damaged.message); });
  REQUIRE(claimed);
  const auto& all = claimed.value().transactions;
  REQUIRE(all.size() == 4);
  CHECK_FALSE(claimed.value().more);
  const char* const expected[] = {"first", "second", "third", "orphan"};
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(all[i].definition->gid == expected[i]);
    CHECK(all[i].state.parked == (i < 3));
    if (i < 3) CHECK(all[i].state.next_retry_time_ms == kNowMs - 3'000 + static_cast<std::int64_t>(i) * 1'000);
    CHECK(must_load(store, expected[i]).owner == kSecond);
    CHECK(must_load(store, expected[i]).state.next_retry_time_ms == kNowMs + 15'000);
    CHECK(must_load(store, expected[i]).state.update_time_ms == kTestTimeMs);
  }
  CHECK(must_load(store, "held").owner == kFirst);
  CHECK(claim_gids(store, request(kThird)).empty());
  CHECK(claim_gids(store, request(kThird, kNowMs + 15'000)).size() == 6);
}

TEST_CASE("store/shared: claim of at most so many -> says that there are more") {
  const auto bed = make_store_bed();
  Store& store = bed->store();
  if (!store.traits().shared) return;
  for (int i = 0; i < 5; ++i) must_apply(store, saga_of("g" + std::to_string(i), Status::submitted, kNowMs - i));
  auto claimed = store.claim(request(kFirst), 3, [](const Error&) {});
  REQUIRE(claimed);
  CHECK(claimed.value().transactions.size() == 3);
  CHECK(claimed.value().more);
  CHECK(claim_gids(store, request(kSecond), 3).size() == 2);
}

TEST_CASE("store/shared: several claim at once -> everything is claimed, nothing twice") {
  const auto bed = make_store_bed();
  Store& store = bed->store();
  if (!store.traits().shared) return;
  constexpr int kCount = 300;
  for (int i = 0; i < kCount; ++i) must_apply(store, saga_of("g" + std::to_string(i), Status::submitted, kNowMs));
  std::vector<std::vector<std::string>> taken(3);
  std::vector<std::thread> threads;
  for (int who = 0; who < 3; ++who) {
    threads.emplace_back([&store, &mine = taken[static_cast<std::size_t>(who)], who] {
      int idle = 0;
      for (int round = 0; idle < 20 && round < 1'000; ++round) {
        const std::string owner = std::string(kOwnerPrefix) + std::to_string(who) + ":" + std::to_string(round);
        auto claimed = store.claim(request(owner), 7, [](const Error&) {});
        if (!claimed || claimed.value().transactions.empty()) {
          ++idle;
          continue;
        }
        for (const StoredTransaction& each : claimed.value().transactions) mine.push_back(each.definition->gid);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<std::string> all;
  for (const auto& mine : taken) all.insert(all.end(), mine.begin(), mine.end());
  std::sort(all.begin(), all.end());
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
  CHECK(all.size() == kCount);
}

TEST_CASE("store/shared: claim of one -> taken where nobody works on it, due or not; otherwise busy or absent") {
  const auto bed = make_store_bed();
  Store& store = bed->store();
  if (!store.traits().shared) return;
  must_apply(store, saga_of("waits", Status::submitted, kNowMs + 50'000));
  must_apply(store, saga_of("held", Status::submitted, kNowMs + 15'000, kFirst));
  must_apply(store, saga_of("orphan", Status::submitted, kNowMs - 1'000, kFirst));
  must_apply(store, saga_of("done", Status::failed, kNowMs));
  const ClaimedOne waits = must_claim_one(store, "waits", request(kSecond));
  REQUIRE(waits.result == ClaimResult::claimed);
  CHECK(waits.transaction->state.parked);
  CHECK(waits.transaction->state.next_retry_time_ms == kNowMs + 50'000);
  CHECK(must_load(store, "waits").owner == kSecond);
  CHECK(must_claim_one(store, "waits", request(kThird)).result == ClaimResult::busy);
  CHECK(must_claim_one(store, "held", request(kSecond)).result == ClaimResult::busy);
  CHECK(must_claim_one(store, "orphan", request(kSecond)).result == ClaimResult::claimed);
  CHECK(must_claim_one(store, "done", request(kSecond)).result == ClaimResult::absent);
  CHECK(must_claim_one(store, "nobody", request(kSecond)).result == ClaimResult::absent);
}

TEST_CASE("store/shared: make_due -> those that wait for later and nobody works on, at most so many") {
  const auto bed = make_store_bed();
  Store& store = bed->store();
  if (!store.traits().shared) return;
  must_apply(store, saga_of("soon", Status::submitted, kNowMs + 5'000));
  must_apply(store, saga_of("late", Status::submitted, kNowMs + 50'000));
  must_apply(store, saga_of("later", Status::aborting, kNowMs + 60'000));
  must_apply(store, saga_of("held", Status::submitted, kNowMs + 70'000, kFirst));
  must_apply(store, saga_of("done", Status::succeed, kNowMs + 80'000));
  const auto first = store.make_due(kNowMs + 10'000, kNowMs, 1);
  REQUIRE(first);
  CHECK(first.value() == 1);
  const auto rest = store.make_due(kNowMs + 10'000, kNowMs, 10);
  REQUIRE(rest);
  CHECK(rest.value() == 1);
  auto gids = claim_gids(store, request(kSecond));
  std::sort(gids.begin(), gids.end());
  CHECK(gids == std::vector<std::string>{"late", "later"});
}

TEST_CASE("store/shared: make_due of what is prepared -> only what is called again within its interval") {
  const auto bed = make_store_bed();
  Store& store = bed->store();
  if (!store.traits().shared) return;
  const auto prepared = [](TransType type, const std::string& gid, std::int64_t next_retry_time_ms) {
    Definition definition;
    definition.gid = gid;
    definition.type = type;
    definition.protocol = Protocol::http;
    definition.create_time_ms = kTestTimeMs;
    Change made = creation(std::make_shared<const Definition>(std::move(definition)), Status::prepared);
    made.state = saga_of(gid, Status::prepared, next_retry_time_ms).state;
    return made;
  };
  for (const TransType type : {TransType::tcc, TransType::xa, TransType::msg, TransType::workflow}) {
    const std::string name(to_string(type));
    must_apply(store, prepared(type, name, kNowMs + 9'000));
    must_apply(store, prepared(type, name + " far", kNowMs + 50'000));
  }
  must_apply(store, saga_of("saga", Status::prepared, kNowMs + 9'000));
  const auto made = store.make_due(kNowMs + 5'000, kNowMs, 10);
  REQUIRE(made);
  CHECK(made.value() == 2);
  auto gids = claim_gids(store, request(kFirst));
  std::sort(gids.begin(), gids.end());
  CHECK(gids == std::vector<std::string>{"msg", "workflow"});
}

TEST_CASE("store/shared: end_leases -> what such owners hold is due, and is held by them until it is claimed") {
  const auto bed = make_store_bed();
  Store& store = bed->store();
  if (!store.traits().shared) return;
  must_apply(store, saga_of("held", Status::submitted, kNowMs + 15'000, kFirst));
  must_apply(store, saga_of("held too", Status::aborting, kNowMs + 15'000, kFirst));
  must_apply(store, saga_of("of another", Status::submitted, kNowMs + 15'000, kSecond));
  must_apply(store, saga_of("waits", Status::submitted, kNowMs + 50'000));
  must_apply(store, saga_of("due", Status::submitted, kNowMs - 5'000, kFirst));
  std::set<std::string> asked;
  const auto ended = store.end_leases(
      [&asked](const std::string& owner) {
        asked.insert(owner);
        return owner == kFirst;
      },
      kNowMs);
  REQUIRE(ended);
  CHECK(ended.value() == 2);
  CHECK(asked == std::set<std::string>{kFirst, kSecond});
  CHECK(must_load(store, "held").owner == kFirst);
  CHECK(must_load(store, "of another").state.next_retry_time_ms == kNowMs + 15'000);
  auto gids = claim_gids(store, request(kThird));
  std::sort(gids.begin(), gids.end());
  CHECK(gids == std::vector<std::string>{"due", "held", "held too"});
}

}  // namespace
}  // namespace settle
