#include "engine/core/decide_walk_node.hpp"

#include <algorithm>
#include <functional>
#include <string_view>

namespace settle::core {
namespace {

// What only matters to tell states apart, as bytes.
class Key {
 public:
  explicit Key(const Node& node) {
    const Transaction& tx = node.transaction;
    const bool acting = tx.state.status == GlobalStatus::prepared || tx.state.status == GlobalStatus::submitted;
    const bool final = is_final(tx.state.status);
    bytes_.reserve(256);
    for (const auto& snapshot : node.disk) {
      add(snapshot->exists);
      state(snapshot->state);
      for (const BranchState& branch : snapshot->branches) row(branch);
      add(0xFE);
    }
    add(node.ran, node.possible, node.rolling_back, node.forced, node.halted);
    state(tx.state);
    for (const BranchState& branch : tx.branches) row(branch);
    if (final) return;  // the answers to calls in flight change nothing any more, which is checked once
    for (const CallInFlight& call : node.calls) {
      add(call.call.row, call.revoked, call.ran_before, call.possible_before);
    }
    add(0xFF);
    for (std::size_t i = 0; i < tx.memory.size(); ++i) {
      const BranchMemory& memory = tx.memory[i];
      const bool action = is_action_row(static_cast<std::uint32_t>(i));
      add(memory.call != 0, memory.tried && (acting == action), memory.changed, memory.call != 0 && memory.first_call);
      if (action && acting) add(relative(tx, memory.succeed_written), relative(tx, memory.started_written));
    }
    add(relative(tx, tx.status_written), tx.state.exact ? 0 : relative(tx, tx.inexact_written));
    add(tx.in_pass, tx.again, tx.halting, tx.retry_at_ms != kNever, tx.timeout_at_ms != kNever);
    add(acting ? tx.action_cursor : tx.compensate_cursor);
  }

  std::uint64_t hash() const { return std::hash<std::string>{}(bytes_); }

 private:
  template <class... T>
  void add(T... values) {
    (bytes_.push_back(static_cast<char>(values)), ...);
  }
  void state(const State& state) { add(state.status, state.exact, state.parked, state.rollback_reason.empty()); }
  void row(const BranchState& branch) { add(branch.status, branch.started, std::min(branch.attempts, 2u)); }
  static Sequence relative(const Transaction& tx, Sequence sequence) {
    return sequence == 0 ? 0 : sequence <= tx.durable ? 1 : sequence - tx.durable + 1;
  }

  std::string bytes_;
};

}  // namespace

std::string to_text(Step step) {
  static constexpr std::string_view kNames[] = {"create",        "durable",  "reply",           "late reply",
                                                "not sent",      "retry",    "timeout",         "retry and timeout",
                                                "submitted",     "prepared", "abort request",   "made due",
                                                "force stopped", "halted",   "halted by force", "crash"};
  std::string text(kNames[static_cast<std::size_t>(step.kind)]);
  if (step.kind == Step::Kind::crash) return text + " +" + std::to_string(step.row);
  if (step.kind == Step::Kind::reply) {
    text += ' ';
    text += to_string(step.result);
  }
  if (step.kind == Step::Kind::reply || step.kind == Step::Kind::late_reply || step.kind == Step::Kind::not_sent) {
    text += (is_action_row(step.row) ? " A" : " C") + std::to_string(step_of(step.row));
  }
  return text;
}

std::uint64_t hash_of(const Node& node) { return Key(node).hash(); }

}  // namespace settle::core
