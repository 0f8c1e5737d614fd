// A coordinator for tests of sagas and of whatever else a program hands to an engine: a whole engine on one thread,
// with participants that the test scripts, a clock that stands still until it is moved, and a store that outlives
// crashes.
//
//   settle::testing::TestCoordinator coordinator;
//   coordinator.participant().reply("02 action", {.result = settle::CallResult::failure, .text = "no money"});
//   const auto answer = coordinator.submit(make_order("g1"));
//   coordinator.finish("g1");
//   … coordinator.status("g1") == settle::GlobalStatus::failed …
//
// examples/test_a_saga/ is a whole test. Nothing here depends on a test framework; docs/testing.md tells more.
//
// Threads: everything belongs to one thread, and everything that the engine does happens inside a member of this, so
// completions and the participant's functions are invoked there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "settle/engine.hpp"
#include "settle/testing/faulty_store.hpp"
#include "settle/testing/scripted_participant.hpp"
#include "settle/testing/simulated_world.hpp"

namespace settle::testing {

// What a request came to, once it has: nothing yet, a value, or an Error. Copies tell the same.
template <class T>
class Outcome {
 public:
  bool came() const { return state_->has_value(); }
  bool ok() const { return came() && static_cast<bool>(**state_); }
  // Only where it came.
  const Result<T>& result() const { return **state_; }
  // Of an error; nothing and "" where there is none.
  std::optional<Code> code() const { return is_error() ? std::optional(result().error().code) : std::nullopt; }
  std::string message() const { return is_error() ? result().error().message : std::string(); }

  // To be given to the engine, once. An engine that answers twice ends the program.
  Completion<T> slot() {
    return [state = state_](Result<T> result) {
      if (state->has_value()) {
        std::fputs("settle::testing::Outcome: a request was answered twice\n", stderr);
        std::abort();
      }
      *state = std::move(result);
    };
  }

 private:
  bool is_error() const { return came() && !ok(); }
  std::shared_ptr<std::optional<Result<T>>> state_ = std::make_shared<std::optional<Result<T>>>();
};

struct TestCoordinatorOptions {
  // Retries are not jittered here, so that they come at the millisecond; request_timeout_ms and the like as ever.
  EngineOptions engine = {.retry_jitter_max = 0};
  // Callers beside the participant, such as LocalBranches::port(), whose functions then run for real.
  std::vector<CallerPort> callers;
  // Of the urls that the participant answers; none: all that no caller takes.
  std::vector<std::string> participant_schemes;
  // Must outlive the coordinator. None: one in memory.
  Store* store = nullptr;
  // Of gids and jitter: the same seed, the same run.
  std::uint64_t seed = 1;
};

class TestCoordinator {
 public:
  // Opens the engine on the store. Ends the program, with the reason on stderr, where the store cannot be read.
  explicit TestCoordinator(TestCoordinatorOptions options = {});
  // Stops it, where it runs.
  ~TestCoordinator();
  TestCoordinator(const TestCoordinator&) = delete;
  TestCoordinator& operator=(const TestCoordinator&) = delete;

  // ---- what clients do: each runs the engine until it rests, without letting time pass ------------------------------

  Outcome<Done> submit(Definition definition);
  // Anything else that an engine is asked for:
  //   coordinator.ask<Done>([](Engine& engine, auto done) { engine.abort("g1", TransType::tcc, "", std::move(done));
  //   });
  // No answer comes while it is not running.
  template <class T, class Ask>
  Outcome<T> ask(Ask ask_engine) {
    Outcome<T> outcome;
    if (running()) ask_engine(*engine_, outcome.slot());
    run();
    return outcome;
  }

  // As `query` shows it, or, while it is not running, as it is stored. Nothing where there is no such gid, and where
  // it cannot be read.
  std::optional<StoredTransaction> find(const std::string& gid);
  std::optional<GlobalStatus> status(const std::string& gid);

  // ---- time
  // -----------------------------------------------------------------------------------------------------------

  // Until nothing is left to be done now.
  void run() { world_.run(); }
  // Lets time pass: retries, timeouts and hanging calls come at their time.
  void advance_ms(std::int64_t by_ms) { world_.advance_ms(by_ms); }
  // Lets time pass until that transaction has ended, but no more than that. Whether it has.
  bool finish(const std::string& gid, std::int64_t within_ms = 86'400'000);
  // Does so many steps, each the least that a crash can come behind: one task of the engine's, or, where none is left,
  // the passing of time up to the next one, but no more than that. False where there were not as many: it rests.
  bool run_steps(std::size_t count, std::int64_t within_ms = 0);

  // ---- crashes
  // --------------------------------------------------------------------------------------------------------

  // Kills it, as kill -9 would: what is not stored is gone. May be called by a function of the participant, too, whose
  // call then never gets an answer. Answers that are held back are dropped.
  void crash();
  // Stops it gracefully. The calls in flight are not waited for.
  void stop();
  // Starts it (again) on the same store; stops it first where it runs. Code::internal, and it does not run, where the
  // store cannot be read. Not to be called by a function of the participant.
  Result<Done> reopen();
  bool running() const { return engine_ != nullptr && !crashed_; }

  // ---- parts
  // ----------------------------------------------------------------------------------------------------------

  Engine& engine() { return *engine_; }  // only while it runs
  ScriptedParticipant& participant() { return participant_; }
  FaultyStore& store() { return store_; }  // in front of the one given, or of that in memory
  SimulatedWorld& world() { return world_; }
  SimulatedProcess& process() { return process_; }
  SimulatedExecutor& executor() { return executor_; }           // the engine's only one
  TestCoordinatorOptions& options() { return options_; }        // for the next reopen(); store and schemes stay
  const std::vector<Alert>& alerts() const { return alerts_; }  // told since the beginning

 private:
  TestCoordinatorOptions options_;
  SimulatedWorld world_;
  SimulatedProcess& process_ = world_.add_process();
  SimulatedExecutor& executor_ = process_.add_executor();
  ScriptedParticipant participant_;
  std::unique_ptr<Store> memory_;
  Store& stored_;
  FaultyStore store_;
  std::vector<Alert> alerts_;
  std::uint64_t opened_ = 0;
  bool crashed_ = false;
  std::unique_ptr<Engine> engine_;  // still there after a crash, whose task may have to end
};

}  // namespace settle::testing
