// Many seeds, on several threads.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/options.hpp"
#include "sim/run.hpp"

namespace settle::sim {

struct Failure {
  std::uint64_t seed = 0;
  Violation violation;  // the first
};

struct SweepResult {
  std::uint64_t seeds = 0;
  std::uint64_t transactions = 0;
  std::uint64_t steps = 0;
  FaultCounts faults{};
  std::vector<Failure> failures;  // by seed
  double seconds = 0;
};

// A run of what is left of the seed's plan. `options.twice`: a second one must go the same way; where it does not, that
// is a violation of the rule `replay`.
RunResult run_seed(std::uint64_t seed, const SimOptions& options);

// Shows how far it is, where stderr is a terminal.
SweepResult sweep(const SimOptions& options);

void print_summary(const SweepResult& result, const SimOptions& options);

}  // namespace settle::sim
