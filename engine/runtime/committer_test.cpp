#include "engine/runtime/committer.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "settle/storage/memory.hpp"
#include "settle/testing/faulty_store.hpp"
#include "settle/testing/simulated_world.hpp"

using namespace settle;
using runtime::Committed;
using runtime::Committer;
using settle::testing::FaultyStore;
using settle::testing::SimulatedWorld;

namespace {

struct Fixture {
  Fixture() {
    committer = std::make_shared<Committer>(
        store, loop, 2,
        [this](std::size_t shard, std::uint64_t epoch, std::vector<Committed> results) {
          if (results.empty()) epochs[shard] = epoch;
          for (Committed& result : results) delivered[shard].push_back(std::move(result));
        },
        [](LogLevel, std::string_view, std::string_view) {});
  }

  static Change change(const std::string& gid, bool create, GlobalStatus status,
                       GlobalStatus expected = GlobalStatus::submitted) {
    Change made;
    made.gid = gid;
    made.create = create;
    made.expected_status = expected;
    made.state.status = status;
    if (create) {
      Definition definition;
      definition.gid = gid;
      append_saga_steps(definition, {{"test://a", "test://b", "{}"}});
      made.definition = std::make_shared<const Definition>(std::move(definition));
    }
    return made;
  }

  void push(std::size_t shard, std::uint64_t sequence, Change made,
            Committer::Haste haste = Committer::Haste::at_once) {
    std::shared_ptr<runtime::ChangeOwner>& owner = owners[made.gid];
    if (!owner) owner = std::make_shared<runtime::ChangeOwner>();
    committer->push(shard, epochs[shard], owner, sequence, std::move(made), haste);
    committer->pushed();
  }

  SimulatedWorld world;
  settle::testing::SimulatedExecutor& loop = world.add_process().add_executor();
  std::unique_ptr<Store> memory = make_memory_store();
  FaultyStore store{*memory};
  std::map<std::string, std::shared_ptr<runtime::ChangeOwner>> owners;
  std::uint64_t epochs[2] = {0, 0};
  std::vector<Committed> delivered[2];
  std::shared_ptr<Committer> committer;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "committer/group: what comes together is applied together, each shard gets its own") {
  push(0, 1, change("a", true, GlobalStatus::submitted));
  push(1, 1, change("b", true, GlobalStatus::submitted));
  world.run();
  CHECK(committer->groups() == 1);
  CHECK(committer->changes() == 2);
  REQUIRE(delivered[0].size() == 1);
  REQUIRE(delivered[1].size() == 1);
  CHECK(delivered[0][0].outcome.result == ChangeResult::applied);
  CHECK(delivered[0][0].outcome.id != delivered[1][0].outcome.id);
}

TEST_CASE_FIXTURE(Fixture, "committer/merge: changes of one gid that wait become one, told by the newest number") {
  push(0, 1, change("a", true, GlobalStatus::submitted));
  world.run();
  Change first = change("a", false, GlobalStatus::submitted);
  first.runs.push_back({0, {BranchState{}, BranchState{.status = BranchStatus::succeed}}});
  Change second = change("a", false, GlobalStatus::aborting);
  second.runs.push_back({0, {BranchState{.started = true}, BranchState{.status = BranchStatus::failed}}});
  push(0, 2, std::move(first));
  push(0, 3, std::move(second));
  push(0, 4, change("a", false, GlobalStatus::failed, GlobalStatus::aborting));
  world.run();
  CHECK(committer->changes() == 2);
  REQUIRE(delivered[0].size() == 2);
  CHECK(delivered[0][1].sequence == 4);
  CHECK(delivered[0][1].outcome.result == ChangeResult::applied);
  const auto stored = memory->load("a");
  REQUIRE(stored.value());
  CHECK(stored.value()->state.status == GlobalStatus::failed);
  CHECK(stored.value()->branches[0].started);
  CHECK(stored.value()->branches[1].status == BranchStatus::failed);
}

TEST_CASE_FIXTURE(Fixture, "committer/hold: what may wait -> goes with the next change of its gid") {
  push(0, 1, change("a", true, GlobalStatus::submitted));
  world.run();
  Change first = change("a", false, GlobalStatus::submitted);
  first.runs.push_back({0, {BranchState{}, BranchState{.status = BranchStatus::succeed}}});
  push(0, 2, std::move(first), Committer::Haste::may_wait);
  push(1, 1, change("b", true, GlobalStatus::submitted));
  world.run();
  CHECK(delivered[0].size() == 1);  // others do not take it along
  CHECK(delivered[1].size() == 1);
  CHECK(committer->waiting() == 0);

  push(0, 3, change("a", false, GlobalStatus::succeed));
  world.run();
  REQUIRE(delivered[0].size() == 2);
  CHECK(delivered[0][1].sequence == 3);
  CHECK(delivered[0][1].outcome.result == ChangeResult::applied);
  CHECK(committer->changes() == 3);
  const auto stored = memory->load("a");
  CHECK(stored.value()->state.status == GlobalStatus::succeed);
  CHECK(stored.value()->branches[1].status == BranchStatus::succeed);

  world.advance_ms(10 * Committer::kHoldMs);
  CHECK(committer->changes() == 3);
}

TEST_CASE_FIXTURE(Fixture, "committer/hold: no other change comes -> it is written alone, soon") {
  push(0, 1, change("a", true, GlobalStatus::submitted));
  push(0, 1, change("b", true, GlobalStatus::submitted));
  world.run();
  push(0, 2, change("a", false, GlobalStatus::submitted), Committer::Haste::may_wait);
  world.advance_ms(Committer::kHoldMs + 1);
  CHECK(delivered[0].size() == 2);
  push(0, 2, change("b", false, GlobalStatus::submitted), Committer::Haste::may_wait);
  world.advance_ms(Committer::kHoldMs);
  REQUIRE(delivered[0].size() == 3);
  CHECK(delivered[0][2].owner == owners["a"]);
  world.advance_ms(Committer::kHoldMs);
  REQUIRE(delivered[0].size() == 4);
  CHECK(delivered[0][3].owner == owners["b"]);
  // And the next one is timed anew.
  push(0, 3, change("a", false, GlobalStatus::submitted), Committer::Haste::may_wait);
  world.advance_ms(2 * Committer::kHoldMs);
  CHECK(delivered[0].size() == 5);
}

TEST_CASE_FIXTURE(Fixture, "committer/hold: a change of the gid waits for its group already -> nothing is held") {
  push(0, 1, change("a", true, GlobalStatus::submitted));
  push(0, 2, change("a", false, GlobalStatus::submitted), Committer::Haste::may_wait);
  world.run();
  CHECK(committer->changes() == 1);
  REQUIRE(delivered[0].size() == 1);
  CHECK(delivered[0][0].sequence == 2);
}

TEST_CASE_FIXTURE(Fixture, "committer/hold: closed -> it is written before") {
  push(0, 1, change("a", true, GlobalStatus::submitted));
  world.run();
  push(0, 2, change("a", false, GlobalStatus::submitted), Committer::Haste::may_wait);
  bool closed = false;
  committer->close([&] {
    closed = true;
    CHECK(delivered[0].size() == 2);
  });
  world.run();
  CHECK(closed);
}

TEST_CASE_FIXTURE(Fixture, "committer/hold: held back over a repair -> it fails, and so does what is built on it") {
  push(0, 1, change("a", true, GlobalStatus::submitted));
  world.run();
  push(0, 2, change("a", false, GlobalStatus::submitted), Committer::Haste::may_wait);
  store.fail_writes = true;
  push(1, 1, change("b", true, GlobalStatus::submitted));
  world.run();
  store.fail_writes = false;
  world.advance_ms(0);
  REQUIRE(epochs[0] == 1);
  CHECK(delivered[0].size() == 1);
  push(0, 3, change("a", false, GlobalStatus::succeed));
  world.run();
  REQUIRE(delivered[0].size() == 2);
  CHECK(delivered[0][1].outcome.result == ChangeResult::failed);
  CHECK(memory->load("a").value()->state.status == GlobalStatus::submitted);
}

TEST_CASE_FIXTURE(Fixture, "committer/group: more than a group holds -> several groups, nothing left out") {
  const std::size_t count = 2 * Committer::kGroupMax + 1;
  for (std::size_t i = 0; i < count; ++i) push(0, 1, change("g" + std::to_string(i), true, GlobalStatus::submitted));
  world.run();
  CHECK(committer->groups() == 3);
  CHECK(delivered[0].size() == count);
}

TEST_CASE_FIXTURE(Fixture, "committer/failure: all fails until the repair, then a new epoch begins") {
  push(0, 1, change("a", true, GlobalStatus::submitted));
  world.run();
  store.fail_writes = store.fail_repairs = true;
  push(0, 2, change("a", false, GlobalStatus::aborting));
  world.run();
  CHECK(committer->broken());
  CHECK(delivered[0].back().outcome.result == ChangeResult::failed);
  store.fail_writes = false;
  push(1, 1, change("b", true, GlobalStatus::submitted));
  world.run();
  CHECK(delivered[1].back().outcome.result == ChangeResult::failed);
  store.fail_repairs = false;
  world.advance_ms(10'000);
  CHECK_FALSE(committer->broken());
  CHECK(epochs[0] == 1);
  CHECK(epochs[1] == 1);

  // A shard that has not heard of the repair builds on what was lost.
  epochs[0] = 0;
  push(0, 3, change("a", false, GlobalStatus::aborting));
  push(1, 2, change("b", true, GlobalStatus::submitted));
  world.run();
  CHECK(delivered[0].back().outcome.result == ChangeResult::failed);
  CHECK(delivered[1].back().outcome.result == ChangeResult::applied);
  CHECK(memory->load("a").value()->state.status == GlobalStatus::submitted);
}

TEST_CASE_FIXTURE(Fixture,
                  "committer/close: what was pushed before is delivered before, and no repair is tried after") {
  store.fail_writes = store.fail_repairs = true;
  push(0, 1, change("a", true, GlobalStatus::submitted));
  bool closed = false;
  committer->close([&] {
    closed = true;
    CHECK(delivered[0].size() == 1);
  });
  world.advance_ms(0);
  CHECK(closed);
  const std::size_t repairs = store.repairs;
  world.advance_ms(60'000);
  CHECK(store.repairs == repairs);
}
