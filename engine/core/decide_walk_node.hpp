// The states that a walk goes through. For tests only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/decide.hpp"
#include "engine/core/decide_walk.hpp"

namespace settle::core {

// One event as a small value, so that the way to every state can be remembered.
struct Step {
  enum class Kind : std::uint8_t {
    create,
    durable,
    reply,
    late_reply,
    not_sent,
    woken_retry,
    woken_timeout,
    woken_both,
    submitted,
    prepared,
    abort_requested,
    made_due,
    force_stopped,
    halted,
    halted_by_force,
    crash,
  };
  Kind kind = Kind::create;
  std::uint8_t row = 0;                     // of the call; of a crash: how many writes the disk has beyond the durable
  CallResult result = CallResult::unknown;  // of a reply
};

std::string to_text(Step step);

// What the disk holds, or will hold when a write gets there.
struct Snapshot {
  bool exists = false;
  State state;
  std::vector<BranchState> branches;
  std::shared_ptr<const Definition> definition;
};

struct CallInFlight {
  Call call;
  bool revoked = false;
  bool ran_before = false;  // the truth and what is known of the step, before this call went out
  bool possible_before = false;
};

// Sets of steps, bit by bit.
using StepSet = std::uint8_t;
inline StepSet bit(std::uint32_t step) { return static_cast<StepSet>(1u << step); }
inline void assign(StepSet& set, std::uint32_t step, bool in) {
  set = static_cast<StepSet>(in ? set | bit(step) : set & ~bit(step));
}

struct Node {
  Transaction transaction;
  std::vector<std::shared_ptr<const Snapshot>> disk;  // the durable one first, then those on their way
  std::vector<CallInFlight> calls;
  StepSet ran = 0;            // actions that truly may have run
  StepSet possible = 0;       // actions that this process cannot know never to have started
  bool rolling_back = false;  // a compensation was started, in this process or before
  bool forced = false;
  bool halted = false;

  const Snapshot& durable() const { return *disk.front(); }
  const Snapshot& newest() const { return *disk.back(); }
};

// Equal for states that differ in nothing that matters for what may happen next.
std::uint64_t hash_of(const Node& node);

// A node or none, and what the transition that led to it broke; "" where every invariant held.
struct Outcome {
  std::optional<Node> node;
  std::string violation;
};

// The first node of all: the transaction was just created.
Outcome created(const WalkedCore& core, Decision decision);

// What comes of this event. No node where it cannot happen now, since too many writes are on their way.
Outcome transition(const WalkedCore& core, const Node& before, Step step, std::size_t lag_max);

}  // namespace settle::core
