// An exhaustive walk over everything that can happen to one small saga: every reachable state times every event, with
// a store whose writes lag behind and crashes after every prefix of them. For tests only.
//
// Beside the transaction the walk keeps the truth that no process knows: which actions the participants may have run
// and which of them were compensated, carried over crashes. Against it the invariants of decide.hpp are checked.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "engine/core/decide.hpp"

namespace settle::core {

// What is walked. A canary replaces a function by one with a planted fault.
struct WalkedCore {
  std::function<Decision(Transaction, const Event&)> decide;
  std::function<Transaction(StoredTransaction)> resume;
  bool run_ahead = true;  // what its policy says of that
};

// The core as it is, at a clock that stands still and an interval that does not grow, so that states repeat.
WalkedCore sound_core(bool run_ahead = true);

struct WalkSetup {
  std::shared_ptr<const Definition> definition;
  std::size_t lag_max = 2;  // writes that may be on their way to the disk at once
  bool quiet = false;       // leaves out what only clients and operators do: submit again, make due, stop the process
};

struct WalkReport {
  std::size_t states = 0;
  std::size_t transitions = 0;
  std::string violation;  // empty: every invariant held; else what broke, and the events that lead there
};

// Stops at the first violation.
WalkReport walk(const WalkSetup& setup, const WalkedCore& core);

// Walks a concurrent saga of three steps under each of the 25 orders that they can have among each other. The report
// adds up; `orders` counts.
struct OrdersReport {
  WalkReport sum;
  std::size_t orders = 0;
};
OrdersReport walk_every_order(bool timeout, bool retry_limit);

}  // namespace settle::core
