// Several engines on one shared store in a simulated world, for tests of the runtime.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "settle/testing/seeded_random.hpp"
#include "tests/support/engine_world.hpp"

namespace settle::testing {

inline Definition tcc(const std::string& gid) {
  Definition definition;
  definition.gid = gid;
  definition.type = TransType::tcc;
  return definition;
}

inline Registration registration(const std::string& branch_id) {
  return {branch_id, "{}", "test://s/confirm", "test://s/cancel", ""};
}

// Engines with a participant each, in one simulated world on one store.
struct Servers {
  explicit Servers(EngineOptions with = {}, std::size_t count = 2) : options(with) {
    options.retry_jitter_max = 0;
    for (std::size_t i = 0; i < machines.size(); ++i) {
      machines[i] = &simulated.add_process();
      loops[i] = &machines[i]->add_executor();
    }
    for (std::size_t i = 0; i < count; ++i) open(i);
  }
  ~Servers() {
    for (std::size_t i = 0; i < engines.size(); ++i) close(i);
  }

  void open(std::size_t i) {
    Ports ports{.store = *stores[i], .callers = {participants[i].port()}};
    ports.clock = machines[i];
    ports.shards = {loops[i]};
    ports.committer = ports.reader = loops[i];
    ports.process = processes[i];
    ports.make_random = [seed = ++opened] { return std::make_unique<SeededRandom>(seed); };
    engines[i] = std::move(Engine::open(std::move(ports), options)).value();
    simulated.run();
  }
  void close(std::size_t i) {
    if (!engines[i]) return;
    bool stopped = false;
    engines[i]->stop(0, [&stopped] { stopped = true; });
    simulated.run();
    simulated.advance_ms(0);
    CHECK(stopped);
    engines[i].reset();
  }
  // The process dies.
  void crash(std::size_t i) {
    machines[i]->kill();
    engines[i].reset();
    participants[i].drop_held();
    machines[i]->start();
  }

  StoredTransaction stored(const std::string& gid) {
    auto found = memory->load(gid);
    REQUIRE(found);
    REQUIRE(found.value());
    return *found.value();
  }
  GlobalStatus status(const std::string& gid) { return stored(gid).state.status; }
  GlobalStatus status_at(std::size_t i, const std::string& gid) {
    Answer<std::optional<StoredTransaction>> answer;
    engines[i]->query(gid, answer.slot());
    simulated.run();
    REQUIRE(answer.ok());
    REQUIRE(answer.result->value());
    return answer.result->value()->state.status;
  }
  void prepare_tcc(const std::string& gid) {
    Answer<Done> prepared;
    engines[0]->prepare(tcc(gid), prepared.slot());
    simulated.run();
    REQUIRE(prepared.ok());
  }
  // Runs nothing.
  void register_at(std::size_t i, const std::string& gid, const std::string& branch_id, Answer<Done>& answer) {
    engines[i]->register_branch(gid, TransType::tcc, registration(branch_id), BranchStatus::prepared, answer.slot());
  }
  void submit(std::size_t i, Definition definition, Answer<Done>& answer) {
    engines[i]->submit(std::move(definition), answer.slot());
    simulated.run();
  }

  SimulatedWorld simulated;
  std::array<SimulatedProcess*, 3> machines{};
  std::array<SimulatedExecutor*, 3> loops{};
  std::array<ScriptedParticipant, 3> participants;
  std::unique_ptr<Store> memory = make_shared_memory_store();
  std::array<std::unique_ptr<FaultyStore>, 3> stores = {std::make_unique<FaultyStore>(*memory),
                                                        std::make_unique<FaultyStore>(*memory),
                                                        std::make_unique<FaultyStore>(*memory)};
  std::array<ProcessPort, 3> processes;  // for open()
  EngineOptions options;
  std::size_t opened = 0;
  std::array<std::unique_ptr<Engine>, 3> engines;
};

}  // namespace settle::testing
