// The load of `settle-bench http`: clients over kept connections and the participant that their branches call, on one
// thread.
#pragma once

#include <memory>

#include "benches/load.hpp"
#include "settle/result.hpp"

namespace settle::bench {

// A StartLoad. Works unchanged with any server that speaks DTM's API.
Result<std::unique_ptr<Load>> start_http_load(const LoadPlan& plan, const GidSeries& gids,
                                              CheckedTransactions& transactions);

}  // namespace settle::bench
