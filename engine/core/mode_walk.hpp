// An exhaustive walk over everything that can happen to one small tcc, xa, msg or workflow: every reachable state times
// every event, with a store whose writes lag behind, crashes after every prefix of them, and a clock that moves only
// when somebody waits for it. Sagas have a walk of their own, decide_walk.hpp. For tests only.
//
// Beside the transaction the walk keeps the truth that no process knows, carried over crashes: which direction was ever
// called, what was registered, when a callback may come. Against it the invariants of decide.hpp, line.hpp,
// two_phase.hpp, msg.cpp and workflow.cpp are checked. The walk shares no code with the core that it judges.
//
// It keeps to what the driver promises: until the creation is durable nothing comes but that, a halt or a crash; Woken
// says what is due; what has no place in a mode (a submit of a workflow, a branch of a message) does not come.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/core/decide.hpp"

namespace settle::core::mode_walk {

// What is walked. A canary replaces a function by one with a planted fault.
struct WalkedCore {
  std::function<Decision(std::shared_ptr<const Definition>, GlobalStatus, Moment)> create;
  std::function<Decision(Transaction, const Event&, Moment)> decide;
  std::function<Transaction(StoredTransaction, Moment)> resume;
  bool run_ahead = true;  // what its policy says of that
};

inline constexpr std::int64_t kIntervalMs = 1'000;         // between retries; it does not grow, so that states repeat
inline constexpr std::int64_t kPreparedTimeoutMs = 2'000;  // where the definition sets none
inline constexpr std::int64_t kCreateTimeMs = 1'000'000;   // every definition's

// The core as it is.
WalkedCore sound_core(bool run_ahead = true);

struct Setup {
  std::shared_ptr<const Definition> definition;
  std::vector<Registered> registrations;      // those that the client may make, in this order
  std::shared_ptr<const Definition> changed;  // what a submit with other options makes of it; null: there is none
  bool created_submitted = false;             // also walks what comes of a submit of a new gid
  std::size_t lag_max = 1;                    // writes that may be on their way to the disk at once
  bool quiet = false;  // leaves out a stop of the process, a late timer, and what changes nothing
};

struct Report {
  std::size_t states = 0;
  std::size_t transitions = 0;
  std::string violation;  // empty: every invariant held; else what broke, and the shortest way that leads there
};

// Stops at the first violation.
Report walk(const Setup& setup, const WalkedCore& core);

}  // namespace settle::core::mode_walk
