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
#include "settle/testing/test_coordinator.hpp"

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

// A TestCoordinator with names for its parts, as the engine's tests use them.
struct EngineWorld {
  explicit EngineWorld(EngineOptions with = {})
      : coordinator({.engine = with, .participant_schemes = {"test"}, .store = memory.get()}) {}
  ~EngineWorld() { close(); }

  void open() { REQUIRE(coordinator.reopen()); }
  void close() { coordinator.stop(); }
  void crash() { coordinator.crash(); }

  std::optional<StoredTransaction> query(const std::string& gid) { return coordinator.find(gid); }
  GlobalStatus status(const std::string& gid) {
    const auto status = coordinator.status(gid);
    REQUIRE(status);
    return *status;
  }

  // What is there only while it runs.
  struct RunningEngine {
    TestCoordinator& coordinator;
    Engine* operator->() const {
      REQUIRE(coordinator.running());
      return &coordinator.engine();
    }
  };

  std::unique_ptr<Store> memory = make_memory_store();
  TestCoordinator coordinator;
  RunningEngine engine{coordinator};
  SimulatedWorld& simulated = coordinator.world();
  SimulatedProcess& process = coordinator.process();
  SimulatedExecutor& loop = coordinator.executor();
  ScriptedParticipant& participant = coordinator.participant();
  FaultyStore& store = coordinator.store();
  EngineOptions& options = coordinator.options().engine;
  std::vector<CallerPort>& more_callers = coordinator.options().callers;  // for open()
  const std::vector<Alert>& alerts = coordinator.alerts();
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
