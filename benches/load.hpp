// Clients, in a closed or an open loop, that run transactions on a server, and what it measures: the same over HTTP and
// over gRPC.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "benches/checked_transactions.hpp"
#include "benches/report.hpp"
#include "benches/socket.hpp"
#include "benches/transaction_shape.hpp"
#include "settle/result.hpp"

namespace settle::bench {

struct LoadedServer {
  Address http;
  std::uint16_t grpc_port = 0;
  pid_t pid = 0;  // 0: not known
};

struct LoadPlan {
  std::vector<LoadedServer> servers;    // of one store: one or more, and each client asks one of them
  std::uint16_t running_grpc_port = 0;  // of a server that is not started here
  pid_t store_pid = 0;                  // of the process that keeps its transactions; 0: there is none
  std::size_t clients = 64;
  Mode mode = Mode::saga;
  unsigned steps = 2;
  double rate = 0;  // transactions due a second; 0: a closed loop
  double seconds = 5;
  double warm_up_seconds = 1;
};

// Clients and a participant at work. Threads: one.
class Load {
 public:
  virtual ~Load() = default;
  // Waits up to timeout_us for something to do, and does it.
  virtual void run_once(std::int64_t timeout_us) = 0;
  // Has idle clients start what is due.
  virtual void wake() = 0;
  // How many clients wait for an answer.
  virtual std::size_t busy() const = 0;
  // Why it cannot go on; empty: it can. Valid until run_once().
  virtual std::string_view trouble() const = 0;
};

// Connects the clients to the plan's server and has each start its first transaction. The gids and the transactions
// outlive the load.
using StartLoad = std::function<Result<std::unique_ptr<Load>>(const LoadPlan&, const GidSeries&, CheckedTransactions&)>;

// Runs the plan. An Error where a transaction did not do what it should, nothing moves any more, or a sample of what
// was answered is not shown as succeeded.
Result<Measurement> measure_load(const LoadPlan& plan, const StartLoad& start);

}  // namespace settle::bench
