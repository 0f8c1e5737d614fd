#include <algorithm>
#include <array>

#include "engine/core/plants.hpp"
#include "sim/plants.hpp"

namespace settle::sim {
namespace {

constexpr std::array<std::string_view, 6> kWrapperNames = {
    "none", "claim_without_lease", "lose_group", "lose_unsynced", "timeout_is_failure", "write_without_owner"};

}  // namespace

std::vector<std::string_view> plant_names() {
  std::vector<std::string_view> names(kPlantNames.begin() + 1, kPlantNames.end());
  names.insert(names.end(), kWrapperNames.begin() + 1, kWrapperNames.end());
  return names;
}

std::optional<WrapperPlant> plant(std::string_view name) {
  const auto in_engine = std::find(kPlantNames.begin(), kPlantNames.end(), name);
  if (in_engine != kPlantNames.end()) {
    chosen_plant() = static_cast<Plant>(in_engine - kPlantNames.begin());
    return WrapperPlant::none;
  }
  const auto in_wrapper = std::find(kWrapperNames.begin(), kWrapperNames.end(), name);
  if (in_wrapper == kWrapperNames.end()) return std::nullopt;
  return static_cast<WrapperPlant>(in_wrapper - kWrapperNames.begin());
}

}  // namespace settle::sim
