// What a shard keeps of a transaction that is being worked on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/decide.hpp"
#include "engine/runtime/call_gate.hpp"
#include "engine/runtime/committer.hpp"
#include "engine/runtime/timer_queue.hpp"
#include "settle/engine.hpp"

namespace settle::runtime {

struct Entry;

// Told of a transaction once it is known: null where there is none.
using Found = UniqueFunction<void(Result<std::shared_ptr<Entry>>)>;

// A call that was started, from the moment it asks the gate for a place until its answer came.
struct CallRecord {
  std::shared_ptr<Entry> entry;
  core::Call call;
  CallGate::Place place;
  std::int64_t sent_at_ms = 0;  // steady clock; 0: not yet
};

inline constexpr std::int64_t kNoLease = -core::kNever;

// A lease that a write asks for.
struct WrittenLease {
  core::Sequence sequence = 0;
  std::int64_t until_ms = 0;  // steady clock
};

// What a client asked for when the transaction was created; needed again where the gid turns out to exist.
struct CreateRequest {
  std::shared_ptr<Definition> definition;
  GlobalStatus status = GlobalStatus::prepared;
  Completion<Done> completion;
  // prepareWorkflow: given the transaction, found in whatever status or new; `completion` only where that fails.
  std::shared_ptr<Completion<StoredTransaction>> finds;
  bool protocol_left_out = false;
  int tries = 0;
};

// What a client asked of a transaction, as far as it is needed to ask again: on a shared store another server may have
// changed the transaction meanwhile.
struct Ask {
  core::Event event;
  bool wait = false;  // the answer, unless it is a refusal, comes when the pass has ended
  Completion<Done> completion;
  std::unique_ptr<CreateRequest> create;  // of a submit or prepare: its completion is the one above
  int tries = 0;
};

// Of a PendingAnswer: it is not known before the pass has ended.
inline constexpr core::Sequence kPassEnd = std::numeric_limits<core::Sequence>::max();

// An answer that has to wait until it is known and durable.
struct PendingAnswer {
  core::Sequence after = 0;  // the write that has to be durable, or kPassEnd
  Result<Done> answer;
  Completion<Done> completion;
  std::shared_ptr<Ask> ask;  // of a shared store: without its completion
};

struct Entry : ChangeOwner {
  enum class Mode : std::uint8_t {
    creating,  // the write that creates it has not come back: whatever else is asked waits for that
    loading,   // being read from the store: likewise
    live,      // `transaction` is what it is
    poisoned,  // a write failed, so nobody knows what is stored: refuses everything until it was read again
    lost,      // of a shared store: another server has changed it. Forgotten when its calls and writes are back
  };

  explicit Entry(std::string name) : gid(std::move(name)) {}

  const std::string gid;
  Mode mode = Mode::live;
  bool listed = false;  // the shard knows it under its gid
  std::int64_t id = 0;
  core::Transaction transaction;

  std::vector<Found> deferred;             // creating, loading, lost: what to do then
  std::unique_ptr<CreateRequest> request;  // creating
  std::optional<Result<Done>> first_pass;  // creating: how its first pass ended, where it did so at once
  std::vector<PendingAnswer> answers;
  std::vector<Completion<GlobalStatus>> final_waiters;
  std::vector<UniqueFunction<void(Result<GlobalStatus>)>> observers;
  std::optional<GlobalStatus> observed;  // what the observers were told last

  std::vector<std::shared_ptr<CallRecord>> calls;  // waiting at the gate or out
  std::size_t calls_out = 0;                       // out; of a poisoned one, those of its former life
  std::optional<TimerQueue::Key> timer;
  std::int64_t retry_at_ms = core::kNever;        // with jitter
  std::int64_t exact_retry_at_ms = core::kNever;  // the one of the core that it was made from

  std::size_t lane = 0;            // of the newest write, and so of all that are under way
  std::uint64_t pushed_epoch = 0;  // of the newest write, in its lane
  core::Sequence returned = 0;     // the newest write whose outcome is known
  bool mistrusted = false;         // poisoned: the store itself must be repaired first
  bool reviving = false;           // loading, after it was poisoned
  bool woken = false;              // came from the store by its time, and its pass has not ended

  // Of a shared store.
  std::string owner;                         // of the hold that this process has or has asked for; empty: none
  std::string released_owner;                // of the hold that a write under way lets go, or has let go
  std::int64_t lease_until_ms = kNoLease;    // steady clock; of the newest durable write
  std::int64_t lease_wall_ms = 0;            // the latest end that was asked for under this owner
  std::vector<WrittenLease> written_leases;  // of writes under way
  std::vector<std::shared_ptr<CallRecord>> for_lease;  // calls that wait for a longer lease
  core::Sequence reread_after = 0;          // the write after which registered branches are read anew; 0: none
  std::vector<std::shared_ptr<Ask>> asked;  // lost: to be asked again
  bool left_to_lease = false;               // the process stops, and calls are still out

  std::optional<std::list<std::shared_ptr<Entry>>::iterator> warm;  // its place among the warm ones
  std::size_t warm_weight = 0;                                      // what it counts there
};

// What stays in memory of a transaction that has nothing to do before a time.
struct Parked {
  bool times_known = true;  // false: the store knows them, but could not be read
  std::int64_t retry_at_ms = core::kNever;
  std::int64_t timeout_at_ms = core::kNever;
  std::int64_t shown_at_ms = core::kNever;  // of its next_retry_time_ms, whether something happens then or not
  TimerQueue::Key timer;
};

}  // namespace settle::runtime
