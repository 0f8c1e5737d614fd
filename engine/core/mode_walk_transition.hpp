// What one event does to a node. For tests only.
#pragma once

#include <optional>
#include <string>

#include "engine/core/mode_walk_node.hpp"

namespace settle::core::mode_walk {

// A node or none, and what the transition that led to it broke; "" where every invariant held.
struct Outcome {
  std::optional<Node> node;
  std::string violation;
};

// The first node of all: the transaction was just created.
Outcome created(const Setup& setup, const WalkedCore& core, GlobalStatus status);

// What comes of this event. No node where it cannot happen now, since too many writes are on their way, or where
// nobody knows of the transaction afterwards.
Outcome transition(const Setup& setup, const WalkedCore& core, const Node& before, const Step& step);

}  // namespace settle::core::mode_walk
