// Corners of the runtime: much at once, reads and writes that fail in the middle, the end.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/engine_world.hpp"

using namespace settle;
using namespace settle::testing;
using World = EngineWorld;

TEST_CASE("engine/restart: more due at once than may be woken -> all are finished, in turn") {
  EngineOptions options;
  World world(options);
  Answer<Done> answers[8];
  for (int i = 0; i < 8; ++i) {
    world.participant.reply("01 action", {CallResult::ongoing, ""});
    world.engine->submit(saga("g" + std::to_string(i)), answers[i].slot());
  }
  world.simulated.run();
  world.close();
  world.options.active_max = 2;
  world.simulated.advance_ms(60'000);
  world.open();
  world.simulated.advance_ms(1);
  for (int i = 0; i < 8; ++i) CHECK(world.status("g" + std::to_string(i)) == GlobalStatus::succeed);
}

TEST_CASE("engine/due: clients who wait for others do not keep what is due from being woken") {
  EngineOptions options;
  options.active_max = 2;
  World world(options);
  Answer<Done> answers[4];
  Answer<GlobalStatus> waiting[3];
  for (int i = 0; i < 3; ++i) {
    world.engine->prepare(saga("p" + std::to_string(i)), answers[i].slot());
    world.simulated.run();
  }
  world.participant.reply("01 action", {CallResult::ongoing, ""});
  world.engine->submit(saga("g"), answers[3].slot());
  world.simulated.run();
  for (int i = 0; i < 3; ++i) world.engine->wait("p" + std::to_string(i), waiting[i].slot());
  world.simulated.run();
  world.simulated.advance_ms(20'000);
  CHECK(world.status("g") == GlobalStatus::succeed);
  world.close();
  for (const auto& waiter : waiting) CHECK(waiter.code() == Code::unavailable);
}

TEST_CASE("engine/loading: requests that wait for one read each see what the one before them did") {
  World world;
  Answer<Done> first, prepares[3], submitted, aborted;
  world.engine->prepare(saga("g"), first.slot());
  world.simulated.run();
  for (auto& prepare : prepares) world.engine->prepare(saga("g"), prepare.slot());
  world.participant.reply("01 action", {CallResult::ongoing, ""});
  world.engine->submit(saga("g"), submitted.slot());
  world.simulated.run();
  for (auto& prepare : prepares) CHECK(prepare.came());
  CHECK(submitted.ok());
  CHECK(world.participant.take_calls() == Calls{"g 01 action"});

  // A refused abort and the retry itself come while it is read.
  world.simulated.jump_ms(60'000);
  world.participant.reply("01 action", {.hold = true});
  world.engine->abort("g", std::nullopt, "", aborted.slot());
  world.engine->clock_advanced([] {});
  world.simulated.run();
  CHECK(aborted.code() == Code::failure);
  CHECK(world.participant.take_calls() == Calls{"g 01 action"});
  world.participant.release(CallResult::success);
  world.simulated.run();
  CHECK(world.participant.take_calls() == Calls{"g 02 action"});
  CHECK(world.status("g") == GlobalStatus::succeed);
}

TEST_CASE("engine/failed write: where the store cannot be read after its repair, it is tried again later") {
  World world;
  world.participant.reply("01 action", {.hold = true});
  Answer<Done> answer;
  world.engine->submit(saga("g"), answer.slot());
  world.simulated.run();
  world.store.fail_writes = true;
  world.store.fail_reads = true;
  world.participant.release(CallResult::success);
  world.simulated.advance_ms(100);
  CHECK(world.store.repairs == 1);
  world.store.fail_reads = false;
  world.simulated.advance_ms(20'000);
  CHECK(world.status("g") == GlobalStatus::succeed);
}

TEST_CASE("engine/stop: calls that wait at the gate are not sent any more; who asks after it is told so") {
  EngineOptions options;
  options.calls_per_target_max = 1;
  World world(options);
  Answer<Done> answers[2];
  Answer<GlobalStatus> late;
  Answer<std::optional<StoredTransaction>> late_query;
  for (int i = 0; i < 2; ++i) {
    world.participant.reply("01 action", {.hold = true});
    world.engine->submit(saga("g" + std::to_string(i), 1), answers[i].slot());
  }
  world.simulated.run();
  CHECK(world.participant.take_calls() == Calls{"g0 01 action"});
  bool stopped = false;
  world.engine->stop(1'000, [&stopped] { stopped = true; });
  world.simulated.run();
  world.participant.release(CallResult::success);
  world.simulated.run();
  CHECK(stopped);
  CHECK(world.participant.take_calls().empty());
  CHECK_FALSE(world.memory->load("g1").value()->branches[1].started);
  world.engine->wait("g1", late.slot());
  world.engine->query("g1", late_query.slot());
  world.simulated.run();
  CHECK(late.code() == Code::unavailable);
  CHECK(late_query.code() == Code::unavailable);
}

TEST_CASE("engine/callers: one that names no scheme -> gets every url that no other takes") {
  class OthersCaller final : public BranchCaller {
   public:
    explicit OthersCaller(std::vector<std::string>& urls) : urls_(urls) {}
    void call(BranchCall call, BranchCompletion completion) override {
      urls_.push_back(call.url);
      completion({CallResult::success, ""});
    }

   private:
    std::vector<std::string>& urls_;
  };
  std::vector<std::string> urls;
  World world;
  world.close();
  world.more_callers = {{{}, [&urls](Executor&) { return std::make_unique<OthersCaller>(urls); }}};
  world.open();
  Definition definition;
  definition.gid = "g";
  append_saga_steps(definition, {{"h:1/a.B/C", "", "x"}, {"etcd://h/k/a.B/C", "", "x"}, {"test://s/do", "", "x"}});
  Answer<Done> answer;
  world.engine->submit(definition, answer.slot());
  world.simulated.run();
  CHECK(answer.ok());
  CHECK(world.status("g") == GlobalStatus::succeed);
  CHECK(urls == std::vector<std::string>{"h:1/a.B/C", "etcd://h/k/a.B/C"});
  world.close();
}
