// What everything in one run shares: the world, the plan, the history, and how faults are drawn.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "settle/testing/simulated_world.hpp"
#include "sim/faults.hpp"
#include "sim/history.hpp"
#include "sim/participants.hpp"
#include "sim/plan.hpp"
#include "sim/plants.hpp"

namespace settle::sim {

struct Surroundings {
  explicit Surroundings(RunPlan of, WrapperPlant planted_fault)
      : plan(std::move(of)), plant(planted_fault), world(plan.seed), random(plan.seed ^ 0x5EEDull) {}

  bool calm() const { return world.now_ms() >= plan.faults_end_ms; }
  // Whether this fault happens here; it is counted then.
  bool draw(testing::SeededRandom& from, Fault fault) {
    const std::uint32_t chance = plan.per_mille[index_of(fault)];
    if (chance == 0 || calm() || !from.per_mille(chance)) return false;
    count(fault);
    return true;
  }
  void count(Fault fault) { ++faults[index_of(fault)]; }
  void note(Event event) {
    event.at_ms = world.now_ms();
    history.add(std::move(event));
  }
  // Of one call or request, so that others may be left out without changing what becomes of it.
  testing::SeededRandom random_of(int tx, std::uint64_t what, std::uint64_t attempt) const {
    testing::SeededRandom mixed(plan.seed * 1'000'003 + static_cast<std::uint64_t>(tx) * 7'919 + what * 104'729 +
                                attempt * 1'299'709);
    return mixed.fork();
  }

  const RunPlan plan;
  const WrapperPlant plant;
  testing::SimulatedWorld world;
  testing::SeededRandom random;
  Participants participants;
  History history;
  FaultCounts faults{};
  std::vector<const testing::SimulatedProcess*> processes;  // of the coordinators, by number
};

// The number of a gid.
inline int number_of(const std::string& gid) { return std::stoi(gid.substr(1)); }

}  // namespace settle::sim
