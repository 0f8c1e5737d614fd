// A whole engine in a simulated world, for tests of the runtime: one thread, a clock that stands still, a scripted
// participant, a store whose writes can fail.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "settle/engine.hpp"
#include "settle/storage/memory.hpp"
#include "settle/testing/simulated_world.hpp"
#include "tests/support/fake_ports.hpp"

namespace settle::testing {

using Calls = std::vector<std::string>;

// What a completion was given, once it was.
template <class T>
struct Answer {
  std::optional<Result<T>> result;
  Completion<T> slot() {
    return [this](Result<T> value) {
      REQUIRE_FALSE(result);
      result = std::move(value);
    };
  }
  bool came() const { return result.has_value(); }
  bool ok() const { return result && *result; }
  std::string message() const { return result && !*result ? result->error().message : ""; }
  std::optional<Code> code() const { return result && !*result ? std::optional(result->error().code) : std::nullopt; }
};

struct EngineWorld {
  explicit EngineWorld(EngineOptions with = {}) : options(with) { open(); }
  ~EngineWorld() { close(); }

  void open() {
    Ports ports{.store = store, .callers = {participant.port()}};
    ports.callers.insert(ports.callers.end(), more_callers.begin(), more_callers.end());
    ports.clock = &process;
    ports.shards = {&loop};
    ports.committer = ports.reader = &loop;
    ports.make_random = [] { return std::make_unique<CountingRandom>(); };
    ports.alert = [this](Alert alert) { alerts.push_back(std::move(alert)); };
    engine = std::move(Engine::open(std::move(ports), options)).value();
    simulated.run();
  }
  void close() {
    if (!engine) return;
    bool stopped = false;
    engine->stop(0, [&stopped] { stopped = true; });
    simulated.run();
    simulated.advance_ms(0);
    CHECK(stopped);
    engine.reset();
  }
  // The process dies: what it had in memory is gone, and it says goodbye to nobody.
  void crash() {
    process.kill();
    engine.reset();
    participant.drop_held();
    process.start();
  }

  std::optional<StoredTransaction> query(const std::string& gid) {
    Answer<std::optional<StoredTransaction>> answer;
    engine->query(gid, answer.slot());
    simulated.run();
    REQUIRE(answer.ok());
    return answer.result->value();
  }
  GlobalStatus status(const std::string& gid) {
    const auto stored = query(gid);
    REQUIRE(stored);
    return stored->state.status;
  }

  SimulatedWorld simulated;
  SimulatedProcess& process = simulated.add_process();
  SimulatedExecutor& loop = process.add_executor();
  ScriptedParticipant participant;
  std::unique_ptr<Store> memory = make_memory_store();
  FaultyStore store{*memory};
  EngineOptions options;
  std::vector<CallerPort> more_callers;  // for open()
  std::vector<Alert> alerts;
  std::unique_ptr<Engine> engine;
};

inline Definition saga(std::string gid, std::size_t steps = 2) {
  Definition definition;
  definition.gid = std::move(gid);
  std::vector<SagaStep> list(steps);
  for (std::size_t i = 0; i < steps; ++i) {
    list[i] = {"test://s/do" + std::to_string(i + 1), "test://s/undo" + std::to_string(i + 1), "{}"};
  }
  append_saga_steps(definition, std::move(list));
  return definition;
}

inline Definition waiting_saga(std::string gid, std::size_t steps = 2) {
  Definition definition = saga(std::move(gid), steps);
  definition.options.wait_result = true;
  return definition;
}

}  // namespace settle::testing
