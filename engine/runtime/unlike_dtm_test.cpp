// Faults of a DTM server that are not copied (protocol.md §13), one test each, as far as the engine is concerned. What
// concerns urls, JSON-RPC codes and malformed requests is tested in transports/.
#include <algorithm>
#include <string>
#include <utility>

#include "tests/support/engine_client.hpp"

using namespace settle;
using namespace settle::testing;
using World = EngineWorld;

namespace {

void prepare_branches(World& world, TransType type, const std::string& gid) {
  REQUIRE(prepare(world, of_type(type, gid)));
  for (const char* branch_id : {"01", "02"}) {
    REQUIRE(ask(world, [&](auto done) {
      world.engine->register_branch(gid, type, {branch_id, "{}", "test://s/go", "test://s/undo", ""},
                                    BranchStatus::prepared, std::move(done));
    }));
  }
}

}  // namespace

TEST_CASE(
    "unlike DTM: a submitted saga is submitted again -> goes on from what is stored, nothing done is called again") {
  World world;
  world.participant.reply("02 action", {CallResult::ongoing, ""});
  REQUIRE(submit(world, saga("g", 3)));
  CHECK(world.participant.take_calls() == Calls{"g 01 action", "g 02 action"});
  Definition other = saga("g", 1);
  other.payloads[0] = "something else";
  REQUIRE(submit(world, other));
  CHECK(world.participant.take_calls() == Calls{"g 02 action", "g 03 action"});
  CHECK(world.query("g")->branches.size() == 6);
}

TEST_CASE("unlike DTM: a submitted tcc or xa is submitted again -> it succeeds only when every branch did") {
  World world;
  for (const TransType type : {TransType::tcc, TransType::xa}) {
    const std::string gid(to_string(type));
    const std::string operation = type == TransType::tcc ? "confirm" : "commit";
    const std::string first = type == TransType::tcc ? "02 " : "01 ";
    for (int i = 0; i < 2; ++i) world.participant.reply(first + operation, {CallResult::unknown, "broken"});
    prepare_branches(world, type, gid);
    REQUIRE(submit(world, of_type(type, gid)));
    REQUIRE(submit(world, of_type(type, gid)));
    CHECK(world.status(gid) == GlobalStatus::submitted);
    REQUIRE(submit(world, of_type(type, gid)));
    CHECK(world.status(gid) == GlobalStatus::succeed);
  }
}

TEST_CASE("unlike DTM: a prepared tcc is submitted as an xa -> an error, and it stays prepared") {
  World world;
  prepare_branches(world, TransType::tcc, "g");
  CHECK(submit(world, of_type(TransType::xa, "g")).error().code == Code::conflict);
  CHECK(world.status("g") == GlobalStatus::prepared);
}

TEST_CASE("unlike DTM: a pass that takes long is not taken a second time -> never two calls of one branch at once") {
  World world;
  Definition definition = saga("g", 1);
  definition.options.request_timeout_s = 3'600;
  world.participant.reply("01 action", {.hold = true});
  REQUIRE(submit(world, definition));
  for (int minute = 0; minute < 30; ++minute) {
    world.simulated.advance_ms(60'000);
    REQUIRE(ask(world, [&](auto done) { world.engine->make_due("g", std::move(done)); }));
    REQUIRE(submit(world, definition));
  }
  CHECK(world.participant.take_calls() == Calls{"g 01 action"});
  world.participant.release(CallResult::success);
  world.simulated.run();
  CHECK(world.status("g") == GlobalStatus::succeed);
}

TEST_CASE("unlike DTM: one gid is the beginning of another -> they do not know each other") {
  World world;
  for (const char* gid : {"order1", "order1-2", "order1-0"}) {
    world.participant.reply("01 action", {CallResult::ongoing, ""});
    REQUIRE(submit(world, saga(gid, 2)));
  }
  world.crash();
  world.open();
  world.simulated.advance_ms(20'000);
  for (const char* gid : {"order1", "order1-2", "order1-0"}) {
    CHECK(world.status(gid) == GlobalStatus::succeed);
    CHECK(world.query(gid)->branches.size() == 4);
  }
}

TEST_CASE("unlike DTM: a saga of 5,000 steps -> all of them, in order") {
  World world;
  REQUIRE(submit(world, saga("g", 5'000)));
  CHECK(world.status("g") == GlobalStatus::succeed);
  const Calls calls = world.participant.take_calls();
  REQUIRE(calls.size() == 5'000);
  CHECK(calls[99] == "g 100 action");
}

TEST_CASE("unlike DTM: a retry interval below ten seconds is taken as it is") {
  World world;
  Definition definition = saga("g", 1);
  definition.options.retry_interval_s = 1;
  world.participant.reply("01 action", {CallResult::ongoing, ""});
  REQUIRE(submit(world, definition));
  world.simulated.advance_ms(1'100);
  CHECK(world.status("g") == GlobalStatus::succeed);
}

TEST_CASE("unlike DTM: a restart while a call was in flight, then an abort -> that step is compensated") {
  World world;
  Definition definition = saga("g", 2);
  definition.options.timeout_to_fail_s = 30;
  world.participant.reply("02 action", {.hold = true});
  REQUIRE(submit(world, definition));
  CHECK(world.participant.take_calls() == Calls{"g 01 action", "g 02 action"});
  world.crash();
  for (int i = 0; i < 20; ++i) world.participant.reply("02 action", {CallResult::unknown, "gone"});
  world.open();
  world.simulated.advance_ms(31'000);
  const Calls calls = world.participant.take_calls();
  CHECK(std::count(calls.begin(), calls.end(), "g 02 compensate") == 1);
  CHECK(std::count(calls.begin(), calls.end(), "g 01 compensate") == 1);
  CHECK(world.status("g") == GlobalStatus::failed);
}

TEST_CASE("unlike DTM: a submit does not overwrite what was prepared -> the steps stay, the options are merged") {
  World world;
  Definition prepared = saga("g", 2);
  prepared.options.retry_interval_s = 7;
  REQUIRE(prepare(world, prepared));
  Definition bare;
  bare.gid = "g";
  bare.options.request_timeout_s = 9;
  REQUIRE(submit(world, bare));
  CHECK(world.participant.take_calls() == Calls{"g 01 action", "g 02 action"});
  CHECK(world.query("g")->definition->options.retry_interval_s == 7);
  CHECK(world.query("g")->definition->options.request_timeout_s == 9);
}

TEST_CASE("unlike DTM: a topic is deleted and made again -> messages go to whom it has now") {
  World world;
  const auto subscribe = [&](const char* url) {
    REQUIRE(ask(world, [&](auto done) { world.engine->subscribe("t", url, "", std::move(done)); }));
  };
  subscribe("test://s/old");
  REQUIRE(ask(world, [&](auto done) { world.engine->delete_topic("t", std::move(done)); }));
  subscribe("test://s/new");
  Definition definition = of_type(TransType::msg, "g");
  append_message_actions(definition, {{"topic://t", "{}"}});
  REQUIRE(submit(world, definition));
  CHECK(world.query("g")->branch(0).url == "test://s/new");
}

TEST_CASE("unlike DTM: retry_limit counts each branch alone, and goes on counting after a restart") {
  World world;
  Definition definition = saga("g", 2);
  definition.options.retry_limit = 3;
  for (int i = 0; i < 3; ++i) world.participant.reply("01 action", {CallResult::unknown, "broken"});
  for (int i = 0; i < 2; ++i) world.participant.reply("02 action", {CallResult::unknown, "broken"});
  world.participant.reply("02 action", {.hold = true});
  REQUIRE(submit(world, definition));
  world.crash();
  for (int i = 0; i < 2; ++i) world.participant.reply("02 action", {CallResult::unknown, "broken"});
  world.participant.take_calls();
  world.open();
  world.simulated.advance_ms(0);
  CHECK(world.participant.take_calls() == Calls{"g 02 action", "g 02 action", "g 02 compensate", "g 01 compensate"});
  CHECK(world.query("g")->state.rollback_reason == "RetryCount is greater than RetryLimit, RetryLimit: 3");
}

TEST_CASE("unlike DTM: long texts -> stored whole, or shortened with a mark, never in the way of a status") {
  World world;
  Definition definition = saga("g", 1);
  definition.custom_data = "\"" + std::string(100'000, 'c') + "\"";
  definition.options.branch_headers["X-Long"] = std::string(5'000, 'h');
  world.participant.reply("01 action", {CallResult::failure, std::string(5'000, 'r')});
  REQUIRE(submit(world, definition));
  const auto stored = world.query("g");
  CHECK(stored->state.status == GlobalStatus::failed);
  CHECK(stored->definition->custom_data == definition.custom_data);
  CHECK(stored->definition->options.branch_headers == definition.options.branch_headers);
  CHECK(stored->state.rollback_reason.size() <= kReasonBytesMax);
  CHECK(stored->state.rollback_reason.ends_with("...(shortened) FAILURE"));
}

TEST_CASE("unlike DTM: any text is a gid") {
  World world;
  for (const char* gid : {"it's \"quoted\"", "a b;c", "grüße/%41", "' or 1=1 --"}) {
    REQUIRE(submit(world, saga(gid, 1)));
    CHECK(world.status(gid) == GlobalStatus::succeed);
  }
}

TEST_CASE("unlike DTM: resetNextCronTime works on every store -> the transaction is tried now") {
  World world;
  world.participant.reply("01 action", {CallResult::unknown, "broken"});
  REQUIRE(submit(world, saga("g", 1)));
  REQUIRE(ask(world, [&](auto done) { world.engine->make_due("g", std::move(done)); }));
  CHECK(world.status("g") == GlobalStatus::succeed);
}

TEST_CASE("unlike DTM: what is stuck at a crash -> all of it is taken up again") {
  constexpr int kMany = 500;
  World world;
  for (int i = 0; i < kMany; ++i) {
    world.participant.reply("01 action", {CallResult::unknown, "down"});
    REQUIRE(submit(world, saga("g-" + std::to_string(i), 1)));
  }
  world.crash();
  world.open();
  world.simulated.advance_ms(25'000);
  CHECK(world.engine->statistics().succeeded == kMany);
}

TEST_CASE("unlike DTM: finished ones are purged while the server runs, whatever their gid, and unfinished ones never") {
  EngineOptions options;
  options.finished_expire_ms = 60'000;
  options.purge_interval_ms = 10'000;
  World world(options);
  REQUIRE(submit(world, saga("with-a-dash", 1)));
  REQUIRE(prepare(world, saga("not-finished", 1)));
  world.simulated.advance_ms(100'000);
  CHECK_FALSE(world.query("with-a-dash"));
  CHECK(world.query("not-finished"));
  CHECK(submit(world, saga("with-a-dash", 1)).error().code == Code::failure);
}

TEST_CASE("unlike DTM: a workflow that goes on erring is called back with backoff") {
  World world;
  Definition definition = workflow("g");
  Answer<StoredTransaction> prepared;
  world.engine->prepare_workflow(definition, prepared.slot());
  world.simulated.run();
  REQUIRE(prepared.ok());
  for (int i = 0; i < 10; ++i) world.participant.reply("00 checkout", {CallResult::unknown, "broken"});
  world.simulated.advance_ms(100'000);
  CHECK(world.participant.take_calls().size() == 3);  // after 10, 30 and 70 seconds
}
