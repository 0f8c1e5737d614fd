#include "sim/faults.hpp"

#include <algorithm>

namespace settle::sim {
namespace {

constexpr std::array<std::string_view, kFaultCount> kNames = {
    "lost_request", "lost_answer",    "slow_network", "duplicate",    "error_before",  "error_after",  "ongoing",
    "refusal",      "hang",           "slow_store",   "write_fails",  "write_unknown", "repair_fails", "read_fails",
    "crash",        "crash_in_write", "restart",      "pause",        "stall",         "client_dies",  "impatience",
    "rival",        "force_stop",     "clock_offset", "clock_beyond", "clock_drift",   "clock_step",   "stuck"};

}  // namespace

std::string_view to_string(Fault fault) { return kNames[index_of(fault)]; }

std::optional<Fault> parse_fault(std::string_view text) {
  const auto found = std::find(kNames.begin(), kNames.end(), text);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Fault>(found - kNames.begin());
}

}  // namespace settle::sim
