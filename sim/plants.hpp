// Faults planted on purpose, to show that the simulator finds such: settle-sim-planted has them, settle-sim does not.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace settle::sim {

// Those that sit between the engine and the world. Those in the engine are in engine/core/plants.hpp.
enum class WrapperPlant : std::uint8_t {
  none,
  claim_without_lease,  // a claim takes no lease
  lose_group,           // the store says that a group is applied, and drops it
  lose_unsynced,        // the store says so before it is synced: a crash loses it
  timeout_is_failure,   // a call that was not answered in time counts as refused
  write_without_owner,  // a write does not compare the owner
};

// All that this program has.
std::vector<std::string_view> plant_names();
// Plants it for all runs from now on, and says what of it sits in the wrappers; nothing where it has none of that name.
std::optional<WrapperPlant> plant(std::string_view name);

}  // namespace settle::sim
