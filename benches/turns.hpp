// Servers that are measured turn by turn, so that what else the machine does hits all of them.
#pragma once

#include <cstddef>
#include <vector>

#include "benches/load.hpp"
#include "benches/measured_server.hpp"
#include "benches/report.hpp"
#include "settle/result.hpp"

namespace settle::bench {

// Each in a fresh folder, started, measured and stopped, `rounds` times; says on standard error whose turn it is. One
// summary for each, with how many times as fast the first is.
Result<std::vector<Measurement>> take_turns(const std::vector<ServerChoice>& subjects, std::size_t rounds,
                                            const LoadPlan& plan, const StartLoad& start);

// Whether what should be durable was kept in memory.
bool is_volatile(const Measurement& measurement, const ServerChoice& choice);

}  // namespace settle::bench
