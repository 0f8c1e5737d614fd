// Whatever the mode in the simulated world.
#include <string>
#include <utility>
#include <vector>

#include "tests/support/engine_client.hpp"

using namespace settle;
using namespace settle::testing;
using World = EngineWorld;

TEST_CASE("modes/alert: the third error in a row and each further one is told, none after a success") {
  World world;
  Client client{world};
  for (int i = 0; i < 4; ++i) world.participant.reply("01 action", {CallResult::unknown, "broken"});
  for (int i = 0; i < 2; ++i) world.participant.reply("02 action", {CallResult::unknown, "broken"});
  CHECK(client.submit(message("g")));
  world.simulated.advance_ms(22'000);
  CHECK(world.alerts.empty());
  world.simulated.advance_ms(200'000);
  REQUIRE(world.alerts.size() == 2);
  CHECK(world.alerts[0].gid == "g");
  CHECK(world.alerts[0].status == GlobalStatus::submitted);
  CHECK(world.alerts[0].url == "test://s/action");
  CHECK(world.alerts[0].error == "broken");
  CHECK(world.alerts[0].retry_count == 3);
  CHECK(world.alerts[1].retry_count == 4);
  world.simulated.advance_ms(500'000);
  CHECK(world.alerts.size() == 2);
  CHECK(world.status("g") == GlobalStatus::succeed);
}

TEST_CASE("modes/saga: prepared long ago, submitted now -> its timeout counts from the submit, across a restart too") {
  World world;
  Client client{world};
  Definition definition = saga("g", 1);
  definition.options.timeout_to_fail_s = 30;
  CHECK(client.prepare(definition));
  world.simulated.advance_ms(100'000);
  for (int i = 0; i < 9; ++i) world.participant.reply("01 action", {CallResult::ongoing, ""});
  CHECK(client.submit(definition));
  CHECK(world.status("g") == GlobalStatus::submitted);
  world.simulated.advance_ms(20'000);
  world.crash();
  world.open();
  world.simulated.advance_ms(9'999);
  CHECK(world.status("g") == GlobalStatus::submitted);
  world.simulated.advance_ms(1);
  CHECK(world.status("g") == GlobalStatus::failed);
}

TEST_CASE("modes/make_all_due: prepared ones go by what is shown, are counted once at most, and are not hurried") {
  World world;
  const auto made_due = [&] {
    Answer<MadeDue> answer;
    world.engine->make_all_due(105'000, 100, answer.slot());
    world.simulated.run();
    REQUIRE(answer.ok());
    CHECK_FALSE(answer.result->value().remaining);
    return answer.result->value().count;
  };
  prepare_tcc(world, "deadline", {.timeout_to_fail_s = 500});
  prepare_tcc(world, "g", {.timeout_to_fail_s = 500, .retry_interval_s = 300});
  SUBCASE("in memory") {}
  SUBCASE("after a restart") {
    world.crash();
    world.open();
  }
  CHECK(made_due() == 1);
  for (int i = 0; i < 5; ++i) CHECK(made_due() == 0);
  world.simulated.advance_ms(100'000);
  CHECK(world.status("g") == GlobalStatus::prepared);
  world.simulated.advance_ms(400'000);
  CHECK(world.status("g") == GlobalStatus::failed);
}

TEST_CASE("modes/merge: what a submit leaves out stays as prepared, what it says is taken") {
  World world;
  Client client{world};
  Definition prepared = saga("g", 1);
  prepared.protocol = Protocol::grpc;
  prepared.options.retry_interval_s = 7;
  CHECK(client.prepare(prepared));
  Definition submitted = saga("g", 1);
  submitted.options.request_timeout_s = 9;
  CHECK(client.submit(submitted));
  const auto stored = world.query("g");
  CHECK(stored->definition->protocol == Protocol::grpc);
  CHECK(stored->definition->options.retry_interval_s == 7);
  CHECK(stored->definition->options.request_timeout_s == 9);
}
