// The load of `settle-bench grpc`: clients over a few channels and the participant that their branches call, on one
// thread that serves one completion queue. That was the leanest of what gRPC offers: callbacks took a third more CPU,
// and so did reading the calls' messages, eight channels, or a queue for each thread of two, each a little; 64 channels
// took twice as much.
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
