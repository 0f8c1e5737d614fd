// Several engines on one store: who holds a transaction, for how long, and what the others do meanwhile.
#include <string>
#include <utility>
#include <vector>

#include "tests/support/servers_world.hpp"

using namespace settle;
using namespace settle::testing;

TEST_CASE("shared: a saga runs -> it is held meanwhile, and let go at the end") {
  Servers servers;
  Answer<Done> answer;
  servers.participants[0].reply("02 action", {CallResult::success, "", true});
  servers.submit(0, waiting_saga("g"), answer);
  CHECK(servers.stored("g").owner.starts_with(kOwnerPrefix));
  CHECK(servers.status_at(1, "g") == GlobalStatus::submitted);
  servers.participants[0].release(CallResult::success);
  servers.simulated.run();
  CHECK(answer.ok());
  CHECK(servers.stored("g").owner.empty());
  CHECK(servers.status_at(1, "g") == GlobalStatus::succeed);
}

TEST_CASE("shared: a saga waits for its retry -> nobody holds it, and it is called at its time, once") {
  Servers servers;
  Answer<Done> answer;
  servers.participants[0].reply("01 action", {CallResult::unknown, "down"});
  servers.submit(0, saga("g"), answer);
  CHECK(servers.stored("g").owner.empty());
  servers.participants[0].take_calls();
  servers.simulated.advance_ms(19'900);
  CHECK(servers.participants[0].take_calls().empty());
  CHECK(servers.participants[1].take_calls().empty());
  servers.simulated.advance_ms(5'000);
  const Calls first = servers.participants[0].take_calls();
  const Calls second = servers.participants[1].take_calls();
  CHECK(first.size() + second.size() == 2);
  CHECK(servers.status("g") == GlobalStatus::succeed);
}

TEST_CASE("shared: a saga waits for its retry, and its time is over before that -> it turns back in time") {
  Servers servers;
  Answer<Done> answer;
  Definition definition = saga("g");
  definition.options.timeout_to_fail_s = 5;
  definition.options.retry_interval_s = 60;
  servers.participants[0].reply("01 action", {CallResult::unknown, "down"});
  servers.submit(0, definition, answer);
  CHECK(servers.stored("g").owner.empty());
  servers.simulated.advance_ms(4'900);
  CHECK(servers.status("g") == GlobalStatus::submitted);
  servers.simulated.advance_ms(3'500);
  CHECK(servers.status("g") == GlobalStatus::failed);
}

TEST_CASE("shared: whoever held it dies -> another one goes on when the lease has run out, not before") {
  Servers servers;
  Answer<Done> answer;
  servers.participants[0].reply("02 action", {CallResult::success, "", true});
  servers.submit(0, saga("g"), answer);
  Calls repeated{"g 02 action"};
  SUBCASE("a while after the first step: its success is stored") { servers.simulated.advance_ms(100); }
  SUBCASE("right after it: it is called again") { repeated = {"g 01 action", "g 02 action"}; }
  servers.crash(0);
  servers.simulated.advance_ms(13'000);
  CHECK(servers.participants[1].take_calls().empty());
  servers.simulated.advance_ms(6'000);
  CHECK(servers.participants[1].take_calls() == repeated);
  CHECK(servers.status("g") == GlobalStatus::succeed);
}

TEST_CASE("shared: a call takes longer than a lease -> the lease is renewed, and nobody else takes it") {
  Servers servers;
  Definition definition = saga("g");
  definition.options.request_timeout_s = 300;
  Answer<Done> answer;
  servers.participants[0].reply("01 action", {CallResult::success, "", true});
  servers.submit(0, definition, answer);
  servers.participants[0].take_calls();
  servers.simulated.advance_ms(290'000);
  CHECK(servers.participants[1].take_calls().empty());
  servers.participants[0].release(CallResult::success);
  servers.simulated.run();
  CHECK(servers.participants[0].take_calls() == Calls{"g 02 action"});
  CHECK(servers.status("g") == GlobalStatus::succeed);
}

TEST_CASE("shared: a server wakes up behind its lease -> it starts nothing, and what another one did stays") {
  Servers servers;
  Answer<Done> answer;
  servers.participants[0].reply("01 action", {CallResult::success, "", true});
  servers.participants[1].reply("02 action", {CallResult::success, "", true});
  servers.submit(0, waiting_saga("g"), answer);
  // Its own timers do not run while the clock jumps: it was stopped.
  servers.stores[0]->fail_writes = false;
  auto asleep = std::move(servers.engines[0]);
  servers.simulated.jump_ms(20'000);
  servers.engines[1]->clock_advanced([] {});
  servers.simulated.run();
  CHECK(servers.participants[1].take_calls() == Calls{"g 01 action", "g 02 action"});
  const std::string holder = servers.stored("g").owner;
  servers.participants[0].take_calls();
  servers.participants[0].release(CallResult::failure, "late");
  servers.simulated.run();
  CHECK(servers.participants[0].take_calls().empty());
  CHECK(servers.stored("g").owner == holder);
  CHECK(servers.status("g") == GlobalStatus::submitted);
  CHECK(answer.code() == Code::unavailable);
  CHECK(asleep->statistics().leases_lost == 1);
  servers.participants[1].release(CallResult::success);
  servers.simulated.run();
  CHECK(servers.status("g") == GlobalStatus::succeed);
  servers.engines[0] = std::move(asleep);
}

TEST_CASE("shared: prepared here, registered there, submitted elsewhere -> every branch is confirmed") {
  Servers servers({}, 3);
  Answer<Done> first, second, third, submitted;
  servers.prepare_tcc("g");
  servers.register_at(0, "g", "01", first);
  servers.register_at(1, "g", "02", second);
  servers.register_at(2, "g", "03", third);
  servers.simulated.run();
  CHECK(first.ok());
  CHECK(second.ok());
  CHECK(third.ok());
  Definition definition = tcc("g");
  definition.options.wait_result = true;
  servers.submit(1, definition, submitted);
  CHECK(submitted.ok());
  CHECK(servers.participants[1].take_calls() == Calls{"g 03 confirm", "g 02 confirm", "g 01 confirm"});
  CHECK(servers.status("g") == GlobalStatus::succeed);
}

TEST_CASE("shared: a branch is registered beside a submit on another server -> refused, or confirmed") {
  for (int lead = 0; lead < 12; ++lead) {
    CAPTURE(lead);
    Servers servers;
    Answer<Done> registered, submitted;
    servers.prepare_tcc("g");
    servers.register_at(0, "g", "01", registered);
    for (int i = 0; i < lead; ++i) servers.simulated.run_one();
    servers.submit(1, tcc("g"), submitted);
    CHECK(submitted.ok());
    REQUIRE(registered.came());
    const Calls calls = servers.participants[1].take_calls();
    if (registered.ok()) {
      CHECK(calls == Calls{"g 01 confirm"});
    } else {
      CHECK(registered.code() == Code::failure);
      CHECK(calls.empty());
    }
    CHECK(servers.status("g") == GlobalStatus::succeed);
  }
}

TEST_CASE("shared: one branch is registered on two servers at once -> stored once, the other one is told") {
  for (int lead = 0; lead < 12; ++lead) {
    CAPTURE(lead);
    Servers servers;
    Answer<Done> first, second;
    servers.prepare_tcc("g");
    servers.register_at(0, "g", "01", first);
    for (int i = 0; i < lead; ++i) servers.simulated.run_one();
    servers.register_at(1, "g", "01", second);
    servers.simulated.run();
    CHECK(first.ok() != second.ok());
    CHECK((first.ok() ? second : first).code() == Code::conflict);
    CHECK(servers.stored("g").registrations.size() == 1);
  }
}

TEST_CASE("shared: one gid is submitted to two servers at once -> it runs once, and both are told so") {
  for (int lead = 0; lead < 12; ++lead) {
    CAPTURE(lead);
    Servers servers;
    Answer<Done> first, second;
    servers.engines[0]->submit(waiting_saga("g"), first.slot());
    for (int i = 0; i < lead; ++i) servers.simulated.run_one();
    servers.engines[1]->submit(waiting_saga("g"), second.slot());
    servers.simulated.run();
    servers.simulated.advance_ms(1'000);
    CHECK(first.came());
    CHECK(second.came());
    const std::size_t calls = servers.participants[0].take_calls().size() + servers.participants[1].take_calls().size();
    CHECK(calls == 2);
    CHECK(servers.status("g") == GlobalStatus::succeed);
  }
}

TEST_CASE("shared: a submit with wait_result of what another server works on -> is answered when that has ended") {
  Servers servers;
  Answer<Done> first, second;
  servers.participants[0].reply("01 action", {CallResult::success, "", true});
  servers.submit(0, waiting_saga("g"), first);
  servers.submit(1, waiting_saga("g"), second);
  servers.simulated.advance_ms(2'000);
  CHECK_FALSE(second.came());
  servers.participants[0].release(CallResult::success);
  servers.simulated.advance_ms(1'000);
  CHECK(first.ok());
  CHECK(second.ok());
}

TEST_CASE("shared: a submit with wait_result of what then has to wait for a retry -> is told that it is not done") {
  Servers servers;
  Answer<Done> first, second;
  servers.participants[0].reply("01 action", {CallResult::success, "", true});
  servers.submit(0, waiting_saga("g"), first);
  servers.submit(1, waiting_saga("g"), second);
  servers.participants[0].release(CallResult::ongoing);
  servers.simulated.advance_ms(1'000);
  CHECK(first.code() == Code::failure);
  CHECK(second.message() == first.message());
}

TEST_CASE("shared: a submit of what waits for a retry -> it goes on at once, where it was submitted") {
  Servers servers;
  Answer<Done> first, second;
  servers.participants[0].reply("01 action", {CallResult::unknown, "down"});
  servers.submit(0, saga("g"), first);
  servers.participants[0].take_calls();
  servers.submit(1, waiting_saga("g"), second);
  CHECK(second.ok());
  CHECK(servers.participants[1].take_calls() == Calls{"g 01 action", "g 02 action"});
}

TEST_CASE("shared: force-stopped elsewhere -> final at once; whoever held it starts no other call") {
  Servers servers;
  Answer<Done> submitted, stopped;
  servers.participants[0].reply("01 action", {CallResult::success, "", true});
  servers.submit(0, waiting_saga("g"), submitted);
  servers.participants[0].take_calls();
  servers.engines[1]->force_stop("g", stopped.slot());
  servers.simulated.run();
  CHECK(stopped.ok());
  CHECK(servers.status_at(0, "g") == GlobalStatus::failed);
  servers.participants[0].release(CallResult::success);
  servers.simulated.run();
  CHECK(servers.status("g") == GlobalStatus::failed);
  CHECK(submitted.came());
  // Without run-ahead not even the next step has begun.
  for (const std::string& call : servers.participants[0].take_calls()) CHECK(call == "g 02 action");
}

TEST_CASE("shared: without run-ahead -> a step starts only when the one before is stored") {
  EngineOptions options;
  options.run_ahead = false;
  Servers servers(options);
  Answer<Done> answer;
  servers.participants[0].reply("02 action", {CallResult::success, "", true});
  servers.submit(0, saga("g", 3), answer);
  CHECK(servers.participants[0].take_calls() == Calls{"g 01 action", "g 02 action"});
  CHECK(servers.stored("g").branches[1].status == BranchStatus::succeed);
  servers.stores[0]->fail_writes = true;
  servers.participants[0].release(CallResult::success);
  servers.simulated.run();
  CHECK(servers.participants[0].take_calls().empty());
}

TEST_CASE("shared: a tcc is left prepared -> whoever looks first cancels it when its time is up") {
  Servers servers;
  Answer<Done> registered;
  servers.prepare_tcc("g");
  servers.register_at(1, "g", "01", registered);
  servers.simulated.run();
  servers.simulated.advance_ms(34'900);
  CHECK(servers.status("g") == GlobalStatus::prepared);
  servers.simulated.advance_ms(4'000);
  CHECK(servers.status("g") == GlobalStatus::failed);
  CHECK(servers.participants[0].take_calls().size() + servers.participants[1].take_calls().size() == 1);
}

TEST_CASE("shared: a saga that is only prepared -> waits for ever, and is not looked at all the time") {
  Servers servers;
  Answer<Done> prepared, submitted;
  servers.engines[0]->prepare(saga("g"), prepared.slot());
  servers.simulated.run();
  servers.simulated.advance_ms(60'000);
  const std::uint64_t claimed = servers.engines[0]->statistics().claimed + servers.engines[1]->statistics().claimed;
  CHECK(claimed <= 1);
  CHECK(servers.stored("g").owner.empty());
  servers.submit(1, waiting_saga("g"), submitted);
  CHECK(submitted.ok());
}

TEST_CASE("shared: thousands are due at once -> all are taken up, in turn, by all servers, each once") {
  EngineOptions options;
  options.calls_per_target_max = 16;
  Servers servers(options);
  constexpr int kCount = 3'000;
  std::vector<Answer<Done>> answers(kCount);
  for (int i = 0; i < kCount; ++i) {
    servers.participants[0].reply("01 action", {CallResult::unknown, "down"});
    servers.engines[0]->submit(saga("g" + std::to_string(i), 1), answers[static_cast<std::size_t>(i)].slot());
  }
  servers.simulated.run();
  servers.participants[0].take_calls();
  servers.simulated.advance_ms(30'000);
  const std::size_t first = servers.participants[0].take_calls().size();
  const std::size_t second = servers.participants[1].take_calls().size();
  CHECK(first + second == kCount);
  for (int i = 0; i < kCount; ++i) CHECK(servers.status("g" + std::to_string(i)) == GlobalStatus::succeed);
}

TEST_CASE("shared: make_all_due -> touches what waits, not what is being worked on") {
  Servers servers;
  Answer<Done> waiting, working;
  servers.participants[0].reply("01 action", {CallResult::unknown, "down"});
  servers.submit(0, saga("waits"), waiting);
  servers.participants[0].reply("01 action", {CallResult::success, "", true});
  servers.submit(0, saga("works"), working);
  Answer<MadeDue> made;
  servers.engines[1]->make_all_due(5'000, 100, made.slot());
  servers.simulated.run();
  REQUIRE(made.ok());
  CHECK(made.result->value().count == 1);
  CHECK_FALSE(made.result->value().remaining);
  CHECK(servers.status("waits") == GlobalStatus::succeed);
  CHECK(servers.status("works") == GlobalStatus::submitted);
  CHECK(servers.participants[0].take_calls().size() + servers.participants[1].take_calls().size() == 4);
}

TEST_CASE("shared: make_all_due -> what waits for its client is left out, however often it is asked") {
  Servers servers;
  Definition waits;
  waits.gid = "waits";
  waits.type = TransType::tcc;
  waits.options.timeout_to_fail_s = 500;
  Answer<Done> prepared;
  servers.engines[0]->prepare(waits, prepared.slot());
  servers.simulated.run();
  REQUIRE(prepared.ok());
  for (int i = 0; i < 5; ++i) {
    Answer<MadeDue> made;
    servers.engines[1]->make_all_due(200'000, 1, made.slot());
    servers.simulated.advance_ms(1'000);
    REQUIRE(made.ok());
    CHECK(made.result->value().count == 0);
    CHECK_FALSE(made.result->value().remaining);
  }
  CHECK(servers.status("waits") == GlobalStatus::prepared);
}

TEST_CASE("shared: a server stops while a call is out -> its hold stays, and another one goes on when the lease ends") {
  Servers servers;
  Answer<Done> answer;
  servers.participants[0].reply("01 action", {CallResult::success, "", true});
  servers.submit(0, saga("g"), answer);
  servers.close(0);
  CHECK_FALSE(servers.stored("g").owner.empty());
  servers.simulated.advance_ms(servers.options.lease_ms - 2'000);
  CHECK(servers.participants[1].take_calls().empty());  // the call that was out may still be
  servers.simulated.advance_ms(7'000);
  CHECK(servers.participants[1].take_calls() == Calls{"g 01 action", "g 02 action"});
}

TEST_CASE("shared: a write fails -> its outcome is read, and the transaction goes on under its lease") {
  for (const bool applied : {false, true}) {
    CAPTURE(applied);
    Servers servers;
    Answer<Done> answer;
    servers.participants[0].reply("01 action", {CallResult::success, "", true});
    servers.submit(0, waiting_saga("g"), answer);
    (applied ? servers.stores[0]->fail_after_applying : servers.stores[0]->fail_writes) = true;
    servers.participants[0].release(CallResult::success);
    servers.simulated.run();
    servers.simulated.advance_ms(1'000);
    CHECK(answer.code() == Code::unavailable);
    CHECK(servers.status("g") == GlobalStatus::succeed);
    CHECK(servers.engines[1]->statistics().claimed == 0);
  }
}

TEST_CASE("shared: a topic is subscribed on one server -> the others know it before long") {
  Servers servers;
  Answer<Done> subscribed, submitted;
  servers.engines[0]->subscribe("t", "test://s/hear", "", subscribed.slot());
  servers.simulated.run();
  CHECK(subscribed.ok());
  servers.simulated.advance_ms(3'100);
  Definition message;
  message.gid = "m";
  message.type = TransType::msg;
  append_message_actions(message, {{"topic://t", "{}"}});
  servers.submit(1, message, submitted);
  CHECK(submitted.ok());
  CHECK(servers.participants[1].take_calls() == Calls{"m 01 action"});
}
