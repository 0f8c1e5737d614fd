#include "settle/testing/test_coordinator.hpp"

#include <doctest/doctest.h>

#include <set>
#include <tuple>

#include "settle/local_branches.hpp"

namespace settle::testing {
namespace {

using Calls = std::vector<std::string>;

Definition order(std::string gid) {
  Definition definition;
  definition.gid = std::move(gid);
  append_saga_steps(definition, {{"http://stock/reserve", "http://stock/release", "{}"},
                                 {"http://bank/pay", "http://bank/refund", "{}"}});
  return definition;
}

TEST_CASE("testing/coordinator: nothing scripted -> every call succeeds, and is written down") {
  TestCoordinator coordinator;
  const auto answer = coordinator.submit(order("g"));
  CHECK(answer.ok());
  CHECK(coordinator.status("g") == GlobalStatus::succeed);
  CHECK(coordinator.participant().take_calls() == Calls{"g 01 action", "g 02 action"});
  CHECK(coordinator.participant().count("http://bank/pay") == 1);
  CHECK(coordinator.participant().count("01 action") == 1);
  CHECK_FALSE(coordinator.status("other"));
}

TEST_CASE("testing/coordinator: a refusal -> compensated in reverse order") {
  TestCoordinator coordinator;
  coordinator.participant().reply("http://bank/pay", {.result = CallResult::failure, .text = "no money"});
  Definition definition = order("g");
  definition.options.wait_result = true;
  const auto answer = coordinator.submit(std::move(definition));
  CHECK(answer.code() == Code::failure);
  CHECK(answer.message().find("no money") != std::string::npos);
  CHECK(coordinator.status("g") == GlobalStatus::failed);
  CHECK(coordinator.participant().take_calls() ==
        Calls{"g 01 action", "g 02 action", "g 02 compensate", "g 01 compensate"});
}

TEST_CASE("testing/coordinator: scripts -> in turn, the url's before the branch's, then what always holds") {
  TestCoordinator coordinator;
  ScriptedParticipant& participant = coordinator.participant();
  participant.reply("http://stock/reserve", {.result = CallResult::unknown, .text = "broken"});
  participant.reply("01 action", {.result = CallResult::ongoing});
  participant.always("02 action", {.result = CallResult::ongoing});
  coordinator.submit(order("g"));
  CHECK(participant.count("01 action") == 1);
  CHECK_FALSE(coordinator.finish("g", 120'000));
  CHECK(participant.count("01 action") == 3);
  CHECK(participant.count("02 action") > 3);
}

TEST_CASE("testing/coordinator: a call that hangs -> unknown at its timeout, and tried again") {
  TestCoordinator coordinator;
  coordinator.participant().reply("01 action", {.hang = true});
  coordinator.submit(order("g"));
  coordinator.advance_ms(2'999);
  CHECK(coordinator.find("g")->state.last_error.empty());
  coordinator.advance_ms(1);
  CHECK(coordinator.find("g")->state.last_error == "no answer in time");
  CHECK(coordinator.finish("g"));
  CHECK(coordinator.participant().count("01 action") == 2);
}

TEST_CASE("testing/coordinator: an answer that is held back or lost -> the work is done all the same") {
  TestCoordinator coordinator;
  int reserved = 0;
  coordinator.participant().does("http://stock/reserve", [&reserved](const BranchCall&) {
    ++reserved;
    return BranchReply{CallResult::success, ""};
  });
  SUBCASE("held back") {
    coordinator.participant().reply("01 action", {.hold = true});
    coordinator.submit(order("g"));
    CHECK(reserved == 1);
    CHECK(coordinator.status("g") == GlobalStatus::submitted);
    CHECK(coordinator.participant().release());
    coordinator.run();
    CHECK(reserved == 1);
  }
  SUBCASE("lost") {
    coordinator.participant().reply("01 action", {.lose_answer = true});
    coordinator.submit(order("g"));
    CHECK(coordinator.find("g")->state.last_error == "the answer was lost");
    CHECK(coordinator.finish("g"));
    CHECK(reserved == 2);
  }
  CHECK(coordinator.status("g") == GlobalStatus::succeed);
}

TEST_CASE(
    "testing/coordinator: callers of the test's own -> are asked for their urls, the participant for the others") {
  LocalBranches branches;
  int reserved = 0;
  branches.add("reserve", [&reserved](const BranchCall&, BranchCompletion completion) {
    ++reserved;
    completion({CallResult::success, ""});
  });
  TestCoordinator coordinator({.callers = {branches.port()}});
  Definition definition;
  definition.gid = "g";
  append_saga_steps(definition, {{"local://reserve", "", ""}, {"http://bank/pay", "", ""}});
  coordinator.submit(std::move(definition));
  CHECK(coordinator.finish("g"));
  CHECK(reserved == 1);
  CHECK(coordinator.participant().take_calls() == Calls{"g 02 action"});
}

TEST_CASE("testing/coordinator: a crash while a call is out -> no answer, and the call is made again") {
  TestCoordinator coordinator;
  coordinator.participant().reply("01 action", {.hold = true});
  Definition definition = order("g");
  definition.options.wait_result = true;
  const auto answer = coordinator.submit(std::move(definition));
  coordinator.crash();
  CHECK_FALSE(coordinator.running());
  CHECK(coordinator.status("g") == GlobalStatus::submitted);
  CHECK_FALSE(coordinator.submit(order("other")).came());
  CHECK_FALSE(coordinator.participant().release());
  CHECK(coordinator.reopen());
  CHECK(coordinator.finish("g"));
  CHECK_FALSE(answer.came());
  CHECK(coordinator.participant().count("01 action") == 2);
}

TEST_CASE("testing/coordinator: a crash inside a participant's function -> its work is done, its answer never comes") {
  TestCoordinator coordinator;
  int crashes = 0;
  coordinator.participant().does("http://stock/reserve", [&](const BranchCall&) {
    if (crashes++ == 0) coordinator.crash();
    return BranchReply{CallResult::success, ""};
  });
  coordinator.submit(order("g"));
  CHECK_FALSE(coordinator.running());
  CHECK(coordinator.participant().count("02 action") == 0);
  CHECK(coordinator.reopen());
  CHECK(coordinator.finish("g"));
  CHECK(coordinator.participant().count("01 action") == 2);
}

TEST_CASE("testing/coordinator: a crash behind each step -> it ends all the same") {
  std::set<std::tuple<bool, std::size_t>> seen;  // whether it was accepted, and how many calls there were
  bool rests = false;
  for (std::size_t steps = 0; !rests; ++steps) {
    CAPTURE(steps);
    TestCoordinator coordinator;
    coordinator.engine().submit(order("g"), [](const Result<Done>&) {});
    rests = !coordinator.run_steps(steps);
    coordinator.crash();
    REQUIRE(coordinator.reopen());
    const bool accepted = coordinator.find("g").has_value();
    seen.insert({accepted, coordinator.participant().calls().size()});
    if (accepted) CHECK(coordinator.finish("g"));
  }
  CHECK(seen.contains({false, 0}));
  CHECK(seen.contains({true, 4}));
  CHECK(seen.size() > 3);
}

TEST_CASE("testing/coordinator: a write that fails before or after it took effect -> the client may send it again") {
  TestCoordinator coordinator;
  SUBCASE("before") { coordinator.store().fail_writes = true; }
  SUBCASE("after") { coordinator.store().fail_after_applying = true; }
  const auto answer = coordinator.submit(order("g"));
  CHECK(answer.code() == Code::unavailable);
  coordinator.advance_ms(60'000);
  CHECK(coordinator.submit(order("g")).came());
  CHECK(coordinator.finish("g"));
  CHECK(coordinator.store().repairs > 0);
}

TEST_CASE("testing/coordinator: stopped -> runs again when it is reopened") {
  TestCoordinator coordinator;
  coordinator.stop();
  CHECK_FALSE(coordinator.running());
  CHECK(coordinator.reopen());
  CHECK(coordinator.running());
}

TEST_CASE("testing/coordinator: errors in a row -> alerts") {
  TestCoordinator coordinator;
  coordinator.participant().always("01 action", {.result = CallResult::unknown, .text = "broken"});
  coordinator.submit(order("g"));
  coordinator.advance_ms(600'000);
  REQUIRE_FALSE(coordinator.alerts().empty());
  CHECK(coordinator.alerts().front().gid == "g");
}

}  // namespace
}  // namespace settle::testing
