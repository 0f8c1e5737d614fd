// Faults planted on purpose, to show that the simulator finds such: settle-sim-planted has them, settle-sim does not.
#pragma once

#include <cstdint>
#include <string_view>

namespace settle::sim {

// Those that sit between the engine and the world. Those in the engine are in engine/core/plants.hpp.
enum class WrapperPlant : std::uint8_t {
  none,
  lose_group,           // the store says that a group is applied, and drops it
  lose_unsynced,        // the store says so before it is synced: a crash loses it
  write_without_owner,  // a write does not compare the owner
  claim_without_lease,  // a claim takes no lease
  timeout_is_failure,   // a call that was not answered in time counts as refused
};

}  // namespace settle::sim
