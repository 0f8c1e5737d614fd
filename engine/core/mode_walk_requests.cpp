// What requests come to, and what holds in every state.
#include <algorithm>
#include <variant>

#include "engine/core/mode_walk_checks.hpp"
#include "engine/core/mode_walk_rules.hpp"

namespace settle::core::mode_walk {
namespace {

// The code of the refusal that the protocol wants; nothing where the request is to be accepted.
class Refusal {
 public:
  explicit Refusal(const Transaction& transaction)
      : transaction_(transaction), status_(transaction.state.status), type_(transaction.definition->type) {}

  std::optional<Code> operator()(const Submitted&) const {
    return unless(status_ == GlobalStatus::prepared || status_ == GlobalStatus::submitted, Code::failure);
  }
  std::optional<Code> operator()(const Prepared&) const {
    return unless(status_ == GlobalStatus::prepared, Code::failure);
  }
  std::optional<Code> operator()(const Registered& event) const {
    if (status_ != GlobalStatus::prepared) return Code::failure;
    const auto& known = transaction_.registrations;
    return unless(std::none_of(known.begin(), known.end(),
                               [&](const Registration& other) {
                                 return other.branch_id == event.registration.branch_id &&
                                        (is_two_phase(type_) || other.operation == event.registration.operation);
                               }),
                  Code::conflict);
  }
  std::optional<Code> operator()(const Finished&) const {
    return unless(status_ == GlobalStatus::prepared, Code::conflict);
  }
  std::optional<Code> operator()(const AbortRequested&) const {
    const bool again = is_two_phase(type_) && status_ == GlobalStatus::aborting;
    return unless(type_ != TransType::workflow && (status_ == GlobalStatus::prepared || again), Code::failure);
  }
  std::optional<Code> operator()(const ForceStopped&) const { return unless(!is_final(status_), Code::failure); }
  template <class Other>
  std::optional<Code> operator()(const Other&) const {
    return std::nullopt;
  }

 private:
  static std::optional<Code> unless(bool accepted, Code code) {
    return accepted ? std::nullopt : std::optional<Code>(code);
  }
  const Transaction& transaction_;
  const GlobalStatus status_;
  const TransType type_;
};

// What an accepted request has to bring about.
class Effect {
 public:
  Effect(Findings& findings, const Happened& happened, const Decision& decision)
      : findings_(findings),
        before_(happened.before.transaction),
        after_(happened.after.transaction),
        now_(happened.after.now),
        decision_(decision) {}

  void operator()(const Submitted& event) const {
    findings_.expect(after_.state.status != GlobalStatus::prepared, "submitted, but still prepared");
    if (before_.state.status != GlobalStatus::prepared) return;
    findings_.expect(*after_.definition == *event.merged, "submitted, but not with the request's options");
  }
  void operator()(const Registered& event) const {
    const std::size_t known = before_.registrations.size();
    Registration kept = event.registration;
    if (is_two_phase(after_.definition->type)) kept.operation.clear();
    findings_.expect(after_.registrations.size() == known + 1 && after_.registrations.back() == kept,
                     "a registration is not kept");
    const std::size_t rows = rows_each(after_.definition->type) * (known + 1);
    findings_.expect(after_.branches.size() == rows && after_.memory.size() == rows, "a registration has no rows");
    findings_.expect(!after_.branches.empty() && after_.branches.back().status == event.status,
                     "a registration has another result than was said");
  }
  void operator()(const Finished& event) const {
    findings_.expect(after_.state.status == event.status && after_.state.result == event.result &&
                         after_.state.rollback_reason == event.rollback_reason,
                     "a workflow does not end as its client says");
  }
  void operator()(const AbortRequested& event) const {
    const bool first = before_.state.status == GlobalStatus::prepared;
    const std::string& reason = first || !event.reason.empty() ? event.reason : before_.state.rollback_reason;
    findings_.expect(after_.state.rollback_reason == reason, "an abort has another reason than was said");
    findings_.expect(after_.state.status != GlobalStatus::prepared, "aborted, but still prepared");
  }
  void operator()(const ForceStopped&) const {
    findings_.expect(after_.state.status == GlobalStatus::failed && after_.forced, "stopped by force, but goes on");
  }
  // It is shown as due now, until a pass has ended or it is submitted.
  void operator()(const MadeDue&) const {
    const bool goes_on = decision_.pass_ended || after_.state.status != before_.state.status;
    findings_.expect(goes_on || after_.state.next_retry_time_ms == now_.wall_ms, "made due, but not shown as due");
    findings_.expect(decision_.write != 0, "made due, but not written as due");
    const bool running =
        after_.state.status == GlobalStatus::submitted || after_.state.status == GlobalStatus::aborting;
    findings_.expect(!running || after_.in_pass || decision_.pass_ended, "made due, but nothing is done");
  }
  template <class Other>
  void operator()(const Other&) const {}

 private:
  Findings& findings_;
  const Transaction& before_;
  const Transaction& after_;
  const Moment now_;
  const Decision& decision_;
};

// Whoever is parked has a time to go on, or nothing to do before its client comes.
bool has_time(const Transaction& tx) {
  const bool retry = tx.retry_at_ms != kNever;
  const bool timeout = tx.timeout_at_ms != kNever;
  if (tx.state.status != GlobalStatus::prepared) return retry || timeout;
  if (is_two_phase(tx.definition->type)) return timeout;
  if (tx.definition->type == TransType::workflow) return retry || !asks(*tx.definition);
  return retry || timeout;
}

}  // namespace

void check_request(Findings& findings, const Happened& happened, const Decision& decision, const Event& event) {
  const std::optional<Code> refusal = std::visit(Refusal(happened.before.transaction), event);
  if (refusal) {
    findings.expect(decision.refused && decision.refused->code == *refusal, "not refused as it should be");
    return;
  }
  findings.expect(!decision.refused, "refused though it is allowed");
  std::visit(Effect(findings, happened, decision), event);
}

void check_idle(Findings& findings, const Happened& happened, const Decision& decision) {
  const Transaction& a = happened.before.transaction;
  const Transaction& b = happened.after.transaction;
  const bool same = a.definition == b.definition && a.state == b.state && a.registrations == b.registrations &&
                    a.branches == b.branches && a.changed == b.changed && a.written == b.written &&
                    a.durable == b.durable && a.status_written == b.status_written && a.in_pass == b.in_pass &&
                    a.again == b.again && a.halting == b.halting && a.forced == b.forced &&
                    a.pass_result == b.pass_result && a.retry_at_ms == b.retry_at_ms &&
                    a.timeout_at_ms == b.timeout_at_ms && a.not_before_ms == b.not_before_ms;
  findings.expect(same && decision.write == 0 && decision.start.empty() && decision.revoke.empty() &&
                      !decision.pass_ended && !decision.error,
                  "a refused or meaningless event changed something");
}

void check_state(Findings& findings, const Node& node) {
  const Transaction& tx = node.transaction;
  std::size_t awaited = 0;
  for (const CallOut& call : node.calls) {
    const BranchMemory& memory = call.call.row == kQueryRow ? tx.query : tx.memory[call.call.row];
    const bool known = memory.call == call.call.number;
    findings.expect(known != call.dropped, "a call in flight is forgotten, or a dropped one is not");
    awaited += call.dropped ? 0 : 1;
  }
  findings.expect(tx.in_flight == awaited, "calls in flight are miscounted");
  findings.expect(tx.durable + node.disk.size() - 1 == tx.written, "writes on their way are miscounted");
  findings.expect(!tx.in_pass || node.awaits_call() || node.disk.size() > 1, "a pass waits for nothing");
  const bool final = is_final(tx.state.status);
  findings.expect(final || tx.in_pass || node.truth.halted || has_time(tx), "parked without a time to go on");
  findings.expect(!final || (!tx.in_pass && tx.retry_at_ms == kNever && tx.timeout_at_ms == kNever),
                  "something is still to be done after the end");
  if (tx.retry_at_ms != kNever && tx.state.parked && !tx.in_pass) {
    const std::int64_t shown_ms = std::max<std::int64_t>(tx.state.next_retry_time_ms - node.now.wall_ms, 0);
    const std::int64_t in_ms = std::max<std::int64_t>(tx.retry_at_ms - node.now.steady_ms, 0);
    findings.expect(shown_ms == in_ms, "the stored time is not that of the next try");
  }
  for (std::uint32_t row = 0; row < tx.branches.size(); ++row) {
    const bool marked = std::count(tx.changed.begin(), tx.changed.end(), row) == 1 && tx.memory[row].changed;
    const bool written = row < node.newest().branches.size() && node.newest().branches[row] == tx.branches[row];
    findings.expect(marked || written, "a row changed, but will never be written");
  }
  if (tx.timeout_at_ms != kNever) {
    const bool prepared = tx.state.status == GlobalStatus::prepared;
    const std::int64_t wanted_ms = prepared ? timeout_wall_ms(*tx.definition) : delay_end_wall_ms(*tx.definition);
    const std::int64_t wanted_in_ms = std::max<std::int64_t>(wanted_ms - node.now.wall_ms, 0);
    const std::int64_t in_ms = std::max<std::int64_t>(tx.timeout_at_ms - node.now.steady_ms, 0);
    findings.expect(wanted_in_ms == in_ms, "the timer is not that of the timeout, or of the delay");
  }
  const bool delayed = tx.state.status == GlobalStatus::submitted &&
                       node.now.wall_ms < delay_end_wall_ms(*tx.definition) && !tx.in_pass && !node.truth.halted;
  findings.expect(!delayed || (tx.retry_at_ms == kNever && tx.timeout_at_ms != kNever), "a delayed message is retried");
  const auto& acknowledged = node.durable().registrations;
  findings.expect(acknowledged.size() <= tx.registrations.size() &&
                      std::equal(acknowledged.begin(), acknowledged.end(), tx.registrations.begin()),
                  "a registration that was acknowledged is gone");
}

void check_answer(Findings& findings, const Node& node, const Result<Done>& answer) {
  const Transaction& tx = node.transaction;
  const GlobalStatus status = tx.state.status;
  const bool rolled_back = is_two_phase(tx.definition->type) && status == GlobalStatus::failed && !node.truth.forced;
  const bool done = status == GlobalStatus::succeed || rolled_back;
  findings.expect(static_cast<bool>(answer) == done, "a pass is answered as a success, though it is none, or not");
  if (answer || done) return;
  const Error& error = answer.error();
  const auto is = [&](Code code, std::string_view text) {
    return error.code == code && error.message.find(text) != std::string::npos;
  };
  if (node.truth.forced) {
    findings.expect(is(Code::failure, "FAILURE"), "a stop by force does not look like one");
  } else if (!is_final(status) && node.truth.halted) {
    findings.expect(error.code == Code::unavailable, "a halted pass looks like a decision");
  } else if (status == GlobalStatus::submitted || status == GlobalStatus::aborting) {
    const PassNotes& pass = node.truth.pass;
    const bool refused = pass.failure && is(Code::failure, "said no") && error.message.ends_with("FAILURE");
    const bool broken = pass.unknown && is(Code::internal, "no answer");
    const bool waiting =
        !pass.failure && !pass.unknown &&
        (tx.definition->type == TransType::msg ? is(Code::failure, "wait result not return success: FAILURE")
                                               : is(Code::ongoing, "ONGOING"));
    findings.expect(refused || broken || waiting, "a pass is answered with the wrong error");
  }
}

}  // namespace settle::core::mode_walk
