// What is true at the end: one final status, and at every participant all or nothing.
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "sim/checks/checks.hpp"

namespace settle::sim {
namespace {

bool may_follow(GlobalStatus from, GlobalStatus to) {
  switch (from) {
    case GlobalStatus::prepared:
      return true;
    case GlobalStatus::submitted:
      return to != GlobalStatus::prepared;
    case GlobalStatus::aborting:
      return to == GlobalStatus::aborting || to == GlobalStatus::failed;
    case GlobalStatus::succeed:
    case GlobalStatus::failed:
      return to == from;
  }
  return false;
}

bool asked_for(const Seen& seen, Request request) {
  return seen.any([request](const Event& event) { return event.kind == EventKind::asked && event.request == request; });
}

std::string name(GlobalStatus status) { return std::string(settle::to_string(status)); }
std::string branch_name(const Event& event) { return std::to_string(event.branch + 1); }

// The call whose success makes a branch done.
Op last_forward(TransType type) {
  if (type == TransType::tcc) return Op::confirm;
  return type == TransType::xa ? Op::commit : Op::action;
}

bool is_undo(Op op) { return op == Op::compensate || op == Op::cancel || op == Op::rollback; }

// From outside it is seen by what is done.
bool tells_of_rollback(const Facts& facts, const Event& event) {
  const bool is_rollback = event.status == GlobalStatus::aborting || event.status == GlobalStatus::failed;
  if (facts.sight == Sight::whole) return event.kind == EventKind::stored_status && is_rollback;
  if (event.kind == EventKind::sent) return is_undo(event.op);
  return event.kind == EventKind::final_status && event.text.empty() && is_rollback;
}

}  // namespace

// The status goes one way, and a final one never changes, whoever tells of it.
void check_final(const Facts&, const Seen& seen, Findings& findings) {
  std::optional<GlobalStatus> stored;
  std::optional<GlobalStatus> told_final;
  for (const Event* event : seen.events) {
    const bool shown = event->kind == EventKind::told && event->ok && event->text != "absent" &&
                       (event->request == Request::query || event->request == Request::prepare_workflow ||
                        event->request == Request::wait);
    if (event->kind == EventKind::stored_status) {
      if (stored && !may_follow(*stored, event->status)) {
        findings.add("final", seen, "was " + name(*stored) + " and became " + to_line(*event));
      }
      if (stored && event->ok) findings.add("final", seen, "was created twice: " + to_line(*event));
      stored = event->status;
    }
    if (shown && is_final(event->status)) told_final = event->status;
    if (event->kind == EventKind::final_status && event->text.empty() && told_final && event->status != *told_final) {
      findings.add("final", seen, "was shown as " + name(*told_final) + " and is " + name(event->status));
    }
    if (event->kind == EventKind::final_status && event->text.empty() && stored && event->status != *stored) {
      findings.add("final", seen, "was stored as " + name(*stored) + " and is " + name(event->status));
    }
  }
}

// Everything is done where it succeeded, because every participant said so, and undone where it failed.
void check_all_or_nothing(const Facts&, const Seen& seen, Findings& findings) {
  if (asked_for(seen, Request::force_stop)) return;
  std::optional<GlobalStatus> final;
  std::set<int> said_so;
  const TransType type = seen.planned->type;
  for (const Event* event : seen.events) {
    if (event->kind == EventKind::final_status && event->text.empty()) final = event->status;
    const bool said = event->kind == EventKind::executed && event->result == CallResult::success;
    if (said && event->op == last_forward(type)) said_so.insert(event->branch);
    if (event->kind != EventKind::final_value || !final || !is_final(*final)) continue;
    if (*final == GlobalStatus::succeed && !said_so.contains(event->branch)) {
      findings.add("all_or_nothing", seen, "is succeed, but branch " + branch_name(*event) + " never said so");
    }
    const int done = type == TransType::tcc || type == TransType::xa ? 2 : 1;
    const int wanted = *final == GlobalStatus::succeed ? done : 0;
    if (event->value == wanted) continue;
    findings.add("all_or_nothing", seen,
                 "is " + name(*final) + ", but branch " + branch_name(*event) + " has " + std::to_string(event->value) +
                     " instead of " + std::to_string(wanted));
  }
}

// Nothing is rolled back without a cause that the protocol knows.
void check_reasons(const Facts& facts, const Seen& seen, Findings& findings) {
  const PlannedTransaction& planned = *seen.planned;
  bool refused = false;
  bool wanted = false;
  bool forced = false;
  for (const Event* event : seen.events) {
    refused = refused || (event->kind == EventKind::executed && event->effect == Effect::refused);
    wanted = wanted || (event->kind == EventKind::asked && event->request == Request::abort);
    wanted = wanted || (event->kind == EventKind::asked && event->request == Request::finish);
    forced = forced || (event->kind == EventKind::asked && event->request == Request::force_stop);
    if (!tells_of_rollback(facts, *event) || forced || wanted) continue;
    if (facts.sight == Sight::outside) {
      // The cause is not told there: any that its client allows may have come about.
      const bool may_be = planned.options.timeout_to_fail_s > 0 || planned.options.retry_limit > 0;
      if (refused || (planned.type == TransType::saga ? may_be : planned.type != TransType::msg)) continue;
      findings.add("reasons", seen, "is rolled back, and nobody wanted it: " + to_line(*event));
      continue;
    }
    const bool timed_out = event->text.starts_with("Timeout after ");
    bool good = false;
    switch (planned.type) {
      case TransType::saga:
        good = timed_out                                  ? planned.options.timeout_to_fail_s > 0
               : event->text.starts_with("RetryCount is") ? planned.options.retry_limit > 0
                                                          : refused;
        break;
      case TransType::tcc:
      case TransType::xa:
        good = timed_out || event->status == GlobalStatus::failed;
        break;
      case TransType::msg:
        good = refused && event->status == GlobalStatus::failed;
        break;
      case TransType::workflow:
        break;
    }
    if (!good) findings.add("reasons", seen, "is rolled back, and nobody wanted it: " + to_line(*event));
  }
}

// Its rows say what was done: all forward ones where it succeeded, and the undoing ones of what began where it failed;
// and none says what was not. A saga has two for each of its steps.
void check_rows(const Facts&, const Seen& seen, Findings& findings) {
  const TransType type = seen.planned->type;
  if (type == TransType::workflow || asked_for(seen, Request::force_stop)) return;
  std::optional<GlobalStatus> final;
  std::set<int> begun;
  std::set<std::pair<int, Op>> done;
  int rows = 0;
  for (const Event* event : seen.events) {
    if (event->kind == EventKind::sent && event->op == Op::action) begun.insert(event->branch);
    const bool says_done = event->kind == EventKind::executed && event->result == CallResult::success;
    if (says_done) done.emplace(event->branch, event->op);
    if (event->kind == EventKind::final_status && event->text.empty()) final = event->status;
    if (event->kind != EventKind::final_row || !final || !is_final(*final)) continue;
    ++rows;
    if (event->ok && !done.contains({event->branch, event->op})) {
      findings.add("rows", seen, "is shown as done and never was: " + to_line(*event));
    }
    const bool undoes = is_undo(event->op);
    const bool failed = *final == GlobalStatus::failed;
    if (undoes != failed || event->ok) continue;
    if (undoes && type == TransType::saga && !begun.contains(event->branch)) continue;
    findings.add("rows", seen, "is " + name(*final) + ", but " + to_line(*event));
  }
  if (type == TransType::saga && rows > 0 && rows != 2 * seen.planned->branches) {
    findings.add("rows", seen, "shows " + std::to_string(rows) + " rows");
  }
}

// Once nothing is done to it any more, everything comes to its end.
void check_liveness(const Facts&, const Seen& seen, Findings& findings) {
  const Event* const end = seen.first([](const Event& event) { return event.kind == EventKind::final_status; });
  if (end == nullptr || !end->text.empty() || is_final(end->status)) return;
  const bool waits_for_its_client = seen.planned->type == TransType::saga && end->status == GlobalStatus::prepared &&
                                    !asked_for(seen, Request::submit);
  if (!waits_for_its_client) findings.add("liveness", seen, "is " + name(end->status) + " long after the last fault");
}

}  // namespace settle::sim
