#include "engine/core/mode_walk_node.hpp"

#include <algorithm>
#include <functional>
#include <string_view>

#include "engine/core/mode_walk_rules.hpp"

namespace settle::core::mode_walk {
namespace {

// What only matters to tell states apart, as bytes.
class Key {
 public:
  explicit Key(const Node& node) : now_(node.now) {
    const Transaction& tx = node.transaction;
    bytes_.reserve(256);
    for (const auto& snapshot : node.disk) {
      add(snapshot->exists);
      if (!snapshot->exists) continue;
      definition(*snapshot->definition);
      state(snapshot->state);
      rows(snapshot->branches);
    }
    add(node.truth.forward, node.truth.backward, node.truth.forced, node.truth.halted);
    definition(*tx.definition);
    state(tx.state);
    rows(tx.branches);
    for (const CallOut& call : node.calls) add(call.call.row, call.revoked, call.dropped);
    if (is_final(tx.state.status)) return;  // whatever comes now changes nothing, which is checked once
    add(0xFD);
    for (const BranchMemory& memory : tx.memory) {
      add(memory.call != 0, memory.tried, memory.changed, relative(tx, memory.succeed_written));
    }
    add(tx.query.call != 0, tx.query.tried, relative(tx, tx.status_written));
    add(tx.in_pass, tx.again, tx.halting, tx.pass_result, tx.line_cursor, tx.state.last_error.empty());
    add(node.truth.again, node.truth.made_due, node.truth.pass.failure, node.truth.pass.unknown);
    steady(tx.retry_at_ms);
    steady(tx.timeout_at_ms);
    steady(tx.not_before_ms);
    steady(node.truth.callback_at_ms);
    wall(timeout_wall_ms(*tx.definition));
    wall(delay_end_wall_ms(*tx.definition));
  }

  std::uint64_t hash() const { return std::hash<std::string>{}(bytes_); }

 private:
  template <class... T>
  void add(T... values) {
    (bytes_.push_back(static_cast<char>(values)), ...);
  }
  // What has passed has passed.
  void ahead(std::int64_t by_ms) {
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(by_ms, 0));
    add(value & 0xFF, value >> 8 & 0xFF, value >> 16 & 0xFF);
  }
  void steady(std::int64_t at_ms) {
    add(at_ms == kNever);
    ahead(at_ms == kNever || at_ms < now_.steady_ms ? 0 : at_ms - now_.steady_ms);
  }
  void wall(std::int64_t at_ms) { ahead(at_ms - now_.wall_ms); }
  void definition(const Definition& definition) {
    add(definition.concurrent, definition.delay_s, definition.options.request_timeout_s);
  }
  void state(const State& state) {
    add(state.status, state.parked, state.rollback_reason.empty());
    wall(is_final(state.status) ? 0 : state.next_retry_time_ms);
  }
  void rows(const std::vector<BranchState>& branches) {
    for (const BranchState& branch : branches) add(branch.status, branch.started);
    add(0xFE);
  }
  static Sequence relative(const Transaction& tx, Sequence sequence) {
    return sequence == 0 ? 0 : sequence <= tx.durable ? 1 : sequence - tx.durable + 1;
  }

  const Moment now_;
  std::string bytes_;
};

}  // namespace

bool Node::awaits_call() const {
  return std::any_of(calls.begin(), calls.end(), [](const CallOut& call) { return !call.dropped; });
}

std::string to_text(const Step& step) {
  static constexpr std::string_view kNames[] = {"create",           "durable",         "reply",
                                                "late reply",       "not sent",        "retry",
                                                "timeout",          "both times",      "woken early",
                                                "time passes",      "submitted",       "submitted anew",
                                                "prepared",         "registered",      "registered again",
                                                "finished well",    "finished failed", "abort request",
                                                "abort for reason", "made due",        "force stopped",
                                                "halted",           "halted by force", "crash"};
  using Kind = Step::Kind;
  std::string text(kNames[static_cast<std::size_t>(step.kind)]);
  if (step.kind == Kind::crash || (step.kind == Kind::durable && step.row > 0)) {
    return text + " +" + std::to_string(step.row);
  }
  if (step.kind != Kind::reply && step.kind != Kind::late_reply && step.kind != Kind::not_sent) return text;
  text += step.row == kQueryRow ? " query" : " row " + std::to_string(step.row);
  if (step.kind == Kind::reply) text.append(" ").append(to_string(step.result));
  return text;
}

std::uint64_t hash_of(const Node& node) { return Key(node).hash(); }

}  // namespace settle::core::mode_walk
