// What was seen from outside in one run: what clients asked and were told, which calls were made, what participants did
// with them, what the store kept. All that the checkers know.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "settle/branch_caller.hpp"
#include "settle/result.hpp"
#include "settle/types.hpp"

namespace settle::sim {

// Which call of a branch.
enum class Op : std::uint8_t { action, compensate, attempt, confirm, cancel, commit, rollback, query };

// What a client asks.
enum class Request : std::uint8_t {
  submit,
  prepare,
  register_branch,
  abort,
  force_stop,
  prepare_workflow,
  finish,
  query,
  wait,
  make_due
};

// What a participant did with a call.
enum class Effect : std::uint8_t {
  ran,        // did it
  repeated,   // had done it before
  empty,      // an undo of what had not come: nothing to be done, and never to be done any more
  ignored,    // came behind its undo
  refused,    // said no
  postponed,  // said that it is not decided yet
  failed,     // an error, nothing done
};

enum class EventKind : std::uint8_t {
  asked,          // `number`: which request; text
  told,           // the answer to that: ok, or code and text; status where it says one
  sent,           // a coordinator starts a call. `number`: which; `until_ms`: its deadline, INT64_MAX: not known
  answered,       // the coordinator has the answer: result
  executed,       // a participant: effect, `result` is what it says
  stored_status,  // the store keeps it, durably: status; `ok`: it was created so
  stored_branch,  // the store keeps, durably, that a row has succeeded (ok) or failed
  stored_result,  // the store keeps a registered branch
  wrote_unknown,  // a write of this transaction failed, its outcome is unknown
  taken_over,     // a coordinator claimed it, and the lease of whoever held it had run out
  server,         // text: what became of it
  no_lease,       // a call started although the lease that the store gave is over, or does not cover it: text
  final_status,   // at the end of the run the store shows: status; text says "absent" where there is none
  final_value,    // at the end a participant has: `value` of the branch
  final_row,      // at the end the store shows a row: `ok`: it has succeeded; text: its status
  fault,          // text
};

struct Event {
  std::int64_t at_ms = 0;
  EventKind kind = EventKind::fault;
  int server = -1;
  std::uint64_t life = 0;  // of the server
  int tx = -1;             // its number
  int branch = -1;         // from 0
  Op op = Op::action;
  Request request = Request::submit;
  Effect effect = Effect::ran;
  CallResult result = CallResult::success;
  GlobalStatus status = GlobalStatus::prepared;
  Code code = Code::internal;
  bool ok = false;
  std::uint64_t number = 0;
  std::int64_t until_ms = 0;
  int value = 0;
  std::string text;
};

std::string_view to_string(Op op);
std::string_view to_string(Request request);
std::string_view to_string(Effect effect);
std::string_view to_string(EventKind kind);
std::optional<Op> parse_op(std::string_view text);
std::string_view to_string(Code code);
// One line of a timeline.
std::string to_line(const Event& event);

class History {
 public:
  void add(Event event);
  const std::vector<Event>& events() const { return events_; }
  // Of everything that was added, in this order.
  std::uint64_t hash() const { return hash_; }

 private:
  void mix(std::uint64_t value);

  std::vector<Event> events_;
  std::uint64_t hash_ = 0xCBF29CE484222325ull;
};

}  // namespace settle::sim
