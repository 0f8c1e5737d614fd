// The load of `settle-bench grpc`: clients over a few channels and the participant that their branches call, on one
// thread that serves one completion queue.
#pragma once

#include <cstddef>
#include <memory>

#include "benches/load.hpp"
#include "settle/result.hpp"

namespace settle::bench {

// With a number of channels bound, a StartLoad. Works unchanged with any server that speaks DTM's API.
Result<std::unique_ptr<Load>> start_grpc_load(const LoadPlan& plan, std::size_t channels, const GidSeries& gids,
                                              CheckedTransactions& transactions);

}  // namespace settle::bench
