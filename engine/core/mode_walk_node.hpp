// The states that a walk over the modes goes through, and the events between them. For tests only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/core/decide.hpp"
#include "engine/core/mode_walk.hpp"

namespace settle::core::mode_walk {

// One event as a small value, so that the way to every state can be remembered.
struct Step {
  enum class Kind : std::uint8_t {
    create,
    durable,
    reply,
    late_reply,  // to a call that this process never made
    not_sent,
    woken_retry,
    woken_timeout,
    woken_both,
    woken_early,  // nothing is due
    time_passes,  // up to the next time that somebody waits for; the timer itself is late
    submitted,
    submitted_changed,
    prepared,
    registered,
    registered_again,
    finished_succeed,
    finished_failed,
    abort_requested,
    abort_with_reason,
    made_due,
    force_stopped,
    halted,
    halted_by_force,
    crash,
  };
  Kind kind = Kind::create;
  // Of the call. Of a crash: how many writes the disk has beyond the durable one. Of `durable`: how many further ones
  // have become so with the next, since the store merges those that wait.
  std::uint32_t row = 0;
  CallResult result = CallResult::unknown;  // of a reply
  bool operator==(const Step&) const = default;
};

std::string to_text(const Step& step);

// What the disk holds, or will hold when a write gets there.
struct Snapshot {
  bool exists = false;
  std::shared_ptr<const Definition> definition;
  State state;
  std::vector<Registration> registrations;
  std::vector<BranchState> branches;
};

// A call that is out. `dropped`: the core does not wait for it any more.
struct CallOut {
  Call call;
  bool revoked = false;
  bool dropped = false;
};

// What calls came to in the pass that is under way, short of success.
struct PassNotes {
  bool failure = false;
  bool unknown = false;
};

struct Truth {
  bool forward = false;   // some confirm, commit or action was started, in this process or before
  bool backward = false;  // some cancel or rollback
  bool forced = false;    // ended by force
  bool halted = false;
  bool again = false;               // somebody asked for another pass during the one that is under way
  bool made_due = false;            // somebody asked for a callback now
  std::int64_t callback_at_ms = 0;  // steady clock; a workflow is not called back before
  PassNotes pass;
};

struct Node {
  Transaction transaction;
  std::vector<std::shared_ptr<const Snapshot>> disk;  // the durable one first, then those on their way
  std::vector<CallOut> calls;
  Truth truth;
  Moment now;

  const Snapshot& durable() const { return *disk.front(); }
  const Snapshot& newest() const { return *disk.back(); }
  bool awaits_call() const;
};

// Equal for states that differ in nothing that matters for what may happen next; absolute times do not.
std::uint64_t hash_of(const Node& node);

}  // namespace settle::core::mode_walk
