// The command line of settle-sim.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "sim/plan.hpp"
#include "sim/plants.hpp"

namespace settle::sim {

inline constexpr int kExitFine = 0;
inline constexpr int kExitFound = 1;
inline constexpr int kExitUsage = 2;

struct SimOptions {
  std::uint64_t first_seed = 1;
  std::uint64_t last_seed = 1;
  bool single = false;  // --seed: tells more of it
  std::size_t jobs = 1;
  bool trace = false;
  bool minimise = false;
  bool twice = false;
  bool first_only = false;
  Selection selection;
  WrapperPlant plant = WrapperPlant::none;
  std::string plant_name;  // empty: none
  std::string ledger;      // the file to be checked; empty: runs are looked at instead
};

// The options, or the status to exit with: after --help, or with a complaint on stderr.
std::variant<SimOptions, int> parse_options(const std::vector<std::string>& arguments);

// The command that runs this seed with this selection.
std::string replay_command(std::uint64_t seed, const Selection& selection, const std::string& plant_name);

}  // namespace settle::sim
