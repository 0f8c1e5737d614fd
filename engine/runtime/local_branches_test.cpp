#include "settle/local_branches.hpp"

#include <doctest/doctest.h>

#include <future>
#include <stdexcept>
#include <string>
#include <utility>

#include "settle/blocking.hpp"
#include "settle/storage/memory.hpp"
#include "settle/testing/simulated_world.hpp"

using namespace settle;
using settle::testing::SimulatedWorld;

namespace {

struct Fixture {
  BranchReply call(const std::string& url, std::int64_t timeout_ms = 1'000) {
    caller = branches.port().make(loop);
    std::promise<BranchReply> promise;
    auto reply = promise.get_future();
    BranchCall made;
    made.url = url;
    made.timeout_ms = timeout_ms;
    caller->call(std::move(made), [&promise](BranchReply came) { promise.set_value(std::move(came)); });
    world.advance_ms(timeout_ms);
    return reply.get();
  }

  SimulatedWorld world;
  settle::testing::SimulatedExecutor& loop = world.add_process().add_executor();
  LocalBranches branches{1, 1};
  std::unique_ptr<BranchCaller> caller;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "local/call: the function named in the url is called, whatever it says is the result") {
  branches.add("yes", [](const BranchCall& made, BranchCompletion done) { done({CallResult::success, made.url}); });
  branches.add("no", [](const BranchCall&, BranchCompletion done) { done({CallResult::failure, "no"}); });
  branches.add("throws", [](const BranchCall&, BranchCompletion) { throw std::runtime_error("broken"); });
  branches.add_blocking("blocking", [](const BranchCall&) { return BranchReply{CallResult::ongoing, "later"}; });
  branches.add_blocking("blocking-throws", [](const BranchCall&) -> BranchReply { throw std::runtime_error("bad"); });
  CHECK(call("local://yes?x=1").text == "local://yes?x=1");
  CHECK(call("local://no").result == CallResult::failure);
  CHECK(call("local://throws").result == CallResult::unknown);
  CHECK(call("local://throws").text == "broken");
  CHECK(call("local://nobody").text == "no branch is registered as nobody");
  CHECK(call("local://blocking-throws", 600'000).text != "");
}

TEST_CASE_FIXTURE(Fixture, "local/deadline: no answer in time -> unknown, and the late answer is ignored") {
  BranchCompletion late;
  branches.add("silent", [&late](const BranchCall&, BranchCompletion done) { late = std::move(done); });
  const BranchReply reply = call("local://silent");
  CHECK(reply.result == CallResult::unknown);
  CHECK(reply.text == "no answer in time");
  late({CallResult::success, ""});
}

TEST_CASE("local/engine: an engine of its own threads runs local branches, blocking ones too") {
  auto store = make_memory_store();
  LocalBranches branches;
  branches.add("ship", [](const BranchCall&, BranchCompletion done) { done({CallResult::success, ""}); });
  branches.add_blocking("pay", [](const BranchCall& call) {
    return call.payload == "too much" ? BranchReply{CallResult::failure, "refused"}
                                      : BranchReply{CallResult::success, ""};
  });
  auto opened = Engine::open({.store = *store, .callers = {branches.port()}}, {});
  REQUIRE(opened);
  const std::unique_ptr<Engine> engine = std::move(opened).value();
  const auto run = [&](const std::string& gid, const std::string& payload) {
    Definition definition;
    definition.gid = gid;
    definition.options.wait_result = true;
    append_saga_steps(definition, {{"local://ship", "local://ship", ""}, {"local://pay", "local://pay", payload}});
    return await<Done>([&](auto done) { engine->submit(std::move(definition), std::move(done)); });
  };
  CHECK(run("a", "some"));
  // The compensation of what refused is the same function, which refuses again: it is retried for ever.
  const Result<Done> refused = run("b", "too much");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "url:local://pay return failed: refused FAILURE");
  const auto status = await<std::optional<StoredTransaction>>([&](auto done) { engine->query("a", std::move(done)); });
  CHECK(status.value()->state.status == GlobalStatus::succeed);
}
