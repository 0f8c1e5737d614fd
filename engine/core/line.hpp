// Rows that are called one after another, each until it has succeeded: a tcc's, an xa's, and a message's unless it is
// concurrent.
//
// Invariants, walked exhaustively:
//   - a row starts only when all rows before it have succeeded, and the one two before it durably, or, without
//   run-ahead,
//     the one before it;
//   - nothing but success sets a row's status; FAILURE is tried again like an error;
//   - the transaction ends when all rows of the line have succeeded, and the direction is durable.
#pragma once

#include <cstdint>

#include "engine/core/decider.hpp"

namespace settle::core {

// `row_at(i)` is the row of place i, of `count`. Ends the transaction as `goal`. See Mode::advance.
template <class RowAt>
bool follow_line(Decider& decider, std::uint32_t count, RowAt row_at, GlobalStatus goal) {
  const std::uint32_t run_ahead = decider.policy().run_ahead ? 2 : 1;
  Transaction& tx = decider.tx();
  std::uint32_t& place = tx.line_cursor;
  for (;;) {
    while (place < count && tx.branches[row_at(place)].status == BranchStatus::succeed) ++place;
    if (place < count && !decider.free_to_start(row_at(place))) return false;
    if (!is_durable(tx, tx.status_written)) return true;
    if (place == count) {
      decider.end(goal);
      return false;
    }
    if (place >= run_ahead && !is_durable(tx, tx.memory[row_at(place - run_ahead)].succeed_written)) return true;
    if (decider.start(row_at(place))) continue;
    if (place + 1 == count) decider.last_is_out();
    return false;
  }
}

// What came of a call of such a row.
inline void line_replied(Decider& decider, const Replied& event) {
  if (event.result == CallResult::success) {
    decider.row_done(event.call.row, BranchStatus::succeed);
  } else {
    decider.not_done(event);
  }
}

// The refusal or error of a pass that did not come to its end, in the service's words behind DTM's. `otherwise`: where
// no call failed.
Result<Done> unfinished_answer(const Transaction& transaction, Error otherwise);

}  // namespace settle::core
