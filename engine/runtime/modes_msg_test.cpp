// Two-phase messages in the simulated world.
#include <string>
#include <utility>
#include <vector>

#include "settle/waiting.hpp"
#include "tests/support/engine_client.hpp"

using namespace settle;
using namespace settle::testing;
using World = EngineWorld;

TEST_CASE("modes/msg: submitted -> its actions in order, each until it succeeds") {
  World world;
  Client client{world};
  world.participant.reply("01 action", {CallResult::failure, "no"});
  CHECK(client.submit(message("g", 3)));
  CHECK(world.participant.take_calls() == Calls{"g 01 action"});
  CHECK(world.status("g") == GlobalStatus::submitted);
  world.simulated.advance_ms(25'000);
  CHECK(world.participant.take_calls() == Calls{"g 01 action", "g 02 action", "g 03 action"});
  CHECK(world.status("g") == GlobalStatus::succeed);
}

TEST_CASE("modes/msg: concurrent -> all actions at once; one that errs keeps none of the others") {
  World world;
  Client client{world};
  Definition definition = message("g", 3);
  definition.concurrent = definition.options.concurrent = true;
  for (const char* call : {"01 action", "02 action", "03 action"}) world.participant.reply(call, {.hold = true});
  CHECK(client.submit(definition));
  CHECK(world.participant.take_calls().size() == 3);
  world.participant.release(CallResult::unknown, "broken");
  world.participant.release(CallResult::success);
  world.participant.release(CallResult::success);
  world.simulated.run();
  CHECK(world.query("g")->state.retry_interval_ms == 10'000);  // the successes came behind the error
  world.simulated.advance_ms(11'000);
  CHECK(world.participant.take_calls() == Calls{"g 01 action"});
  CHECK(world.status("g") == GlobalStatus::succeed);
}

TEST_CASE("modes/msg: prepared too long -> query_prepared decides, and is asked again as long as it does not") {
  World world;
  Client client{world};
  world.participant.reply("00 msg", {CallResult::unknown, "broken"});
  world.participant.reply("00 msg", {CallResult::ongoing, ""});
  CHECK(client.prepare(message("g")));
  world.simulated.advance_ms(34'999);
  CHECK(world.participant.take_calls().empty());
  world.simulated.advance_ms(1);
  CHECK(world.participant.take_calls() == Calls{"g 00 msg"});
  const auto waiting = waiting_for(*world.query("g"));
  REQUIRE(waiting);
  CHECK(waiting->row == kQueryRow);
  CHECK(waiting->last_error == "broken");
  CHECK(waiting->attempts == 1);
  world.simulated.advance_ms(22'000);  // 20 s and the jitter
  CHECK(world.participant.take_calls() == Calls{"g 00 msg"});
  CHECK(world.query("g")->state.retry_interval_ms == 20'000);
  SUBCASE("success: the message goes out") {
    world.simulated.advance_ms(22'000);
    CHECK(world.participant.take_calls() == Calls{"g 00 msg", "g 01 action", "g 02 action"});
    CHECK(world.status("g") == GlobalStatus::succeed);
  }
  SUBCASE("failure: it is dropped") {
    world.participant.reply("00 msg", {CallResult::failure, "rolled back"});
    world.simulated.advance_ms(22'000);
    CHECK(world.participant.take_calls() == Calls{"g 00 msg"});
    CHECK(world.status("g") == GlobalStatus::failed);
  }
}

TEST_CASE("modes/msg: an answer of query_prepared that comes after the client decided -> absorbed") {
  World world;
  Client client{world};
  world.participant.reply("00 msg", {.hold = true});
  CHECK(client.prepare(message("g")));
  world.simulated.advance_ms(35'000);
  CHECK(world.participant.take_calls() == Calls{"g 00 msg"});
  SUBCASE("aborted") {
    CHECK(client.abort("g", TransType::msg));
    world.participant.release(CallResult::success);
    world.simulated.advance_ms(100'000);
    CHECK(world.participant.take_calls().empty());
    CHECK(world.status("g") == GlobalStatus::failed);
  }
  SUBCASE("submitted") {
    world.participant.reply("01 action", {CallResult::ongoing, ""});
    CHECK(client.submit(message("g")));
    CHECK(world.participant.take_calls() == Calls{"g 01 action"});
    world.participant.release(CallResult::failure, "rolled back");
    world.simulated.advance_ms(15'000);
    CHECK(world.participant.take_calls() == Calls{"g 01 action", "g 02 action"});
    CHECK(world.status("g") == GlobalStatus::succeed);
  }
  SUBCASE("stopped") {
    Answer<Done> stopped;
    world.engine->force_stop("g", stopped.slot());
    world.simulated.run();
    CHECK(stopped.ok());
    world.participant.release(CallResult::success);
    world.simulated.run();
    CHECK(world.status("g") == GlobalStatus::failed);
  }
}

TEST_CASE("modes/msg: no query_prepared -> counts as committed when the time is up") {
  World world;
  Client client{world};
  Definition definition = message("g", 1);
  definition.query_prepared.clear();
  CHECK(client.prepare(definition));
  world.simulated.advance_ms(35'000);
  CHECK(world.participant.take_calls() == Calls{"g 01 action"});
}

TEST_CASE("modes/msg: a restart while prepared -> asked when the time is up, or at once where it was") {
  World world;
  Client client{world};
  CHECK(client.prepare(message("g", 1)));
  world.simulated.advance_ms(10'000);
  world.crash();
  world.open();
  SUBCASE("the time is not up yet") {
    world.simulated.advance_ms(24'999);
    CHECK(world.participant.take_calls().empty());
    world.simulated.advance_ms(1);
  }
  SUBCASE("it passed while the process was down") {
    world.crash();
    world.simulated.jump_ms(60'000);
    world.open();
    world.simulated.advance_ms(0);
  }
  CHECK(world.participant.take_calls() == Calls{"g 00 msg", "g 01 action"});
}

TEST_CASE("modes/msg: delay -> no action before it is over, whoever asks, and across restarts") {
  World world;
  Client client{world};
  CHECK(client.prepare(message("g", 1)));
  Definition delayed = message("g", 1);
  delayed.custom_data = R"({"delay":20})";
  delayed.delay_s = 20;
  world.simulated.advance_ms(5'000);
  CHECK(client.submit(delayed));
  const auto waiting = waiting_for(*world.query("g"));
  REQUIRE(waiting);
  CHECK(waiting->what == "the end of its delay");
  CHECK(waiting->next_try_ms == 1'700'000'021'000);
  CHECK(client.submit(delayed));
  world.simulated.advance_ms(5'000);
  world.crash();
  world.open();
  world.simulated.advance_ms(9'999);
  CHECK(world.participant.take_calls().empty());
  world.simulated.advance_ms(1);
  CHECK(world.participant.take_calls() == Calls{"g 01 action"});
  CHECK(world.status("g") == GlobalStatus::succeed);
}

TEST_CASE("modes/msg: wait_result -> 409 where it is ongoing, the service's words behind DTM's where it erred") {
  World world;
  Client client{world};
  Definition waiting = message("done", 1);
  waiting.options.wait_result = true;
  CHECK(client.submit(waiting));
  const std::string advice =
      "your http/grpc result should be specified as in:\nhttp://d.dtm.pub/practice/arch.html#proto\n"
      "unkown result will be retried: ";
  const std::pair<CallResult, Error> expectations[] = {
      {CallResult::ongoing, {Code::failure, "wait result not return success: FAILURE"}},
      {CallResult::unknown, {Code::internal, advice + "words"}},
      {CallResult::failure, {Code::failure, advice + "words FAILURE"}}};
  for (const auto& [result, expected] : expectations) {
    waiting.gid = "g" + std::to_string(static_cast<int>(result));
    world.participant.reply("01 action", {result, "words"});
    const auto answer = client.submit(waiting);
    REQUIRE_FALSE(answer);
    CHECK(answer.error() == expected);
  }
}
