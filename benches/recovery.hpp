// How fast a server gets rid of what was unfinished when it was killed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "benches/measured_server.hpp"
#include "benches/report.hpp"
#include "settle/result.hpp"

namespace settle::bench {

// Starts the server and submits so many sagas, whose participant answers every call with an error until all are in. The
// server is killed; when every saga's next try is overdue it is started again, with a participant that is well. The
// clock runs until the last action was called. What has no call for limit_ns is given up, and counts as left behind.
Result<Measurement> measure_recovery(const ServerChoice& choice, std::size_t count, std::int64_t limit_ns);

}  // namespace settle::bench
