// Corners of the modes in the simulated world: what is durable when, what is shown, who is answered, and when.
#include <deque>
#include <string>
#include <utility>

#include "settle/local_branches.hpp"
#include "settle/testing/seeded_random.hpp"
#include "settle/waiting.hpp"
#include "tests/support/engine_client.hpp"

using namespace settle;
using namespace settle::testing;
using World = EngineWorld;

namespace {

Definition delayed(Definition definition, std::int64_t seconds) {
  definition.delay_s = seconds;
  definition.custom_data = R"({"delay":)" + std::to_string(seconds) + "}";
  return definition;
}

Registration branch(const char* branch_id) { return {branch_id, "{}", "test://s/confirm", "test://s/cancel", ""}; }

Result<Done> subscribe(World& world, std::string url, std::string remark = {}) {
  return ask(world,
             [&](auto done) { world.engine->subscribe("t", std::move(url), std::move(remark), std::move(done)); });
}
Result<Done> send_to_topic(World& world, std::string gid) {
  Definition definition = of_type(TransType::msg, std::move(gid));
  append_message_actions(definition, {{"topic://t", "{}"}});
  return submit(world, std::move(definition));
}

// An executor that runs only when the test says so; its timers are those of another one.
class HeldExecutor final : public Executor {
 public:
  explicit HeldExecutor(Executor& timers) : timers_(timers) {}
  void post(Task task) override { tasks_.push_back(std::move(task)); }
  std::unique_ptr<Timer> make_timer(Task on_fire) override { return timers_.make_timer(std::move(on_fire)); }
  void run() {
    while (!tasks_.empty()) {
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }

 private:
  Executor& timers_;
  std::deque<Task> tasks_;
};

// An engine of which one part, the shard or the committer, runs only when the test says so.
struct HeldWorld {
  enum class Part { shard, committer };

  explicit HeldWorld(Part part) {
    Ports ports{.store = store, .callers = {participant.port()}};
    ports.clock = &process;
    ports.shards = {part == Part::shard ? static_cast<Executor*>(&held) : &loop};
    ports.committer = part == Part::committer ? static_cast<Executor*>(&held) : &loop;
    ports.reader = &loop;
    ports.make_random = [] { return std::make_unique<SeededRandom>(1); };
    engine = std::move(Engine::open(std::move(ports), {})).value();
    settle_all();
  }
  ~HeldWorld() {
    bool stopped = false;
    engine->stop(0, [&stopped] { stopped = true; });
    settle_all();
    simulated.advance_ms(0);
    settle_all();
    CHECK(stopped);
  }
  void settle_all() {
    for (int i = 0; i < 50; ++i) {
      held.run();
      simulated.run();
    }
  }

  SimulatedWorld simulated;
  SimulatedProcess& process = simulated.add_process();
  SimulatedExecutor& loop = process.add_executor();
  HeldExecutor held{loop};
  ScriptedParticipant participant;
  std::unique_ptr<Store> memory = make_memory_store();
  FaultyStore store{*memory};
  std::unique_ptr<Engine> engine;
};

}  // namespace

TEST_CASE("corner/failed write: what is pushed while the repair is not known yet fails whole -> read again, goes on") {
  HeldWorld world(HeldWorld::Part::shard);
  Answer<Done> prepared, broken, first, second;
  world.engine->prepare(of_type(TransType::tcc, "g"), prepared.slot());
  world.settle_all();
  REQUIRE(prepared.ok());
  world.store.fail_writes = world.store.fail_repairs = true;
  world.engine->submit(saga("other"), broken.slot());
  world.settle_all();
  world.simulated.advance_ms(0);
  world.settle_all();
  CHECK(broken.code() == Code::unavailable);

  world.store.fail_repairs = false;
  world.engine->register_branch("g", TransType::tcc, branch("01"), BranchStatus::prepared, first.slot());
  world.simulated.advance_ms(200);  // repaired, but the shard has not looked yet
  REQUIRE_FALSE(world.store.fail_writes);
  world.engine->register_branch("g", TransType::tcc, branch("02"), BranchStatus::prepared, second.slot());
  world.settle_all();
  CHECK(first.code() == Code::unavailable);
  Answer<std::optional<StoredTransaction>> query;
  world.engine->query("g", query.slot());
  world.settle_all();
  REQUIRE(query.ok());
  CHECK(query.result->value()->state.status == GlobalStatus::prepared);
  CHECK(query.result->value()->registrations.size() == (second.ok() ? 1 : 0));
  world.simulated.advance_ms(40'000);
  world.settle_all();
  Answer<std::optional<StoredTransaction>> later;
  world.engine->query("g", later.slot());
  world.settle_all();
  REQUIRE(later.ok());
  CHECK(later.result->value()->state.status == GlobalStatus::failed);  // its timeout came as ever
}

TEST_CASE("corner/wait_result: a delayed message, new or prepared -> answered at once that it is not done") {
  World world;
  Definition definition = delayed(message("new", 1), 1'800);
  definition.options.wait_result = true;
  CHECK(submit(world, definition).error().message == "wait result not return success: FAILURE");
  REQUIRE(prepare(world, message("prepared", 1)));
  definition.gid = "prepared";
  CHECK(submit(world, definition).error().message == "wait result not return success: FAILURE");
}

TEST_CASE(
    "corner/wait_result: concurrent, one errs and another succeeds after it -> the error's words, kept for query") {
  World world;
  Definition definition = message("g", 2);
  definition.concurrent = definition.options.concurrent = definition.options.wait_result = true;
  world.participant.reply("01 action", {CallResult::unknown, "boom"});
  const Error answer = submit(world, definition).error();
  CHECK(answer.code == Code::internal);
  CHECK(answer.message.ends_with("unkown result will be retried: boom"));
  CHECK(world.query("g")->state.last_error == "boom");
  CHECK(world.query("g")->state.errors == 1);
  world.simulated.advance_ms(25'000);
  CHECK(world.status("g") == GlobalStatus::succeed);
}

TEST_CASE("corner/wait_result: submitted again during the first pass -> answered after the first, and it backs off") {
  World world;
  for (int i = 0; i < 2; ++i) world.participant.reply("01 action", {.hold = true});
  Answer<Done> waiting;
  world.engine->submit(waiting_saga("g", 1), waiting.slot());
  world.simulated.run();
  CHECK(submit(world, saga("g", 1)));
  world.participant.release(CallResult::unknown, "broken");
  world.simulated.run();
  CHECK(waiting.code() == Code::failure);
  CHECK(world.participant.take_calls() == Calls{"g 01 action", "g 01 action"});
  world.participant.release(CallResult::unknown, "broken");
  world.simulated.run();
  CHECK(world.query("g")->state.retry_interval_ms == 40'000);
}

TEST_CASE(
    "corner/topics: a write whose outcome was unknown took effect -> shown, and refused only by what is certain") {
  World world;
  world.store.fail_after_applying = world.store.fail_repairs = true;
  CHECK(subscribe(world, "test://s/one").error().code == Code::unavailable);
  CHECK(subscribe(world, "test://s/one").error().code == Code::unavailable);
  world.store.fail_repairs = false;
  world.simulated.advance_ms(1'000);
  CHECK(send_to_topic(world, "g"));
  CHECK(subscribe(world, "test://s/one").error().message == "this url exists");
}

TEST_CASE("corner/topics: what is not UTF-8, or too long -> refused; the topic goes on working, after a restart too") {
  World world;
  REQUIRE(subscribe(world, "test://s/one"));
  CHECK(subscribe(world, "test://s/two", "caf\xe9").error().message == "remark: is not valid UTF-8");
  CHECK(subscribe(world, "test://s/\xff").error().message == "url: is not valid UTF-8");
  CHECK(subscribe(world, "test://s/" + std::string(3'000, 'x')).error().code == Code::invalid);
  world.close();
  world.open();
  CHECK(send_to_topic(world, "g"));
}

TEST_CASE("corner/overload: what was prepared and is worked on counts") {
  EngineOptions options;
  options.active_max = 2;
  World world(options);
  for (const char* gid : {"a", "b"}) {
    REQUIRE(prepare(world, of_type(TransType::tcc, gid)));
    REQUIRE(ask(world, [&](auto done) {
      world.engine->register_branch(gid, TransType::tcc, branch("01"), BranchStatus::prepared, std::move(done));
    }));
    world.participant.reply("01 confirm", {.hold = true});
    REQUIRE(submit(world, of_type(TransType::tcc, gid)));
  }
  CHECK(world.engine->statistics().active == 2);
  CHECK(world.engine->statistics().calls_in_flight == 2);
  CHECK(submit(world, saga("more")).error().code == Code::overloaded);
  while (world.participant.release(CallResult::success)) {
  }
  world.simulated.run();
  CHECK(submit(world, saga("more")));
}

TEST_CASE("corner/delay: a wall clock that steps back does not start it again") {
  World world;
  REQUIRE(submit(world, delayed(message("g", 1), 60)));
  world.process.step_wall_clock_ms(-3'600'000);
  world.simulated.advance_ms(61'000);
  CHECK(world.participant.take_calls() == Calls{"g 01 action"});
}

TEST_CASE("corner/workflow: progress is shown to who prepares it again only when it is durable") {
  HeldWorld world(HeldWorld::Part::committer);
  Answer<StoredTransaction> fresh, again;
  Answer<Done> registered;
  world.engine->prepare_workflow(workflow("g"), fresh.slot());
  world.settle_all();
  REQUIRE(fresh.ok());
  world.engine->register_branch("g", TransType::workflow, {"01", "paid", "", "", "action"}, BranchStatus::succeed,
                                registered.slot());
  world.engine->prepare_workflow(workflow("g"), again.slot());
  world.simulated.run();
  CHECK_FALSE(registered.came());
  CHECK_FALSE(again.came());
  world.settle_all();
  CHECK(registered.ok());
  REQUIRE(again.ok());
  CHECK(again.result->value().registrations.size() == 1);
}

TEST_CASE("corner/workflow: the process dies while one is being created -> nothing is left in memory") {
  World world;
  Answer<StoredTransaction> answer;
  world.engine->prepare_workflow(workflow("g"), answer.slot());
  world.simulated.run_one();
  world.crash();
  world.open();
  CHECK_FALSE(answer.came());
  CHECK_FALSE(world.query("g"));
}

TEST_CASE("corner/crash: the process dies with answers on their way to a shard -> nothing is left in memory") {
  World world;
  LocalBranches branches;  // whose caller keeps the completion
  BranchCompletion kept;
  branches.add("silent", [&kept](const BranchCall&, BranchCompletion done) { kept = std::move(done); });
  world.close();
  world.more_callers = {branches.port()};
  world.open();
  Definition definition = saga("g", 1);
  definition.branches[1].url = "local://silent";
  REQUIRE(submit(world, std::move(definition)));
  REQUIRE(kept);
  Answer<std::optional<StoredTransaction>> answer;
  world.engine->query("unknown", answer.slot());
  for (int i = 0; i < 2; ++i) world.simulated.run_one();  // the shard has asked, and the reader has answered
  world.crash();
  kept = nullptr;
  CHECK_FALSE(answer.came());
}

TEST_CASE("corner/make_all_due: one that somebody waits for is made due like any other") {
  World world;
  world.participant.reply("01 action", {CallResult::ongoing, ""});
  Definition definition = saga("g");
  definition.options.retry_interval_s = 5'000;
  REQUIRE(submit(world, definition));
  Answer<GlobalStatus> waiting;
  world.engine->wait("g", waiting.slot());
  world.simulated.run();
  Answer<MadeDue> made_due;
  world.engine->make_all_due(1'000'000, 100, made_due.slot());
  world.simulated.run();
  CHECK(made_due.result->value().count == 1);
  CHECK(waiting.ok());
}

TEST_CASE("corner/waiting_for: a rollback waits for the compensation, whatever went wrong before it") {
  World world;
  Definition definition = saga("g", 1);
  definition.options.retry_limit = 1;
  for (int i = 0; i < 2; ++i) world.participant.reply("01 action", {CallResult::unknown, "boom"});
  world.participant.reply("01 compensate", {.hold = true});
  REQUIRE(submit(world, definition));
  const auto waiting = waiting_for(*world.query("g"));
  REQUIRE(waiting);
  CHECK(waiting->what == "branch 01 to answer compensate");
  CHECK(waiting->last_error.empty());
  CHECK(waiting->next_try_ms == 0);
  world.participant.release(CallResult::success);
  world.simulated.run();
  CHECK_FALSE(waiting_for(*world.query("g")));
}

TEST_CASE("corner/register: a branch of a tcc is known by its id alone") {
  World world;
  REQUIRE(prepare(world, of_type(TransType::tcc, "g")));
  const auto enlist = [&](const char* operation) {
    Registration registration = branch("01");
    registration.operation = operation;
    return ask(world, [&](auto done) {
      world.engine->register_branch("g", TransType::tcc, registration, BranchStatus::prepared, std::move(done));
    });
  };
  CHECK(enlist("try"));
  CHECK(enlist("").error().code == Code::conflict);
  CHECK(world.query("g")->branch(1).operation == "confirm");
}

TEST_CASE("corner/stop: listings and topics are refused after it") {
  World world;
  bool stopped = false;
  world.engine->stop(0, [&stopped] { stopped = true; });
  world.simulated.run();
  world.simulated.advance_ms(0);
  REQUIRE(stopped);
  CHECK(subscribe(world, "test://s/one").error().code == Code::unavailable);
  Answer<ScanPage> page;
  world.engine->list({}, "", 10, page.slot());
  world.simulated.run();
  CHECK(page.code() == Code::unavailable);
}
