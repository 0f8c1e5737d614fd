// One run from the first transaction to the end of all.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/faults.hpp"
#include "sim/history.hpp"
#include "sim/plan.hpp"
#include "sim/plants.hpp"

namespace settle::sim {

// What a checker found.
struct Violation {
  std::string rule;
  int tx = -1;  // -1: of none
  std::string what;
};

struct RunResult {
  std::uint64_t hash = 0;  // of everything that was seen, in order
  std::uint64_t steps = 0;
  FaultCounts faults{};
  History history;
  std::vector<Violation> violations;
};

RunResult run(const RunPlan& plan, WrapperPlant plant = WrapperPlant::none);

}  // namespace settle::sim
