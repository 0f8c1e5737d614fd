// One coordinator: the production engine on threads that the world runs, through its lives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "settle/engine.hpp"
#include "sim/database.hpp"
#include "sim/network.hpp"
#include "sim/server_store.hpp"

namespace settle::sim {

class SimulatedServer {
 public:
  SimulatedServer(Surroundings& around, Network& network, Database& database, std::size_t number);
  ~SimulatedServer();

  void open();
  // The process is gone; it comes again after that time.
  void crash(std::int64_t for_ms);
  // It stops gracefully, and comes again.
  void restart(std::int64_t for_ms);
  void pause(std::int64_t for_ms);
  void stall(std::size_t executor, std::int64_t for_ms);
  void break_store(std::int64_t for_ms);
  void step_wall_clock_ms(std::int64_t by_ms) { process_.step_wall_clock_ms(by_ms); }
  // To be called between two steps of the world: buries one that died in a step.
  void look_after();

  // Null while it is down. Requests come on api().
  Engine* engine() { return process_.alive() ? engine_.get() : nullptr; }
  testing::SimulatedExecutor& api() { return *api_; }
  testing::SimulatedProcess& process() { return process_; }
  int number() const { return static_cast<int>(number_); }
  bool has_work() const { return process_.has_work(); }
  bool up() const { return process_.alive() && engine_ != nullptr && !stopping_ && !process_.paused(); }

 private:
  ProcessPort process_port();
  void bury(std::int64_t for_ms);
  void note(const char* what);

  Surroundings& around_;
  Network& network_;
  Database& database_;
  const std::size_t number_;
  testing::SimulatedProcess& process_;
  std::vector<testing::SimulatedExecutor*> shards_;
  testing::SimulatedExecutor* committer_;
  testing::SimulatedExecutor* reader_;
  testing::SimulatedExecutor* api_;
  std::unique_ptr<ServerStore> store_;
  std::unique_ptr<Engine> engine_;
  bool stopping_ = false;
  bool stopped_ = false;
  std::int64_t down_for_ms_ = 0;
};

}  // namespace settle::sim
