// The invariants of the modes, each a check with a text. For tests only.
#pragma once

#include <string>
#include <string_view>

#include "engine/core/mode_walk_node.hpp"

namespace settle::core::mode_walk {

// Keeps the first thing that was found broken.
class Findings {
 public:
  void expect(bool holds, std::string_view what) {
    if (!holds && first_.empty()) first_ = what;
  }
  const std::string& first() const { return first_; }

 private:
  std::string first_;
};

// What happened: `before` became `after` by `step`. Nothing is to change where `idle`.
struct Happened {
  const Node& before;
  const Node& after;
  const Step& step;
  bool run_ahead = true;
};

// A refused or meaningless event: nothing changed, but that a call is no longer in flight.
void check_idle(Findings& findings, const Happened& happened, const Decision& decision);
// Refused exactly where the protocol refuses it, and in its sense; what was accepted is done.
void check_request(Findings& findings, const Happened& happened, const Decision& decision, const Event& event);
// The status took a way that exists, and by whom it may be caused.
void check_status(Findings& findings, const Happened& happened);
// A row has a result only where its own call said so, or where there is nothing to call.
void check_results(Findings& findings, const Happened& happened);
// A row or query_prepared begins to be called. `after` does not have the call yet.
void check_row_start(Findings& findings, const Happened& happened, std::uint32_t row);
void check_query_start(Findings& findings, const Happened& happened);
// Hands the change to the store of `node`, and checks that it says what is in memory. `written_before`: the newest
// write until now.
void write(Findings& findings, Node& node, Sequence written_before, const Decision& decision);
// Passes. What a request, or a late timer, asks of the one under way; that one begins; that it ended, how it is
// answered, and whether another began behind it exactly where somebody asked for one.
void note_request(const Node& before, Node& node, const Step& step, bool refused);
void begin_pass(const Node& before, Node& node, const Step& step);
void end_pass(Findings& findings, const Node& before, Node& node, const Decision& decision);
// What holds in every state.
void check_state(Findings& findings, const Node& node);
// What a pass that has ended is answered with.
void check_answer(Findings& findings, const Node& node, const Result<Done>& answer);

}  // namespace settle::core::mode_walk
