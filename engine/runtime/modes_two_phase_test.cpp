// TCC and XA in the simulated world.
#include <string>
#include <utility>
#include <vector>

#include "settle/waiting.hpp"
#include "tests/support/engine_client.hpp"

using namespace settle;
using namespace settle::testing;
using World = EngineWorld;

TEST_CASE("modes/tcc: submitted -> every confirm, last registered first") {
  World world;
  Client client{world};
  prepare_tcc(world, "g");
  CHECK(client.enlist_tcc("g", "0101"));
  CHECK(world.participant.take_calls().empty());
  CHECK(client.submit(of_type(TransType::tcc, "g")));
  CHECK(world.participant.take_calls() == Calls{"g 0101 confirm", "g 02 confirm", "g 01 confirm"});
  const auto stored = world.query("g");
  REQUIRE(stored);
  CHECK(stored->state.status == GlobalStatus::succeed);
  REQUIRE(stored->branches.size() == 6);
  CHECK(stored->branch(4).operation == "cancel");
  CHECK(stored->branch(5).branch_id == "0101");
  CHECK(stored->branches[5].status == BranchStatus::succeed);
  CHECK(stored->branches[4].status == BranchStatus::prepared);
}

TEST_CASE("modes/tcc: aborted -> every cancel, last registered first; a second abort renews the reason") {
  World world;
  Client client{world};
  prepare_tcc(world, "g");
  world.participant.reply("02 cancel", {CallResult::unknown, "broken"});
  CHECK(client.abort("g", TransType::tcc, "first"));
  CHECK(world.participant.take_calls() == Calls{"g 02 cancel"});
  CHECK(world.status("g") == GlobalStatus::aborting);
  CHECK(client.abort("g", TransType::tcc, "second"));
  CHECK(world.participant.take_calls() == Calls{"g 02 cancel", "g 01 cancel"});
  const auto stored = world.query("g");
  REQUIRE(stored);
  CHECK(stored->state.status == GlobalStatus::failed);
  CHECK(stored->state.rollback_reason == "second");
  CHECK(message_of(client.abort("g", TransType::tcc)) ==
        "trans type: 'tcc' current status 'failed', cannot abort. FAILURE");
}

TEST_CASE("modes/tcc: prepared for longer than the timeout -> cancelled; its own timeout counts before the engine's") {
  World world;
  prepare_tcc(world, "default");
  prepare_tcc(world, "own", {.timeout_to_fail_s = 50});
  world.simulated.advance_ms(34'999);
  CHECK(world.participant.take_calls().empty());
  world.simulated.advance_ms(1);
  CHECK(world.participant.take_calls() == Calls{"default 02 cancel", "default 01 cancel"});
  CHECK(world.query("default")->state.rollback_reason == "Timeout after 35 seconds");
  world.simulated.advance_ms(15'000);
  CHECK(world.query("own")->state.rollback_reason == "Timeout after 50 seconds");
  CHECK(world.status("own") == GlobalStatus::failed);
}

TEST_CASE("modes/tcc: FAILURE of a confirm is no rollback -> retried with backoff, those before it are not repeated") {
  World world;
  Client client{world};
  prepare_tcc(world, "g");
  world.participant.reply("01 confirm", {CallResult::failure, "no"});
  CHECK(client.submit(of_type(TransType::tcc, "g")));
  CHECK(world.participant.take_calls() == Calls{"g 02 confirm", "g 01 confirm"});
  const auto waiting = waiting_for(*world.query("g"));
  REQUIRE(waiting);
  CHECK(waiting->what == "branch 01 to answer confirm");
  CHECK(waiting->attempts == 1);
  CHECK(waiting->last_error == "no");
  world.simulated.advance_ms(25'000);
  CHECK(world.participant.take_calls() == Calls{"g 01 confirm"});
  CHECK(world.status("g") == GlobalStatus::succeed);
}

TEST_CASE("modes/tcc: wait_result -> answered by what became of the pass") {
  World world;
  Client client{world};
  Definition waiting = of_type(TransType::tcc, "");
  waiting.options.wait_result = true;
  const auto submit = [&](const std::string& gid, CallResult result) {
    prepare_tcc(world, gid);
    world.participant.reply("01 confirm", {result, "words"});
    waiting.gid = gid;
    return client.submit(waiting);
  };
  CHECK(submit("done", CallResult::success));
  const auto failing = submit("failing", CallResult::failure);
  REQUIRE_FALSE(failing);
  CHECK(failing.error().code == Code::failure);
  CHECK(failing.error().message.ends_with("unkown result will be retried: words FAILURE"));
  const auto erring = submit("erring", CallResult::unknown);
  REQUIRE_FALSE(erring);
  CHECK(erring.error().code == Code::internal);
  CHECK(erring.error().message.ends_with("unkown result will be retried: words"));
  const auto ongoing = submit("ongoing", CallResult::ongoing);
  REQUIRE_FALSE(ongoing);
  CHECK(ongoing.error() == Error{Code::ongoing, "ONGOING"});
}

TEST_CASE("modes/tcc: wait_result at prepare holds for abort; a rollback that was asked for is a success") {
  World world;
  prepare_tcc(world, "g", {.wait_result = true});
  world.participant.reply("01 cancel", {.hold = true});
  Answer<Done> answer;
  world.engine->abort("g", TransType::tcc, "", answer.slot());
  world.simulated.run();
  CHECK_FALSE(answer.came());
  world.participant.release(CallResult::success);
  world.simulated.run();
  CHECK(answer.ok());
}

TEST_CASE("modes/tcc: force_stop while a waiter waits -> FAILURE, no further call") {
  World world;
  prepare_tcc(world, "g", {.wait_result = true});
  world.participant.reply("02 cancel", {.hold = true});
  Answer<Done> waiting, stopped;
  world.engine->abort("g", TransType::tcc, "", waiting.slot());
  world.simulated.run();
  world.engine->force_stop("g", stopped.slot());
  world.simulated.run();
  CHECK(stopped.ok());
  CHECK(waiting.code() == Code::failure);
  world.participant.take_calls();
  world.participant.release(CallResult::success);
  world.simulated.advance_ms(100'000);
  CHECK(world.participant.take_calls().empty());
}

TEST_CASE("modes/xa: commit and rollback in order of registration, both at the one url") {
  World world;
  Client client{world};
  for (const char* gid : {"commit", "rollback"}) {
    CHECK(client.prepare(of_type(TransType::xa, gid)));
    CHECK(client.enlist_xa(gid, "01"));
    CHECK(client.enlist_xa(gid, "02"));
  }
  CHECK(client.submit(of_type(TransType::xa, "commit")));
  CHECK(client.abort("rollback", TransType::xa));
  CHECK(world.participant.take_calls() ==
        Calls{"commit 01 commit", "commit 02 commit", "rollback 01 rollback", "rollback 02 rollback"});
  CHECK(world.status("commit") == GlobalStatus::succeed);
  CHECK(world.status("rollback") == GlobalStatus::failed);
}

TEST_CASE("modes/register: what cannot be registered -> a clear refusal, nothing stored") {
  World world;
  Client client{world};
  const std::string none = "no trans with gid: g status: prepared found FAILURE";
  const auto unknown = client.enlist_tcc("g", "01");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error() == Error{Code::failure, none});
  prepare_tcc(world, "g");
  const auto twice = client.enlist("g", TransType::tcc, {"01", "other", "test://s/other", "test://s/other", ""});
  REQUIRE_FALSE(twice);
  CHECK(twice.error().code == Code::conflict);
  const auto other_type = client.enlist_xa("g", "03");
  REQUIRE_FALSE(other_type);
  CHECK(other_type.error().code == Code::conflict);
  CHECK(message_of(client.enlist("g", TransType::saga, {"03", "", "", "", ""})) == "unknow trans type: saga");
  CHECK(message_of(client.enlist_tcc("g", "")) == "branch_id: must not be empty");
  CHECK(message_of(client.enlist("g", TransType::tcc, {"03", "", "gopher://x/y", "", ""})) ==
        "confirm: the scheme of this url is not known: gopher://x/y");
  CHECK(world.query("g")->registrations.size() == 2);
  CHECK(world.query("g")->branch(0).url == "test://s/cancel");
  CHECK(client.submit(of_type(TransType::tcc, "g")));
  CHECK(message_of(client.enlist_tcc("g", "03")) == none);
  CHECK(client.enlist_xa("g", "03").error() == Error{Code::failure, none});
}

TEST_CASE("modes/register: many branches, also across a restart and a failed write -> all are confirmed") {
  constexpr int kBranches = 100;
  World world;
  Client client{world};
  REQUIRE(client.prepare(of_type(TransType::tcc, "g")));
  for (int i = 0; i < kBranches; ++i) {
    const std::string branch_id = "b" + std::to_string(i);
    if (i == kBranches / 2) {
      world.crash();
      world.open();
    }
    if (i == kBranches / 4) {
      world.store.fail_writes = true;
      CHECK_FALSE(client.enlist_tcc("g", branch_id));
      world.simulated.advance_ms(1);  // the store is repaired
    }
    REQUIRE(client.enlist_tcc("g", branch_id));
  }
  CHECK(world.query("g")->registrations.size() == kBranches);
  CHECK(client.submit(of_type(TransType::tcc, "g")));
  const Calls calls = world.participant.take_calls();
  REQUIRE(calls.size() == kBranches);
  CHECK(calls.front() == "g b99 confirm");
  CHECK(calls.back() == "g b0 confirm");
}

TEST_CASE("modes/register: several at once -> each answered, all stored in order") {
  World world;
  Client client{world};
  REQUIRE(client.prepare(of_type(TransType::tcc, "g")));
  std::vector<Answer<Done>> answers(5);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const std::string branch_id = "0" + std::to_string(i);
    world.engine->register_branch("g", TransType::tcc, {branch_id, "", "", "", ""}, BranchStatus::prepared,
                                  answers[i].slot());
  }
  Answer<Done> submitted;
  world.engine->submit(of_type(TransType::tcc, "g"), submitted.slot());
  world.simulated.run();
  for (const auto& answer : answers) CHECK(answer.ok());
  CHECK(submitted.ok());
  const auto stored = world.query("g");
  CHECK(stored->registrations.size() == 5);
  CHECK(stored->registrations[4].branch_id == "04");
  CHECK(stored->state.status == GlobalStatus::succeed);  // empty urls are done without a call
}

TEST_CASE("modes/prepared: more than are kept in memory -> the others are read again when they are needed") {
  World world;
  Client client{world};
  constexpr int kMany = 3'000;
  for (int i = 0; i < kMany; ++i) REQUIRE(client.prepare(of_type(TransType::tcc, "g" + std::to_string(i))));
  for (int i : {0, 1, kMany - 1}) {
    REQUIRE(client.enlist_tcc("g" + std::to_string(i), "01"));
    REQUIRE(client.submit(of_type(TransType::tcc, "g" + std::to_string(i))));
    CHECK(world.status("g" + std::to_string(i)) == GlobalStatus::succeed);
  }
  CHECK(world.engine->statistics().active == 0);
  CHECK(world.engine->statistics().parked == kMany - 3);
  world.simulated.advance_ms(36'000);
  CHECK(world.engine->statistics().failed == kMany - 3);
}

TEST_CASE("modes/trans_type: another one than the stored -> a conflict, nothing changes") {
  World world;
  Client client{world};
  prepare_tcc(world, "g");
  for (const Result<Done>& refused :
       {client.submit(of_type(TransType::xa, "g")), client.prepare(of_type(TransType::xa, "g")),
        client.abort("g", TransType::xa), client.finish("g", GlobalStatus::succeed)}) {
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::conflict);
  }
  Answer<Done> untold;
  world.engine->abort("g", std::nullopt, "", untold.slot());
  world.simulated.run();
  CHECK(untold.code() == Code::conflict);
  CHECK(world.status("g") == GlobalStatus::prepared);
}

TEST_CASE("modes/trans_type: another one than the stored, which the status does not allow either -> refused for that") {
  World world;
  Client client{world};
  const auto check = [&](const std::string& status, bool may_submit) {
    const std::string current = "current status '" + status + "', cannot ";
    CHECK(client.prepare(of_type(TransType::xa, "g")).error() == Error{Code::failure, current + "prepare. FAILURE"});
    const Error submitted = client.submit(of_type(TransType::xa, "g")).error();
    CHECK(submitted.code == (may_submit ? Code::conflict : Code::failure));
    if (!may_submit) CHECK(submitted.message == current + "sumbmit. FAILURE");
    CHECK(client.enlist_xa("g", "03").error().code == Code::failure);
    CHECK(to_string(world.status("g")) == status);
  };
  prepare_tcc(world, "g");
  SUBCASE("submitted, and then succeeded") {
    world.participant.reply("02 confirm", {CallResult::ongoing, ""});
    CHECK(client.submit(of_type(TransType::tcc, "g")));
    check("submitted", true);
    world.simulated.advance_ms(20'000);
    check("succeed", false);
  }
  SUBCASE("aborting, and then failed") {
    world.participant.reply("02 cancel", {CallResult::ongoing, ""});
    CHECK(client.abort("g", TransType::tcc));
    check("aborting", false);
    world.simulated.advance_ms(20'000);
    check("failed", false);
  }
}
