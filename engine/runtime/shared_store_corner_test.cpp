// Corners of several engines on one store.
#include <string>

#include "tests/support/servers_world.hpp"

using namespace settle;
using namespace settle::testing;

TEST_CASE("shared: a call that waits for a lease is taken back -> the next one at the gate does not disturb it") {
  EngineOptions options;
  options.calls_per_target_max = 1;
  Servers servers(options);
  Definition definition;
  definition.gid = "g";
  definition.concurrent = true;
  definition.options.request_timeout_s = 300;
  append_saga_steps(definition, {{"test://s/x/1", "", "{}"}, {"test://s/x/2", "", "{}"}, {"test://s/x/3", "", "{}"}});
  for (const char* const call : {"01 action", "02 action", "03 action"}) {
    servers.participants[0].reply(call, {CallResult::unknown, "down"});
  }
  Answer<Done> answer;
  servers.submit(0, definition, answer);
  CHECK(servers.participants[0].take_calls().size() == 3);
  servers.stores[0]->fail_writes = servers.stores[1]->fail_writes = true;
  servers.simulated.advance_ms(24'000);
  servers.simulated.advance_ms(60'000);
  CHECK(servers.status("g") == GlobalStatus::succeed);
}

TEST_CASE("shared: asked of what another server took, its call still out, and the server stops -> answered") {
  Servers servers;
  Answer<Done> submitted, stopped, asked;
  servers.participants[0].reply("01 action", {CallResult::success, "", true});
  servers.submit(0, saga("g"), submitted);
  servers.engines[1]->force_stop("g", stopped.slot());
  servers.simulated.run();
  CHECK(stopped.ok());
  servers.engines[0]->force_stop("g", asked.slot());
  servers.simulated.run();
  servers.close(0);
  CHECK(asked.came());
  servers.participants[0].drop_held();
}

TEST_CASE("shared: a step is registered elsewhere while the callback runs -> prepareWorkflow shows it") {
  Servers servers;
  Definition workflow;
  workflow.gid = "w";
  workflow.type = TransType::workflow;
  workflow.query_prepared = "test://s/callback";
  workflow.callback_name = "back";
  Answer<StoredTransaction> prepared, again;
  servers.engines[0]->prepare_workflow(workflow, prepared.slot());
  servers.simulated.run();
  CHECK(prepared.ok());
  for (auto& participant : servers.participants) participant.reply("00 back", {CallResult::success, "", true});
  servers.simulated.advance_ms(13'000);
  const std::size_t holder = servers.participants[0].take_calls().empty() ? 1 : 0;
  CHECK_FALSE(servers.stored("w").owner.empty());
  Answer<Done> registered;
  servers.engines[1 - holder]->register_branch("w", TransType::workflow, {"01", "{}", "", "", "action"},
                                               BranchStatus::succeed, registered.slot());
  servers.simulated.run();
  CHECK(registered.ok());
  CHECK(servers.stored("w").registrations.size() == 1);
  servers.engines[holder]->prepare_workflow(workflow, again.slot());
  servers.simulated.run();
  REQUIRE(again.ok());
  CHECK(again.result->value().registrations.size() == 1);
  servers.participants[holder].release(CallResult::success);
  servers.simulated.run();
}

TEST_CASE("shared: the server that works on it stops -> who waits elsewhere is not told that it failed") {
  Servers servers;
  Answer<Done> first, second;
  servers.participants[0].reply("01 action", {CallResult::success, "", true});
  servers.submit(0, waiting_saga("g"), first);
  servers.submit(1, waiting_saga("g"), second);
  servers.simulated.advance_ms(1'000);
  CHECK_FALSE(second.came());
  servers.close(0);
  servers.simulated.advance_ms(servers.options.lease_ms + 5'000);
  CHECK(first.code() == Code::unavailable);
  REQUIRE(second.came());
  CHECK((second.ok() || second.code() == Code::unavailable));
  CAPTURE(second.message());
  CHECK(servers.status("g") == GlobalStatus::succeed);
}

TEST_CASE("shared: a submitted tcc is stopped by force while who submitted it waits elsewhere -> not a success") {
  Servers servers;
  Answer<Done> registered, first, second, stopped;
  servers.prepare_tcc("g");
  servers.register_at(0, "g", "01", registered);
  servers.simulated.run();
  servers.participants[0].reply("01 confirm", {CallResult::success, "", true});
  Definition definition = tcc("g");
  definition.options.wait_result = true;
  servers.submit(0, definition, first);
  servers.submit(1, definition, second);
  servers.simulated.advance_ms(500);
  CHECK_FALSE(second.came());
  servers.engines[1]->force_stop("g", stopped.slot());
  servers.simulated.advance_ms(1'000);
  CHECK(stopped.ok());
  REQUIRE(second.came());
  CHECK_FALSE(second.ok());
  servers.participants[0].release(CallResult::success);
  servers.simulated.run();
}

TEST_CASE("shared: submitted again just as this server claims it -> goes on at once") {
  for (int lead = 0; lead < 16; ++lead) {
    CAPTURE(lead);
    EngineOptions options;
    Servers servers(options, 1);
    Answer<Done> first, second;
    servers.participants[0].reply("01 action", {CallResult::unknown, "down"});
    servers.submit(0, saga("g"), first);
    servers.participants[0].take_calls();
    servers.simulated.jump_ms(30'000);
    servers.engines[0]->submit(saga("g"), second.slot());
    for (int i = 0; i < lead; ++i) servers.simulated.run_one();
    servers.engines[0]->clock_advanced([] {});
    servers.simulated.run();
    CHECK(second.ok());
    servers.simulated.advance_ms(1'000);
    CHECK(servers.status("g") == GlobalStatus::succeed);
  }
}

TEST_CASE("shared: a tcc is being submitted with wait_result when the server stops -> it is let go") {
  for (int lead = 0; lead < 16; ++lead) {
    CAPTURE(lead);
    Servers servers;
    Answer<Done> registered, submitted;
    servers.prepare_tcc("g");
    servers.register_at(0, "g", "01", registered);
    servers.simulated.run();
    Definition definition = tcc("g");
    definition.options.wait_result = true;
    servers.engines[0]->submit(definition, submitted.slot());
    for (int i = 0; i < lead; ++i) servers.simulated.run_one();
    servers.close(0);
    CHECK(submitted.came());
    CHECK(servers.stored("g").owner.empty());
  }
}

TEST_CASE("shared: the clock is advanced when the engine has stopped -> completes, as with a store of its own") {
  Servers servers;
  bool stopped = false;
  bool settled = false;
  servers.engines[0]->stop(0, [&stopped] { stopped = true; });
  servers.simulated.run();
  CHECK(stopped);
  servers.engines[0]->clock_advanced([&settled] { settled = true; });
  servers.simulated.run();
  CHECK(settled);
  servers.engines[0].reset();
}

TEST_CASE(
    "shared: an engine opens where it can tell that a holder has ended -> goes on at once with what that one held") {
  Servers servers({}, 0);
  servers.processes[0].name = "first";
  servers.processes[1].name = "second";
  bool first_has_ended = false;
  std::vector<std::string> asked;
  servers.processes[1].is_gone = [&](std::string_view name) {
    asked.emplace_back(name);
    return first_has_ended;
  };
  servers.open(0);
  Answer<Done> submitted;
  servers.participants[0].reply("01 action", {CallResult::success, "", true});
  servers.submit(0, saga("g"), submitted);
  servers.crash(0);

  SUBCASE("it has ended") {
    first_has_ended = true;
    servers.open(1);
    CHECK(servers.participants[1].take_calls() == Calls{"g 01 action", "g 02 action"});
    CHECK(servers.status("g") == GlobalStatus::succeed);
  }
  SUBCASE("it may be alive") {
    servers.open(1);
    CHECK(servers.participants[1].take_calls().empty());
    servers.simulated.advance_ms(30'000);
    CHECK(servers.status("g") == GlobalStatus::succeed);
  }
  SUBCASE("it has ended, and the store cannot be asked") {
    first_has_ended = true;
    servers.stores[1]->fail_reads = true;
    servers.open(1);
    servers.stores[1]->fail_reads = false;
    CHECK(servers.status("g") == GlobalStatus::submitted);
    servers.simulated.advance_ms(30'000);
    CHECK(servers.status("g") == GlobalStatus::succeed);
    return;
  }
  CHECK(asked == std::vector<std::string>{"first"});
}

TEST_CASE("shared: a server stops while a call is out -> no other one makes it before it has ended, whoever asks") {
  Servers servers;
  Answer<Done> submitted, again;
  servers.participants[0].reply("01 action", {CallResult::success, "", true});
  servers.submit(0, saga("g"), submitted);
  CHECK(servers.participants[0].take_calls() == Calls{"g 01 action"});
  servers.close(0);
  servers.submit(1, saga("g"), again);
  servers.simulated.advance_ms(servers.options.request_timeout_ms - 1);
  CHECK(servers.participants[1].take_calls().empty());
  servers.simulated.advance_ms(30'000);
  CHECK(servers.participants[1].take_calls() == Calls{"g 01 action", "g 02 action"});
  CHECK(servers.status("g") == GlobalStatus::succeed);
}
