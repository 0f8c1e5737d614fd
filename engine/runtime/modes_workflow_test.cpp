// Workflows in the simulated world.
#include <string>
#include <utility>
#include <vector>

#include "settle/waiting.hpp"
#include "tests/support/engine_client.hpp"

using namespace settle;
using namespace settle::testing;
using World = EngineWorld;

TEST_CASE("modes/workflow: prepared twice -> found with the results registered so far; its client ends it") {
  World world;
  Client client{world};
  const auto fresh = client.prepare_workflow(workflow("g"));
  REQUIRE(fresh);
  CHECK(fresh.value().registrations.empty());
  CHECK(client.enlist("g", TransType::workflow, {"01", "paid", "", "", "action"}, BranchStatus::succeed));
  CHECK(client.enlist("g", TransType::workflow, {"01", "", "", "", "rollback"}, BranchStatus::failed));
  CHECK(client.finish("g", GlobalStatus::failed, "out of stock", "cmVz"));
  const auto found = client.prepare_workflow(workflow("g"));
  REQUIRE(found);
  CHECK(found.value().state.status == GlobalStatus::failed);
  CHECK(found.value().state.rollback_reason == "out of stock");
  CHECK(found.value().state.result == "cmVz");
  REQUIRE(found.value().branches.size() == 2);
  CHECK(found.value().branch(1).operation == "rollback");
  CHECK(found.value().branches[0].status == BranchStatus::succeed);
  CHECK(found.value().branches[1].status == BranchStatus::failed);
  CHECK(world.participant.take_calls().empty());
}

TEST_CASE("modes/workflow: not finished in time -> called back by its name, with backoff; a result starts it anew") {
  World world;
  Client client{world};
  REQUIRE(client.prepare_workflow(workflow("g")));
  for (int i = 0; i < 2; ++i) world.participant.reply("00 checkout", {CallResult::unknown, "broken"});
  world.simulated.advance_ms(10'000);
  CHECK(world.participant.take_calls() == Calls{"g 00 checkout"});
  world.simulated.advance_ms(19'999);
  CHECK(world.participant.take_calls().empty());
  world.simulated.advance_ms(2'001);
  CHECK(world.participant.take_calls() == Calls{"g 00 checkout"});
  CHECK(world.query("g")->state.retry_interval_ms == 40'000);
  world.simulated.advance_ms(30'000);
  CHECK(client.enlist("g", TransType::workflow, {"01", "paid", "", "", "action"}, BranchStatus::succeed));
  CHECK(world.query("g")->state.retry_interval_ms == 10'000);
  world.simulated.advance_ms(9'999);
  CHECK(world.participant.take_calls().empty());
  world.simulated.advance_ms(1'001);
  CHECK(world.participant.take_calls() == Calls{"g 00 checkout"});
}

TEST_CASE(
    "modes/workflow: results and the end come while it is called back -> no second call, the answer changes nothing") {
  World world;
  Client client{world};
  REQUIRE(client.prepare_workflow(workflow("g")));
  world.participant.reply("00 checkout", {.hold = true});
  world.simulated.advance_ms(10'000);
  CHECK(client.enlist("g", TransType::workflow, {"01", "paid", "", "", "action"}, BranchStatus::succeed));
  world.simulated.advance_ms(30'000);
  CHECK(world.participant.take_calls() == Calls{"g 00 checkout"});
  CHECK(client.finish("g", GlobalStatus::succeed));
  world.participant.release(CallResult::failure, "late");
  world.simulated.advance_ms(100'000);
  CHECK(world.participant.take_calls().empty());
  CHECK(world.status("g") == GlobalStatus::succeed);
}

TEST_CASE(
    "modes/workflow: without custom_data -> stored and finished like any; to call it back is an error, again and "
    "again") {
  World world;
  Client client{world};
  Definition nameless = workflow("g");
  nameless.callback_name.clear();
  nameless.callback_payload.clear();
  REQUIRE(client.prepare_workflow(nameless));
  world.simulated.advance_ms(35'000);
  CHECK(world.participant.take_calls().empty());
  const auto waiting = waiting_for(*world.query("g"));
  REQUIRE(waiting);
  CHECK(waiting->last_error == "custom_data: is missing, a workflow is called back by the name in it");
  CHECK(waiting->attempts == 2);
  CHECK(client.enlist("g", TransType::workflow, {"01", "paid", "", "", "action"}, BranchStatus::succeed));
  CHECK(client.finish("g", GlobalStatus::succeed));
  CHECK(world.status("g") == GlobalStatus::succeed);
}

TEST_CASE("modes/workflow: prepared as others are -> the same as by prepareWorkflow") {
  World world;
  Client client{world};
  CHECK(client.prepare(workflow("g")));
  CHECK(client.prepare(workflow("g")));
  REQUIRE(client.prepare_workflow(workflow("g")));
  world.simulated.advance_ms(10'000);
  CHECK(world.participant.take_calls() == Calls{"g 00 checkout"});
  CHECK(client.finish("g", GlobalStatus::succeed));
  CHECK(message_of(client.prepare(workflow("g"))) == "current status 'succeed', cannot prepare. FAILURE");
}

TEST_CASE("modes/workflow: what does not fit -> refused, nothing changes") {
  World world;
  Client client{world};
  CHECK(client.finish("g", GlobalStatus::succeed).error().code == Code::not_found);
  CHECK(message_of(client.submit(workflow("g"))).starts_with("trans_type: a workflow is submitted with its result"));
  REQUIRE(client.prepare_workflow(workflow("g")));
  CHECK(client.finish("g", GlobalStatus::aborting).error().code == Code::conflict);
  CHECK(client.finish("g", GlobalStatus::succeed, "", std::string((1 << 20) + 1, 'x')).error().code == Code::invalid);
  CHECK(message_of(client.abort("g", TransType::workflow)) ==
        "trans type: 'workflow' current status 'prepared', cannot abort. FAILURE");
  CHECK(client.finish("g", GlobalStatus::succeed));
  CHECK(client.finish("g", GlobalStatus::failed).error().code == Code::conflict);
  prepare_tcc(world, "t");
  CHECK(client.prepare_workflow(workflow("t")).error().code == Code::conflict);
}

TEST_CASE("modes/workflow: a restart -> called back at its time") {
  World world;
  Client client{world};
  REQUIRE(client.prepare_workflow(workflow("g")));
  CHECK(client.enlist("g", TransType::workflow, {"01", "paid", "", "", "action"}, BranchStatus::succeed));
  world.simulated.advance_ms(4'000);
  world.crash();
  world.open();
  world.simulated.advance_ms(5'999);
  CHECK(world.participant.take_calls().empty());
  world.simulated.advance_ms(1);
  CHECK(world.participant.take_calls() == Calls{"g 00 checkout"});
  CHECK(world.query("g")->branches.at(0).status == BranchStatus::succeed);
}
