// The pure core: what to do about a transaction when something happened to it. Values in, decision out: no clock, no
// IO, no thread, no randomness, no log, no exception.
//
// Whoever drives it (the runtime, the simulator, a test) does with a Decision, in this order:
//   1. where `write` is set, hands the change to the store, and brings Durable{write} when it is durable;
//   2. starts the calls of `start`, and brings Replied for each exactly once (NotSent, where it was revoked in time);
//   3. answers waiters once everything written so far is durable.
// Which calls wait for which write is the core's own affair: a call is in `start` only when what it waits for is
// durable.
//
// Invariants, walked exhaustively by decide_walk_test.cpp:
//   - a final status never changes;
//   - an action starts only under a durable `submitted`, a compensation only under a durable `aborting`;
//   - an action starts only where the durable state allows for it (coverage.hpp);
//   - no row has two calls in flight; no call starts while the process halts or after a final decision;
//   - nothing is compensated that is known never to have started; nothing that may have run stays uncompensated when
//   the
//     transaction ends as `failed` (a force-stopped one excepted);
//   - in a sequential saga no compensation starts while an action is in flight.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/core/coverage.hpp"
#include "settle/clock.hpp"
#include "settle/result.hpp"
#include "settle/transaction.hpp"

namespace settle::core {

// Counts the writes of one transaction within this process. What was loaded counts as write 1.
using Sequence = std::uint64_t;

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

// What the core must know of the engine's options.
struct Policy {
  std::int64_t retry_interval_ms = 10'000;
  std::int64_t retry_interval_max_ms = 3'600'000;
};

// What only this process knows of a row.
struct BranchMemory {
  std::uint32_t call = 0;        // the number of the call in flight; 0: none
  bool tried = false;            // came to ongoing or unknown in this pass, so it has to wait for the next one
  bool changed = false;          // differs from what was written last
  bool first_call = false;       // no call of the row can have been made before the one in flight
  Sequence succeed_written = 0;  // the first write that carries its success; 0: none does
  Sequence started_written = 0;  // the first write that carries its `started` mark; 0: none does
  bool operator==(const BranchMemory&) const = default;
};

struct Transaction {
  std::shared_ptr<const Definition> definition;
  std::shared_ptr<const Plan> plan;
  State state;
  std::vector<BranchState> branches;
  std::vector<BranchMemory> memory;    // one for each of `branches`
  std::vector<std::uint32_t> changed;  // the rows whose memory says so

  Sequence written = 0;          // the newest write decided on
  Sequence durable = 0;          // the newest write known to be durable
  Sequence status_written = 0;   // the write that carries the global status
  Sequence inexact_written = 0;  // the write since which state.exact is false
  GlobalStatus last_written_status = GlobalStatus::prepared;

  bool in_pass = false;         // being processed; otherwise parked, prepared or final
  bool again = false;           // begin another pass when this one ends
  bool halting = false;         // the process stops: start nothing
  bool pass_unknown = false;    // a call of this pass came to unknown
  std::uint32_t last_call = 0;  // the number given to the newest call
  std::uint32_t in_flight = 0;  // calls

  // Steady clock; kNever where there is nothing to wake up for. Only looked at by the driver, which says what is due by
  // Woken; a retry may be delayed by jitter, a timeout not.
  std::int64_t retry_at_ms = kNever;
  std::int64_t timeout_at_ms = kNever;

  // Below this step every action succeeded; above that one, nothing is left to compensate.
  std::uint32_t action_cursor = 0;
  std::uint32_t compensate_cursor = 0;  // one past the step

  bool settled() const { return durable == written; }
};

struct Call {
  std::uint32_t row = 0;
  std::uint32_t number = 0;
  bool operator==(const Call&) const = default;
};

// ---- what can happen --------------------------------------------------------------------------------------------

struct Submitted {                           // a submit of a gid that exists
  std::shared_ptr<const Definition> merged;  // with the request's options; used where it is `prepared`
};
struct Prepared {};  // a prepare of a gid that exists
struct AbortRequested {};
struct ForceStopped {};
struct MadeDue {};
struct Woken {  // the time for one or both has come
  bool retry = false;
  bool timeout = false;
};
struct Replied {
  Call call;
  CallResult result = CallResult::unknown;
  std::string text;
};
struct NotSent {  // a call was taken back before anything of it went out
  Call call;
};
struct Durable {
  Sequence sequence = 0;
};
// The process stops. Nothing new starts; when nothing is in flight, or at once if `force`, the transaction is parked,
// due at once, with the exact set of its started steps.
struct Halted {
  bool force = false;
};

using Event =
    std::variant<Submitted, Prepared, AbortRequested, ForceStopped, MadeDue, Woken, Replied, NotSent, Durable, Halted>;

// ---- what to do about it ----------------------------------------------------------------------------------------

struct Decision {
  Transaction transaction;       // as it is now
  std::optional<Error> refused;  // the request is refused with this, and nothing changed
  Sequence write = 0;            // 0: nothing to write
  bool create = false;           // of `write`: the transaction is new
  bool definition_changed = false;
  GlobalStatus expected_status = GlobalStatus::prepared;  // of `write`, unless it creates: the status it was decided on
  std::vector<std::uint32_t> changed;                     // of `write`: the rows that differ from the write before
  std::vector<Call> start;
  std::vector<Call> revoke;  // in flight, but not worth sending any more if they have not gone out yet
  bool pass_ended = false;   // pass_answer() tells how
};

// A transaction that a client just defined; status is prepared or submitted. definition->create_time_ms is set.
Decision create(std::shared_ptr<const Definition> definition, GlobalStatus status, Moment now, const Policy& policy);

// A transaction that was read from the store, by a process that knows nothing else of it. What was in flight when it
// was written is due at once, what was parked at its time, counted from now and capped at its interval.
Transaction resume(StoredTransaction stored, Moment now);

Decision decide(Transaction transaction, const Event& event, Moment now, const Policy& policy);

// What submit answers with wait_result when a pass has ended as this (protocol.md §6).
Result<Done> pass_answer(const Transaction& transaction);

// Whether the action of this step may be started as far as coverage.hpp's rule goes.
bool covered(const Transaction& transaction, std::uint32_t step);

}  // namespace settle::core
