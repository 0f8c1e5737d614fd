// The runtime in a simulated world, with sagas.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/engine_world.hpp"

using namespace settle;
using namespace settle::testing;
using World = EngineWorld;

TEST_CASE("engine/submit: a saga that succeeds -> answered once accepted, then run to its end") {
  World world;
  Answer<Done> answer;
  world.engine->submit(saga("g"), answer.slot());
  world.simulated.run();
  CHECK(answer.ok());
  CHECK(world.participant.take_calls() == Calls{"g 01 action", "g 02 action"});
  const auto stored = world.query("g");
  REQUIRE(stored);
  CHECK(stored->state.status == GlobalStatus::succeed);
  CHECK(stored->branches[1].status == BranchStatus::succeed);
  CHECK(stored->branches[2].status == BranchStatus::prepared);
  CHECK(world.engine->statistics().active == 0);
  CHECK(world.engine->statistics().succeeded == 1);
}

TEST_CASE("engine/submit: wait_result -> answered when the pass has ended, whatever came of it") {
  World world;
  Answer<Done> done, refused, erring;
  world.engine->submit(waiting_saga("done"), done.slot());
  world.simulated.run();
  CHECK(done.ok());
  world.participant.reply("02 action", {CallResult::failure, "out of stock"});
  world.engine->submit(waiting_saga("refused"), refused.slot());
  world.simulated.run();
  CHECK(refused.code() == Code::failure);
  CHECK(refused.message() == "url:test://s/do2 return failed: out of stock FAILURE");
  world.participant.reply("01 action", {CallResult::unknown, "broken"});
  world.engine->submit(waiting_saga("erring"), erring.slot());
  world.simulated.run();
  CHECK(erring.code() == Code::failure);
  CHECK(erring.message() == "wait result not return success: FAILURE");
  CHECK(world.status("erring") == GlobalStatus::submitted);
}

TEST_CASE("engine/submit: nothing is called before the transaction is durable") {
  World world;
  world.store.fail_writes = true;
  world.store.fail_repairs = true;
  Answer<Done> answer;
  world.engine->submit(saga("g"), answer.slot());
  world.simulated.run();
  CHECK(answer.code() == Code::unavailable);
  CHECK(world.participant.take_calls().empty());
}

TEST_CASE("engine/failed write: the gid is refused until the store is repaired, then read again and gone on with") {
  World world;
  world.participant.reply("01 action", {.hold = true});
  Answer<Done> first, again;
  world.engine->submit(saga("g", 3), first.slot());
  world.simulated.run();
  CHECK(first.ok());
  SUBCASE("the write took no effect") { world.store.fail_writes = true; }
  SUBCASE("the write took effect, but that is not known") { world.store.fail_after_applying = true; }
  world.store.fail_repairs = true;
  Answer<GlobalStatus> waiting;
  world.engine->wait("g", waiting.slot());
  world.participant.release(CallResult::success);
  world.simulated.run();
  CHECK(waiting.code() == Code::unavailable);
  world.engine->submit(saga("g", 3), again.slot());
  world.simulated.run();
  CHECK(again.code() == Code::unavailable);
  Answer<Done> other;
  world.engine->submit(saga("other"), other.slot());
  world.simulated.run();
  CHECK(other.code() == Code::unavailable);
  world.participant.take_calls();
  world.simulated.advance_ms(1'000);
  CHECK(world.store.repairs >= 2);
  world.store.fail_repairs = false;
  world.simulated.advance_ms(60'000);
  CHECK(world.status("g") == GlobalStatus::succeed);
  Answer<Done> after;
  world.engine->submit(waiting_saga("other"), after.slot());
  world.simulated.run();
  CHECK(after.ok());
}

TEST_CASE("engine/failed write: a call that is out keeps the transaction from starting the same call again") {
  World world;
  Definition concurrent = saga("g", 2);
  concurrent.concurrent = true;
  world.participant.reply("01 action", {.hold = true});
  world.participant.reply("02 action", {.hold = true});
  Answer<Done> answer;
  world.engine->submit(concurrent, answer.slot());
  world.simulated.run();
  CHECK(world.participant.take_calls().size() == 2);
  world.store.fail_writes = true;
  world.participant.release(CallResult::success);  // 01; its progress write fails, the store is repaired at once
  world.simulated.advance_ms(100);
  CHECK(world.store.repairs == 1);
  CHECK(world.participant.take_calls().empty());
  world.participant.release(CallResult::success);  // 02: now it may be read again
  world.simulated.advance_ms(10);
  CHECK(world.participant.take_calls() == Calls{"g 01 action", "g 02 action"});
  CHECK(world.status("g") == GlobalStatus::succeed);
}

TEST_CASE("engine/progress: the last call is short -> what came before it is written with the end, else by itself") {
  World world;
  Answer<Done> quick, slow;
  world.engine->submit(waiting_saga("quick"), quick.slot());
  world.simulated.run();
  CHECK(quick.ok());
  CHECK(world.engine->statistics().changes == 2);
  world.participant.reply("02 action", {.hold = true});
  world.engine->submit(waiting_saga("slow"), slow.slot());
  world.simulated.run();
  CHECK(world.engine->statistics().changes == 3);
  world.simulated.advance_ms(100);
  CHECK(world.engine->statistics().changes == 4);
  CHECK(world.store.load("slow").value()->branches[1].status == BranchStatus::succeed);
  world.participant.release(CallResult::success);
  world.simulated.run();
  CHECK(slow.ok());
  CHECK(world.engine->statistics().changes == 5);
}

TEST_CASE("engine/gid: known gids -> the stored transaction decides") {
  World world;
  Answer<Done> prepared, again, submitted, late, late_prepare;
  world.engine->prepare(saga("g"), prepared.slot());
  world.simulated.run();
  CHECK(prepared.ok());
  CHECK(world.participant.take_calls().empty());
  CHECK(world.engine->statistics().active == 0);
  world.engine->prepare(saga("g", 5), again.slot());
  world.engine->submit(waiting_saga("g", 5), submitted.slot());
  world.simulated.run();
  CHECK(again.ok());
  CHECK(submitted.ok());
  CHECK(world.participant.take_calls() == Calls{"g 01 action", "g 02 action"});
  world.engine->submit(saga("g"), late.slot());
  world.engine->prepare(saga("g"), late_prepare.slot());
  world.simulated.run();
  CHECK(late.message() == "current status 'succeed', cannot sumbmit. FAILURE");
  CHECK(late_prepare.message() == "current status 'succeed', cannot prepare. FAILURE");
}

TEST_CASE("engine/gid: two submits of one new gid at once -> one transaction, both succeed") {
  World world;
  Answer<Done> one, two;
  world.engine->submit(waiting_saga("g"), one.slot());
  world.engine->submit(waiting_saga("g"), two.slot());
  world.simulated.run();
  CHECK(one.ok());
  CHECK(two.came());
  CHECK(world.engine->statistics().accepted == 1);
}

TEST_CASE("engine/retry: an error -> called again after the interval and not before; the interval doubles") {
  World world;
  for (int i = 0; i < 2; ++i) world.participant.reply("01 action", {CallResult::unknown, "broken"});
  Answer<Done> answer;
  world.engine->submit(saga("g"), answer.slot());
  world.simulated.run();
  CHECK(world.participant.take_calls() == Calls{"g 01 action"});
  CHECK(world.query("g")->state.retry_interval_ms == 20'000);
  CHECK(world.query("g")->state.last_error == "broken");
  CHECK(world.engine->statistics().active == 0);
  CHECK(world.engine->statistics().parked == 1);
  world.simulated.advance_ms(19'999);
  CHECK(world.participant.take_calls().empty());
  world.simulated.advance_ms(2'001);  // a tenth of jitter
  CHECK(world.participant.take_calls() == Calls{"g 01 action"});
  world.simulated.advance_ms(44'000);
  CHECK(world.participant.take_calls() == Calls{"g 01 action", "g 02 action"});
  CHECK(world.status("g") == GlobalStatus::succeed);
}

TEST_CASE("engine/retry: a wall clock that steps neither freezes nor hurries retries and timeouts") {
  World world;
  Definition definition = saga("g");
  definition.options.timeout_to_fail_s = 3600;
  for (int i = 0; i < 2; ++i) world.participant.reply("01 action", {CallResult::ongoing, ""});
  Answer<Done> answer;
  world.engine->submit(definition, answer.slot());
  world.simulated.run();
  world.participant.take_calls();
  SUBCASE("back") { world.process.step_wall_clock_ms(-86'400'000); }
  SUBCASE("forward") { world.process.step_wall_clock_ms(86'400'000); }
  world.simulated.advance_ms(9'000);
  CHECK(world.participant.take_calls().empty());
  world.simulated.advance_ms(2'000);
  CHECK(world.participant.take_calls() == Calls{"g 01 action"});
  world.simulated.advance_ms(11'000);
  CHECK(world.status("g") == GlobalStatus::succeed);
}

TEST_CASE("engine/restart: what was in flight goes on at once, what was parked at its time, what is prepared waits") {
  World world;
  world.participant.reply("01 action", {CallResult::ongoing, ""});
  Answer<Done> answers[3];
  world.engine->submit(saga("parked"), answers[0].slot());
  world.simulated.run();
  world.participant.reply("01 action", {.hold = true});
  world.engine->submit(saga("flying"), answers[1].slot());
  world.engine->prepare(saga("prepared"), answers[2].slot());
  world.simulated.run();
  world.participant.take_calls();
  SUBCASE("after a crash") { world.crash(); }
  SUBCASE("after a clean stop") { world.close(); }
  world.open();
  CHECK(world.participant.take_calls() == Calls{"flying 01 action", "flying 02 action"});
  world.simulated.advance_ms(11'000);
  CHECK(world.participant.take_calls() == Calls{"parked 01 action", "parked 02 action"});
  CHECK(world.status("prepared") == GlobalStatus::prepared);
}

TEST_CASE("engine/restart: retry counts survive") {
  World world;
  Definition definition = saga("g", 1);
  definition.options.retry_limit = 3;
  world.participant.reply("01 action", {CallResult::unknown, "broken"});
  world.participant.reply("01 action", {CallResult::unknown, "broken"});
  world.participant.reply("01 action", {.hold = true});
  Answer<Done> answer;
  world.engine->submit(definition, answer.slot());
  world.simulated.run();
  CHECK(world.participant.take_calls().size() == 3);
  world.crash();
  for (int i = 0; i < 5; ++i) world.participant.reply("01 action", {CallResult::unknown, "broken"});
  world.open();
  world.simulated.advance_ms(1);
  CHECK(world.participant.take_calls() == Calls{"g 01 action", "g 01 action", "g 01 compensate"});
  CHECK(world.status("g") == GlobalStatus::failed);
}

TEST_CASE("engine/force_stop: no call starts after the answer, waiters get FAILURE, late answers are ignored") {
  World world;
  world.participant.reply("01 action", {.hold = true});
  Answer<Done> submitted, stopped, twice;
  world.engine->submit(waiting_saga("g"), submitted.slot());
  world.simulated.run();
  world.participant.take_calls();
  world.engine->force_stop("g", stopped.slot());
  world.simulated.run();
  CHECK(stopped.ok());
  CHECK(submitted.code() == Code::failure);
  world.participant.release(CallResult::success);
  world.simulated.advance_ms(100'000);
  CHECK(world.participant.take_calls().empty());
  CHECK(world.status("g") == GlobalStatus::failed);
  world.engine->force_stop("g", twice.slot());
  world.simulated.run();
  CHECK(twice.message() == "global transaction force stop error. status: failed. error: FAILURE");
}

TEST_CASE("engine/gate: no more calls to one target at once than allowed; a stopped one that waits is never sent") {
  EngineOptions options;
  options.calls_per_target_max = 2;
  World world(options);
  Answer<Done> answers[4], stopped;
  for (int i = 0; i < 4; ++i) {
    world.participant.reply("01 action", {.hold = true});
    world.engine->submit(saga("g" + std::to_string(i), 1), answers[i].slot());
  }
  world.simulated.run();
  CHECK(world.participant.take_calls() == Calls{"g0 01 action", "g1 01 action"});
  world.engine->force_stop("g2", stopped.slot());
  world.simulated.run();
  CHECK(stopped.ok());
  while (world.participant.release(CallResult::success)) world.simulated.run();
  CHECK(world.participant.take_calls() == Calls{"g3 01 action"});
  CHECK(world.status("g3") == GlobalStatus::succeed);
}

TEST_CASE("engine/make_due: a parked one is processed at once, one in work once more") {
  World world;
  world.participant.reply("01 action", {CallResult::ongoing, ""});
  Answer<Done> submitted, due, unknown;
  world.engine->submit(saga("g"), submitted.slot());
  world.simulated.run();
  world.participant.take_calls();
  world.engine->make_due("g", due.slot());
  world.engine->make_due("nobody", unknown.slot());
  world.simulated.run();
  CHECK(due.ok());
  CHECK(unknown.code() == Code::not_found);
  CHECK(world.participant.take_calls() == Calls{"g 01 action", "g 02 action"});

  world.participant.reply("01 action", {.hold = true});
  Answer<Done> second, again;
  world.engine->submit(saga("h"), second.slot());
  world.simulated.run();
  world.engine->make_due("h", again.slot());
  world.simulated.run();
  world.participant.release(CallResult::ongoing);
  world.simulated.run();
  CHECK(world.participant.take_calls() == Calls{"h 01 action", "h 01 action", "h 02 action"});
}

TEST_CASE("engine/make_all_due: those further away than asked, up to the limit") {
  World world;
  Answer<Done> answers[3];
  for (int i = 0; i < 3; ++i) {
    world.participant.reply("01 action", {CallResult::ongoing, ""});
    Definition definition = saga("g" + std::to_string(i));
    definition.options.retry_interval_s = 5'000;
    world.engine->submit(definition, answers[i].slot());
  }
  world.simulated.run();
  world.participant.take_calls();
  Answer<MadeDue> none, some, rest;
  world.engine->make_all_due(100'000'000, 100, none.slot());
  world.simulated.run();
  CHECK(none.result->value().count == 0);
  world.engine->make_all_due(4'000'000, 2, some.slot());
  world.simulated.run();
  CHECK(some.result->value().count == 2);
  CHECK(some.result->value().remaining);
  CHECK(world.participant.take_calls().size() == 4);
  world.engine->make_all_due(4'000'000, 2, rest.slot());
  world.simulated.run();
  CHECK(rest.result->value().count == 1);
  CHECK_FALSE(rest.result->value().remaining);
}

TEST_CASE("engine/make_all_due: exactly as many as the limit -> there may be others, and then there are none") {
  World world;
  world.participant.reply("01 action", {CallResult::ongoing, ""});
  Answer<Done> answer;
  world.engine->submit(saga("g"), answer.slot());
  world.simulated.run();
  Answer<MadeDue> all, none;
  world.engine->make_all_due(5'000, 1, all.slot());
  world.simulated.run();
  CHECK(all.result->value().count == 1);
  CHECK(all.result->value().remaining);
  world.engine->make_all_due(5'000, 1, none.slot());
  world.simulated.run();
  CHECK(none.result->value().count == 0);
  CHECK_FALSE(none.result->value().remaining);
}

TEST_CASE("engine/watch: tells each durable status up to the final one; wait tells the final one") {
  World world;
  Answer<Done> submitted;
  Answer<GlobalStatus> final, unknown;
  std::vector<GlobalStatus> seen;
  world.participant.reply("02 action", {.hold = true});
  world.engine->submit(saga("g"), submitted.slot());
  world.simulated.run();
  world.engine->watch("g", [&seen](Result<GlobalStatus> status) { seen.push_back(status.value()); });
  world.engine->wait("g", final.slot());
  world.engine->wait("nobody", unknown.slot());
  world.simulated.run();
  CHECK(unknown.code() == Code::not_found);
  CHECK(seen == std::vector{GlobalStatus::submitted});
  CHECK_FALSE(final.came());
  world.participant.release(CallResult::failure, "no");
  world.simulated.run();
  CHECK(seen == std::vector{GlobalStatus::submitted, GlobalStatus::aborting, GlobalStatus::failed});
  CHECK(final.result->value() == GlobalStatus::failed);
}

TEST_CASE("engine/bad input: a clear error that names the field, nothing stored") {
  World world;
  struct Row {
    const char* name;
    std::function<void(Definition&)> spoil;
    const char* message;
  };
  const Row rows[] = {
      {"no gid", [](Definition& d) { d.gid.clear(); }, "no gid specified"},
      {"scheme", [](Definition& d) { d.branches[3].url = "ftp://x/y"; },
       "steps[1].action: the scheme of this url is not known: ftp://x/y"},
      {"no scheme", [](Definition& d) { d.branches[0].url = "test"; },
       "steps[0].compensate: the scheme of this url is not known: test"},
      {"negative", [](Definition& d) { d.options.retry_limit = -1; }, "retry_limit: must not be negative"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Definition definition = saga("g");
    row.spoil(definition);
    Answer<Done> submitted, prepared;
    world.engine->submit(definition, submitted.slot());
    world.engine->prepare(definition, prepared.slot());
    world.simulated.run();
    CHECK(submitted.code() == Code::invalid);
    CHECK(submitted.message() == row.message);
    CHECK(prepared.message() == row.message);
  }
  CHECK_FALSE(world.query("g"));
  CHECK(world.store.applied.empty());
}

TEST_CASE("engine/overload: more than may be worked on at once -> refused before anything is done") {
  EngineOptions options;
  options.active_max = 1;
  World world(options);
  world.participant.reply("01 action", {.hold = true});
  Answer<Done> first, second;
  world.engine->submit(saga("a"), first.slot());
  world.simulated.run();
  world.engine->submit(saga("b"), second.slot());
  world.simulated.run();
  CHECK(second.code() == Code::overloaded);
  CHECK_FALSE(world.query("b"));
}

TEST_CASE("engine/stop: drains, parks with the exact started steps, tells waiters to ask again, then refuses") {
  World world;
  world.participant.reply("01 action", {.hold = true});
  Answer<Done> waiting, late;
  world.engine->submit(waiting_saga("g", 3), waiting.slot());
  world.simulated.run();
  bool stopped = false;
  world.engine->stop(5'000, [&stopped] { stopped = true; });
  world.simulated.run();
  CHECK_FALSE(stopped);
  world.engine->submit(saga("late"), late.slot());
  world.simulated.run();
  CHECK(late.code() == Code::unavailable);
  SUBCASE("the call ends in time") {
    world.participant.release(CallResult::success);
    world.simulated.run();
    CHECK(stopped);
  }
  SUBCASE("the call does not end") {
    world.simulated.advance_ms(5'000);
    CHECK(stopped);
  }
  CHECK(waiting.code() == Code::unavailable);
  CHECK(world.participant.take_calls() == Calls{"g 01 action"});
  const auto stored = world.memory->load("g");
  REQUIRE(stored.value());
  CHECK(stored.value()->state.exact);
  CHECK(stored.value()->branches[1].started);
  CHECK_FALSE(stored.value()->branches[3].started);
}

TEST_CASE("engine/clock_advanced: completes when all that became due has settled") {
  World world;
  world.participant.reply("01 action", {CallResult::ongoing, ""});
  Answer<Done> answer;
  world.engine->submit(saga("g"), answer.slot());
  world.simulated.run();
  world.participant.reply("01 action", {.hold = true});
  world.simulated.jump_ms(60'000);
  bool settled = false;
  world.engine->clock_advanced([&settled] { settled = true; });
  world.simulated.run();
  CHECK_FALSE(settled);
  world.participant.release(CallResult::success);
  world.simulated.run();
  CHECK(settled);
  CHECK(world.status("g") == GlobalStatus::succeed);
}

TEST_CASE("engine/purge: finished transactions go after their time, their gid stays refused, unfinished ones stay") {
  EngineOptions options;
  options.finished_expire_ms = 1'000'000;
  World world(options);
  Answer<Done> answers[2], again;
  world.engine->submit(saga("done"), answers[0].slot());
  world.engine->prepare(saga("open"), answers[1].slot());
  world.simulated.run();
  world.simulated.advance_ms(1'200'000);
  CHECK_FALSE(world.query("done"));
  CHECK(world.query("open"));
  world.engine->submit(saga("done"), again.slot());
  world.simulated.run();
  CHECK(again.message() == "current status 'succeed', cannot sumbmit. FAILURE");
}

TEST_CASE("engine/new_gid: different each time, url-safe, 22 characters") {
  World world;
  const std::string gid = world.engine->new_gid();
  CHECK(gid.size() == 22);
  CHECK(gid.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == std::string::npos);
  CHECK(world.engine->new_gid() != gid);
}

TEST_CASE("engine/store reads fail: an error to the client, and the transaction is taken up later") {
  World world;
  world.participant.reply("01 action", {CallResult::ongoing, ""});
  Answer<Done> answer;
  world.engine->submit(saga("g"), answer.slot());
  world.simulated.run();
  world.store.fail_reads = true;
  Answer<std::optional<StoredTransaction>> unreadable;
  world.engine->query("g", unreadable.slot());
  world.simulated.advance_ms(12'000);
  CHECK(unreadable.code() == Code::internal);
  world.store.fail_reads = false;
  world.simulated.advance_ms(12'000);
  CHECK(world.status("g") == GlobalStatus::succeed);
}
