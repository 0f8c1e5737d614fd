#include "sim/plants.hpp"

namespace settle::sim {

std::vector<std::string_view> plant_names() { return {}; }
std::optional<WrapperPlant> plant(std::string_view) { return std::nullopt; }

}  // namespace settle::sim
