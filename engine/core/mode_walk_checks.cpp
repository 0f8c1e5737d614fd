// What may happen: statuses, results, calls.
#include "engine/core/mode_walk_checks.hpp"

#include <algorithm>
#include <variant>

#include "engine/core/mode_walk_rules.hpp"

namespace settle::core::mode_walk {
namespace {

using Kind = Step::Kind;

bool is_timeout(Kind kind) { return kind == Kind::woken_timeout || kind == Kind::woken_both; }

bool timeout_passed(const Node& node) { return node.now.wall_ms >= timeout_wall_ms(*node.transaction.definition); }

// Whether the step is an answer to query_prepared that counts.
bool query_said(const Happened& happened, CallResult result) {
  return happened.step.kind == Kind::reply && happened.step.row == kQueryRow && happened.step.result == result;
}

bool may_be_submitted(const Happened& happened) {
  const Definition& definition = *happened.before.transaction.definition;
  const Kind kind = happened.step.kind;
  if (definition.type == TransType::workflow) return false;
  if (kind == Kind::submitted || kind == Kind::submitted_changed) return true;
  if (definition.type != TransType::msg) return false;
  if (!definition.query_prepared.empty()) return query_said(happened, CallResult::success);
  const bool due = is_timeout(kind) || kind == Kind::woken_retry || kind == Kind::made_due;
  return due && timeout_passed(happened.after);
}

bool may_be_aborting(const Happened& happened) {
  const Kind kind = happened.step.kind;
  if (!is_two_phase(happened.before.transaction.definition->type)) return false;
  return kind == Kind::abort_requested || kind == Kind::abort_with_reason ||
         (is_timeout(kind) && timeout_passed(happened.after));
}

// From prepared, without any row being called.
bool may_end_unsubmitted(const Happened& happened, GlobalStatus end) {
  const Kind kind = happened.step.kind;
  switch (happened.before.transaction.definition->type) {
    case TransType::msg:
      return end == GlobalStatus::failed && (kind == Kind::abort_requested || kind == Kind::abort_with_reason ||
                                             query_said(happened, CallResult::failure));
    case TransType::workflow:
      return kind == (end == GlobalStatus::succeed ? Kind::finished_succeed : Kind::finished_failed);
    default:
      return false;
  }
}

bool may_end_called(Findings& findings, const Happened& happened, GlobalStatus from, GlobalStatus end) {
  const bool forward = from == GlobalStatus::submitted;
  if (end != (forward ? GlobalStatus::succeed : GlobalStatus::failed)) return false;
  findings.expect(happened.after.durable().state.status == from, "ends before its direction is durable");
  findings.expect(all_succeeded(happened.after.transaction, forward), "ends, but a row was not called to its success");
  return true;
}

// Whether the status may become `to`.
bool may_become(Findings& findings, const Happened& happened, GlobalStatus to) {
  const GlobalStatus from = happened.before.transaction.state.status;
  if (is_final(from)) return false;
  if (to == GlobalStatus::failed && happened.step.kind == Kind::force_stopped) return true;
  if (from != GlobalStatus::prepared) return is_final(to) && may_end_called(findings, happened, from, to);
  if (to == GlobalStatus::submitted) return may_be_submitted(happened);
  if (to == GlobalStatus::aborting) return may_be_aborting(happened);
  return may_end_unsubmitted(happened, to);
}

}  // namespace

void check_status(Findings& findings, const Happened& happened) {
  const GlobalStatus from = happened.before.transaction.state.status;
  const State& state = happened.after.transaction.state;
  if (state.status == from) return;
  findings.expect(may_become(findings, happened, state.status), "the status takes a way that nothing caused");
  if (state.status == GlobalStatus::aborting && is_timeout(happened.step.kind)) {
    findings.expect(state.rollback_reason == "Timeout after 2 seconds", "rolled back without a reason");
  }
}

void check_results(Findings& findings, const Happened& happened) {
  const Transaction& before = happened.before.transaction;
  const Transaction& after = happened.after.transaction;
  findings.expect(after.branches.size() >= before.branches.size(), "a row is gone");
  if (after.branches.size() < before.branches.size()) return;
  for (std::uint32_t row = 0; row < before.branches.size(); ++row) {
    const BranchStatus result = after.branches[row].status;
    if (result == before.branches[row].status) continue;
    findings.expect(before.definition->type != TransType::workflow, "the result of a workflow's step changes");
    const Step& step = happened.step;
    const bool said = step.kind == Kind::reply && step.row == row && step.result == CallResult::success;
    findings.expect(result == BranchStatus::succeed && (said || url_of(after, row).empty()),
                    "a row has a result that nobody gave");
    findings.expect(!is_final(before.state.status), "a row changes after the end");
    if (url_of(after, row).empty()) check_row_start(findings, happened, row);
  }
}

void check_row_start(Findings& findings, const Happened& happened, std::uint32_t row) {
  const Node& node = happened.after;
  const Transaction& before = happened.before.transaction;
  const Transaction& after = node.transaction;
  const Definition& definition = *after.definition;
  const bool forward = is_forward(definition.type, row);
  findings.expect(definition.type != TransType::workflow, "a row of a workflow is called");
  findings.expect(!node.truth.halted, "a call starts while the process halts");
  findings.expect(!is_final(before.state.status), "a call starts after the end");
  findings.expect(row < before.branches.size() && before.branches[row].status == BranchStatus::prepared,
                  "a row is called that is done");
  const GlobalStatus direction = forward ? GlobalStatus::submitted : GlobalStatus::aborting;
  findings.expect(node.durable().exists && node.durable().state.status == direction,
                  "a call starts before its direction is durable");
  findings.expect(!(forward ? node.truth.backward : node.truth.forward), "both directions are called");
  findings.expect(row < node.durable().branches.size(), "a row is called that is not durable");
  findings.expect(node.now.wall_ms >= delay_end_wall_ms(definition), "an action starts before its delay has passed");
  for (const CallOut& other : node.calls) {
    findings.expect(other.call.row != row, "a row has two calls in flight");
    findings.expect(definition.concurrent || other.call.row == kQueryRow, "two calls of a line are in flight");
  }
  if (definition.type == TransType::msg && definition.concurrent) return;
  const auto line = line_of(definition, after.registrations.size(), forward);
  const auto place = static_cast<std::size_t>(std::find(line.begin(), line.end(), row) - line.begin());
  const auto succeeded = [](const std::vector<BranchState>& branches, std::uint32_t other) {
    return other < branches.size() && branches[other].status == BranchStatus::succeed;
  };
  for (std::size_t earlier = 0; earlier < place; ++earlier) {
    findings.expect(succeeded(after.branches, line[earlier]), "a row is called out of order");
  }
  const std::size_t ahead = happened.run_ahead ? 2 : 1;
  if (place < ahead) return;
  findings.expect(succeeded(node.durable().branches, line[place - ahead]),
                  "a row starts, but one before it that must be is no durable success");
}

void check_query_start(Findings& findings, const Happened& happened) {
  const Node& node = happened.after;
  const Definition& definition = *node.transaction.definition;
  findings.expect(asks(definition), "query_prepared is called that is none");
  findings.expect(!node.truth.halted, "a call starts while the process halts");
  findings.expect(node.durable().exists, "query_prepared is called before anything is durable");
  findings.expect(happened.before.transaction.state.status == GlobalStatus::prepared &&
                      node.transaction.state.status == GlobalStatus::prepared,
                  "query_prepared is called though it is not prepared");
  for (const CallOut& other : node.calls) {
    findings.expect(other.call.row != kQueryRow, "query_prepared is called twice at once");
  }
  if (definition.type == TransType::msg) {
    findings.expect(timeout_passed(node), "query_prepared is called before the timeout");
  } else {
    findings.expect(node.truth.made_due || node.now.steady_ms >= node.truth.callback_at_ms,
                    "a workflow is called back before the interval has passed");
  }
}

}  // namespace settle::core::mode_walk
