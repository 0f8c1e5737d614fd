// Makes a run that found something smaller, as long as it finds the same.
#pragma once

#include <cstdint>
#include <string>

#include "sim/options.hpp"

namespace settle::sim {

// Leaves out faults, incidents and transactions, many at once and then one by one, while a violation of `rule` remains.
Selection minimise(std::uint64_t seed, const SimOptions& options, const std::string& rule);

}  // namespace settle::sim
