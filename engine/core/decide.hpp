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
// Invariants of every mode, walked exhaustively by the tests beside this; each mode's own stand in its header
// (saga.hpp, tcc.hpp, xa.hpp, msg.hpp, workflow.hpp):
//   - a final status never changes;
//   - a call of a direction (submitted, aborting) starts only when that direction is durable;
//   - no row has two calls in flight; no call starts while the process halts or after a final decision;
//   - whatever is decided on is written, and whatever waits has a time, a call or a write that it waits for.
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
  std::int64_t timeout_to_fail_ms = 35'000;  // of a prepared tcc, xa or msg that does not say
  // Whether the next step may start before the success of the one before is durable. false: where a DTM server, which
  // knows nothing of coverage.hpp, may go on with what is stored.
  bool run_ahead = true;
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
  std::optional<Plan> plan;  // saga only
  State state;
  std::vector<Registration> registrations;
  std::vector<BranchState> branches;
  std::vector<BranchMemory> memory;    // one for each of `branches`
  std::vector<std::uint32_t> changed;  // the rows whose memory says so
  BranchMemory query;                  // of query_prepared

  Sequence written = 0;          // the newest write decided on
  Sequence durable = 0;          // the newest write known to be durable
  Sequence status_written = 0;   // the write that carries the global status
  Sequence inexact_written = 0;  // the write since which state.exact is false
  GlobalStatus last_written_status = GlobalStatus::prepared;

  bool in_pass = false;  // being processed; otherwise parked, prepared or final
  bool again = false;    // begin another pass when this one ends
  bool halting = false;  // the process stops: start nothing
  bool forced = false;   // ended by force
  // What keeps this pass from being done: failure and unknown outdo ongoing.
  CallResult pass_result = CallResult::success;
  std::uint32_t last_call = 0;  // the number given to the newest call
  std::uint32_t in_flight = 0;  // calls

  // Steady clock; kNever where there is nothing to wake up for. Only looked at by the driver, which says what is due by
  // Woken; a retry may be delayed by jitter, a timeout not.
  std::int64_t retry_at_ms = kNever;
  std::int64_t timeout_at_ms = kNever;   // also: the first query_prepared, and the end of a message's delay
  std::int64_t not_before_ms = -kNever;  // steady clock; no action of a message before

  // Saga: below this step every action succeeded; above that one, nothing is left to compensate.
  std::uint32_t action_cursor = 0;
  std::uint32_t compensate_cursor = 0;  // one past the step
  // Others: so many of the rows that are called one after another succeeded.
  std::uint32_t line_cursor = 0;

  bool settled() const { return durable == written; }
  BranchView branch(std::uint32_t row) const { return branch_at(*definition, registrations, row); }
};

struct Call {
  std::uint32_t row = 0;  // or kQueryRow
  std::uint32_t number = 0;
  bool operator==(const Call&) const = default;
};

// ---- what can happen --------------------------------------------------------------------------------------------

struct Submitted {                           // a submit of a gid that exists
  std::shared_ptr<const Definition> merged;  // with the request's options; used where it is `prepared`
};
struct Prepared {};  // a prepare of a gid that exists
struct Registered {  // a branch
  Registration registration;
  BranchStatus status = BranchStatus::prepared;
};
struct Finished {  // a client tells how its workflow ended
  GlobalStatus status = GlobalStatus::succeed;
  std::string rollback_reason;
  std::string result;
};
struct AbortRequested {
  std::string reason;
};
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
struct Renewed {};  // the lease is to be extended: what is known is written again
struct Released {   // nothing is to be done before that time, wall clock; nothing is in flight
  std::int64_t next_retry_time_ms = 0;
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

using Event = std::variant<Submitted, Prepared, Registered, Finished, AbortRequested, ForceStopped, MadeDue, Woken,
                           Replied, NotSent, Durable, Halted, Renewed, Released>;

// ---- what to do about it ----------------------------------------------------------------------------------------

// Besides the new values of the transaction.
struct Effects {
  std::optional<Error> refused;  // the request is refused with this, and nothing changed
  Sequence write = 0;            // 0: nothing to write
  bool create = false;           // of `write`: the transaction is new
  bool definition_changed = false;
  GlobalStatus expected_status = GlobalStatus::prepared;  // of `write`, unless it creates: the status it was decided on
  std::vector<std::uint32_t> changed;                     // of `write`: the rows that differ from the write before
  std::size_t registered = 0;                             // of `write`: so many of the registrations are new, the last
  // Of `write`: nothing waits for it, and the answer of the one call that is out brings another one. It may be held
  // back for that.
  bool may_wait = false;
  std::vector<Call> start;
  std::vector<Call> revoke;      // in flight, but not worth sending any more if they have not gone out yet
  bool pass_ended = false;       // `answer` tells how; another pass may have begun right behind it
  Result<Done> answer = Done{};  // of that pass, to whoever waits for it (protocol.md §6)
  bool error = false;            // a call failed: state.last_error, last_error_branch and errors tell
};

struct Decision : Effects {
  Transaction transaction;  // as it is now
};

// A transaction that a client just defined; status is prepared or submitted. definition->create_time_ms is set.
Decision create(std::shared_ptr<const Definition> definition, GlobalStatus status, Moment now, const Policy& policy);

// A transaction that was read from the store, by a process that knows nothing else of it. What was in flight when it
// was written is due at once, what was parked at its time, counted from now and capped at its interval.
Transaction resume(StoredTransaction stored, Moment now, const Policy& policy);

Decision decide(Transaction transaction, const Event& event, Moment now, const Policy& policy);

// The same two, for a driver that keeps the transaction in one place: moving it costs as much as deciding. What is
// created must be empty.
Effects create_in_place(Transaction& transaction, std::shared_ptr<const Definition> definition, GlobalStatus status,
                        Moment now, const Policy& policy);
Effects decide_in_place(Transaction& transaction, const Event& event, Moment now, const Policy& policy);

// What submit (and abort, of a tcc or xa) answers with wait_result when a pass has ended as this.
Result<Done> pass_answer(const Transaction& transaction);

}  // namespace settle::core
