// Several lanes, with threads of their own.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/runtime/committer.hpp"
#include "settle/blocking.hpp"
#include "settle/engine.hpp"
#include "settle/local_branches.hpp"
#include "settle/storage/memory.hpp"
#include "settle/testing/faulty_store.hpp"
#include "settle/testing/forwarding_store.hpp"
#include "settle/testing/simulated_world.hpp"

using namespace settle;
using runtime::Committed;
using runtime::Committer;
using runtime::lane_of;

namespace {

constexpr std::size_t kLanes = 3;

Change change(GlobalStatus expected, GlobalStatus status, bool create = false) {
  Change made;
  made.gid = "g";
  made.create = create;
  made.expected_status = expected;
  made.state.status = status;
  return made;
}

// A memory store with lanes that sees what comes by which.
class WatchedStore final : public testing::ForwardingStore {
 public:
  explicit WatchedStore(Store& behind) : ForwardingStore(behind) {}

  StoreTraits traits() const override {
    StoreTraits traits = ForwardingStore::traits();
    traits.lanes = kLanes;
    return traits;
  }

  void apply(std::span<const Change> group, std::span<ChangeOutcome> outcomes) override {
    {
      const std::lock_guard lock(mutex_);
      for (const Change& change : group) {
        two_at_once_ = two_at_once_ || !under_way_.insert(change.gid).second;
        kinds_[std::this_thread::get_id()].insert(lane_of(change, kLanes));
      }
    }
    const bool moves = lane_of(group.front(), kLanes) == 2;
    const bool fails = (moves && fail_next_move.exchange(false)) || broken_lane_ == std::this_thread::get_id();
    if (fails) {
      broken_lane_ = std::this_thread::get_id();
      std::fill(outcomes.begin(), outcomes.end(), ChangeOutcome{});
    } else {
      ForwardingStore::apply(group, outcomes);
    }
    std::this_thread::yield();
    const std::lock_guard lock(mutex_);
    for (const Change& change : group) under_way_.erase(change.gid);
  }
  Result<Done> repair() override {
    broken_lane_ = std::thread::id();
    ++repairs;
    return Done{};
  }

  // When everything has ended.
  bool saw_two_at_once() const { return two_at_once_; }
  std::vector<std::set<std::size_t>> kinds_by_lane() const {
    std::vector<std::set<std::size_t>> kinds;
    for (const auto& [thread, seen] : kinds_) kinds.push_back(seen);
    return kinds;
  }

  std::atomic<bool> fail_next_move = false;
  std::atomic<int> repairs = 0;

 private:
  std::atomic<std::thread::id> broken_lane_;
  std::mutex mutex_;  // guards the three that follow
  std::set<std::string> under_way_;
  bool two_at_once_ = false;
  std::map<std::thread::id, std::set<std::size_t>> kinds_;
};

struct Fixture {
  explicit Fixture(bool run_ahead) {
    branches.add("do", [](const BranchCall&, BranchCompletion done) { done({CallResult::success, ""}); });
    EngineOptions options;
    options.run_ahead = run_ahead;
    engine = Engine::open({.store = store, .callers = {branches.port()}}, options).value();
  }

  std::future<Result<Done>> submit(const std::string& gid, bool concurrent) {
    Definition definition{.gid = gid, .options = {.wait_result = true}};
    definition.concurrent = concurrent;
    append_saga_steps(definition, std::vector<SagaStep>(4, {"local://do", "local://do", "{}"}));
    auto promise = std::make_shared<std::promise<Result<Done>>>();
    engine->submit(std::move(definition), [promise](Result<Done> answer) { promise->set_value(std::move(answer)); });
    return promise->get_future();
  }

  const std::unique_ptr<Store> memory = make_memory_store();
  WatchedStore store{*memory};
  LocalBranches branches;
  std::unique_ptr<Engine> engine;
};

}  // namespace

TEST_CASE("lanes/kinds: what creates, what leaves the status, what changes it; fewer lanes share") {
  const Change creates = change(GlobalStatus::prepared, GlobalStatus::submitted, true);
  const Change stays = change(GlobalStatus::submitted, GlobalStatus::submitted);
  const Change moves = change(GlobalStatus::submitted, GlobalStatus::succeed);
  CHECK(lane_of(creates, 3) == 0);
  CHECK(lane_of(stays, 3) == 1);
  CHECK(lane_of(moves, 3) == 2);
  CHECK(lane_of(creates, 2) == 0);
  CHECK(lane_of(stays, 2) == 1);
  CHECK(lane_of(moves, 2) == 1);
  for (const Change* each : {&creates, &stays, &moves}) CHECK(lane_of(*each, 1) == 0);
}

TEST_CASE("lanes/sagas: every write waits for the one before -> each lane gets changes of its kind alone") {
  Fixture fixture(false);
  std::vector<std::future<Result<Done>>> answers;
  for (int i = 0; i < 300; ++i) answers.push_back(fixture.submit("g" + std::to_string(i), false));
  for (auto& answer : answers) CHECK(answer.get());
  fixture.engine.reset();
  CHECK_FALSE(fixture.store.saw_two_at_once());
  const auto kinds = fixture.store.kinds_by_lane();
  CHECK(kinds.size() == kLanes);
  for (const std::set<std::size_t>& seen : kinds) CHECK(seen.size() == 1);
}

TEST_CASE("lanes/sagas: writes run ahead -> never two of one gid at once, and all come to their end") {
  Fixture fixture(true);
  std::vector<std::future<Result<Done>>> answers;
  for (int i = 0; i < 300; ++i) answers.push_back(fixture.submit("g" + std::to_string(i), i % 2 == 0));
  for (auto& answer : answers) CHECK(answer.get());
  for (int i = 0; i < 300; ++i) {
    const auto stored = fixture.store.load("g" + std::to_string(i));
    REQUIRE(stored.value());
    CHECK(stored.value()->state.status == GlobalStatus::succeed);
    for (std::size_t row = 1; row < 8; row += 2) {
      CHECK(stored.value()->branches[row].status == BranchStatus::succeed);
    }
  }
  fixture.engine.reset();
  CHECK_FALSE(fixture.store.saw_two_at_once());
}

TEST_CASE("lanes/failure: a lane breaks -> it is repaired, and what it lost goes on from what is stored") {
  Fixture fixture(false);
  fixture.store.fail_next_move = true;
  const Result<Done> answer = fixture.submit("first", false).get();
  CHECK_FALSE(answer);
  CHECK(answer.error().code == Code::unavailable);
  const auto end = [&fixture] {
    return await<GlobalStatus>([&](auto done) { fixture.engine->wait("first", std::move(done)); });
  };
  Result<GlobalStatus> ended = end();
  while (!ended) {  // it may not have been read again yet
    REQUIRE(ended.error().code == Code::unavailable);
    ended = end();
  }
  CHECK(ended.value() == GlobalStatus::succeed);
  CHECK(fixture.submit("second", false).get());
  fixture.engine.reset();
  CHECK(fixture.store.repairs == 1);
  CHECK_FALSE(fixture.store.saw_two_at_once());
}

TEST_CASE("lanes/owner: it goes from one committer to another -> neither takes its change for one of its own") {
  testing::SimulatedWorld world;
  testing::SimulatedExecutor& loop = world.add_process().add_executor();
  const std::unique_ptr<Store> memory = make_memory_store();
  testing::FaultyStore store{*memory};
  std::vector<Committed> delivered;
  const auto make = [&] {
    return std::make_shared<Committer>(
        store, loop, 1,
        [&delivered](std::size_t, std::uint64_t, std::vector<Committed> results) {
          std::move(results.begin(), results.end(), std::back_inserter(delivered));
        },
        [](LogLevel, std::string_view, std::string_view) {});
  };
  const auto first = make();
  const auto second = make();
  const auto push = [&](Committer& committer, const std::shared_ptr<runtime::ChangeOwner>& owner,
                        std::uint64_t sequence, Change made, const std::string& gid) {
    made.gid = gid;
    if (made.create) {
      Definition definition{.gid = gid};
      append_saga_steps(definition, {{"test://a", "test://b", "{}"}});
      made.definition = std::make_shared<const Definition>(std::move(definition));
    }
    committer.push(0, 0, owner, sequence, std::move(made));
    committer.pushed();
  };
  const auto a = std::make_shared<runtime::ChangeOwner>();
  const auto b = std::make_shared<runtime::ChangeOwner>();
  push(*first, a, 1, change(GlobalStatus::prepared, GlobalStatus::submitted, true), "a");
  world.run();
  // The second one's first batch has the number that a's had in the first one.
  push(*second, b, 1, change(GlobalStatus::prepared, GlobalStatus::submitted, true), "b");
  push(*second, a, 2, change(GlobalStatus::submitted, GlobalStatus::succeed), "a");
  world.run();
  CHECK(second->changes() == 2);
  REQUIRE(delivered.size() == 3);
  for (const Committed& each : delivered) CHECK(each.outcome.result == ChangeResult::applied);
  CHECK(memory->load("a").value()->state.status == GlobalStatus::succeed);
  CHECK(memory->load("b").value()->state.status == GlobalStatus::submitted);
}
