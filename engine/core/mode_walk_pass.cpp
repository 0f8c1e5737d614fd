// Passes: when one begins, how it is answered, and when another has to follow it.
#include "engine/core/mode_walk_checks.hpp"
#include "engine/core/mode_walk_rules.hpp"

namespace settle::core::mode_walk {
namespace {

using Kind = Step::Kind;

// Nothing can be done at once, whoever asks for it.
bool is_held(const Node& node) {
  const Transaction& tx = node.transaction;
  const bool delayed = node.now.wall_ms < delay_end_wall_ms(*tx.definition);
  return is_final(tx.state.status) || node.truth.halted || (tx.state.status == GlobalStatus::submitted && delayed);
}

}  // namespace

void note_request(const Node& before, Node& node, const Step& step, bool refused) {
  const bool running = before.transaction.state.status != GlobalStatus::prepared;
  const bool timer = step.kind == Kind::woken_timeout || step.kind == Kind::woken_both;
  const bool client =
      step.kind == Kind::submitted || step.kind == Kind::abort_requested || step.kind == Kind::abort_with_reason;
  const bool asks_again = timer || step.kind == Kind::made_due || (running && client && !refused);
  node.truth.again = before.transaction.in_pass && (node.truth.again || asks_again);
}

void begin_pass(const Node& before, Node& node, const Step& step) {
  const bool was_prepared = before.transaction.state.status == GlobalStatus::prepared;
  const bool submits = was_prepared && node.transaction.state.status != GlobalStatus::prepared;
  const bool begins = !before.transaction.in_pass && step.kind != Kind::reply;
  if (submits || begins) node.truth.pass = {};
}

void end_pass(Findings& findings, const Node& before, Node& node, const Decision& decision) {
  const bool was_running = before.transaction.in_pass;
  const bool is_running = node.transaction.in_pass;
  findings.expect(!was_running || is_running || decision.pass_ended, "a pass ended unheard");
  if (!decision.pass_ended) return;
  const bool another = was_running && is_running;
  findings.expect(!another || before.truth.again, "another pass begins though nobody asked for it");
  findings.expect(is_running || is_held(node) || !before.truth.again, "parked though somebody asked for another pass");
  check_answer(findings, node, decision.answer);
  if (!another) return;
  node.truth.pass = {};
  node.truth.again = false;
}

}  // namespace settle::core::mode_walk
