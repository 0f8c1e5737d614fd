#include "engine/core/mode_walk_transition.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "engine/core/mode_walk_checks.hpp"
#include "engine/core/mode_walk_rules.hpp"

namespace settle::core::mode_walk {
namespace {

using Kind = Step::Kind;

constexpr std::int64_t kSteadyAtStartMs = 50'000;  // of every process

// The next time that somebody waits for, among those still ahead.
std::int64_t next_time_ms(const Node& node) {
  std::int64_t next_ms = kNever;
  for (std::int64_t at_ms : {node.transaction.retry_at_ms, node.transaction.timeout_at_ms}) {
    if (at_ms > node.now.steady_ms) next_ms = std::min(next_ms, at_ms);
  }
  return next_ms;
}

class Transition {
 public:
  Transition(const Setup& setup, const WalkedCore& core, const Node& before, const Step& step)
      : setup_(setup), core_(core), before_(before), step_(step), node_(before) {}

  std::optional<Node> take() {
    if (step_.kind == Kind::crash) return crash();
    if (step_.kind == Kind::time_passes) {
      pass_time(next_time_ms(node_));
      return std::move(node_);
    }
    const Event event = happen();
    Decision decision = core_.decide(std::move(node_.transaction), event, node_.now);
    if (decision.write != 0 && node_.disk.size() > setup_.lag_max) return std::nullopt;
    const bool refused = decision.refused.has_value();
    node_.transaction = std::move(decision.transaction);
    const Happened happened{before_, node_, step_, core_.run_ahead};
    check_request(findings_, happened, decision, event);
    note_request(before_, node_, step_, refused);
    if (refused || idle_) {
      check_idle(findings_, happened, decision);
    } else {
      obey(decision);
    }
    return std::move(node_);
  }

  Node create(GlobalStatus status) {
    node_.disk.push_back(std::make_shared<const Snapshot>());
    node_.now = {kCreateTimeMs, kSteadyAtStartMs};
    Decision decision = core_.create(setup_.definition, status, node_.now);
    node_.transaction = std::move(decision.transaction);
    hold_callback();
    findings_.expect(decision.create && decision.start.empty(), "a new transaction is not written as new");
    findings_.expect(node_.transaction.state.status == status, "created in another status");
    write(findings_, node_, 0, decision);
    check_state(findings_, node_);
    if (decision.pass_ended) check_answer(findings_, node_, decision.answer);
    return std::move(node_);
  }

  const std::string& violation() const { return findings_.first(); }

 private:
  // The event, after what it means for the truth.
  Event happen() {
    switch (step_.kind) {
      case Kind::durable:
        node_.disk.erase(node_.disk.begin(), node_.disk.begin() + 1 + step_.row);
        return Durable{node_.transaction.durable + 1 + step_.row};
      case Kind::reply:
        return replied();
      case Kind::late_reply:
        idle_ = true;
        return Replied{{step_.row, node_.transaction.last_call + 1'000}, CallResult::failure, "said no, late"};
      case Kind::not_sent: {
        idle_ = true;  // calls are revoked only once it is final, or no longer prepared
        return NotSent{remove_call().call};
      }
      case Kind::woken_retry:
        pass_time(node_.transaction.retry_at_ms);
        return Woken{true, false};
      case Kind::woken_timeout:
        pass_time(node_.transaction.timeout_at_ms);
        return Woken{false, true};
      case Kind::woken_both:
        pass_time(std::max(node_.transaction.retry_at_ms, node_.transaction.timeout_at_ms));
        return Woken{true, true};
      case Kind::woken_early:
        idle_ = true;
        return Woken{};
      case Kind::made_due:
        node_.truth.made_due = is_called_back() && !is_final(node_.transaction.state.status);
        return MadeDue{};
      case Kind::halted:
      case Kind::halted_by_force:
        node_.truth.halted = true;
        return Halted{step_.kind == Kind::halted_by_force};
      default:
        return request();
    }
  }

  Event request() {
    const Transaction& tx = node_.transaction;
    const std::size_t known = tx.registrations.size();
    switch (step_.kind) {
      case Kind::submitted:
        return Submitted{tx.definition};
      case Kind::submitted_changed:
        return Submitted{setup_.changed};
      case Kind::registered:
        if (tx.state.status == GlobalStatus::prepared) {
          hold_callback();
          node_.truth.made_due = node_.truth.made_due && tx.in_pass;
        }
        return setup_.registrations[known];
      case Kind::registered_again:
        return again(setup_.registrations[known - 1]);
      case Kind::finished_succeed:
        return Finished{GlobalStatus::succeed, "", "result"};
      case Kind::finished_failed:
        return Finished{GlobalStatus::failed, "why", ""};
      case Kind::abort_requested:
        return AbortRequested{};
      case Kind::abort_with_reason:
        return AbortRequested{"why"};
      case Kind::force_stopped:
        node_.truth.forced = node_.truth.forced || !is_final(tx.state.status);
        return ForceStopped{};
      default:
        idle_ = true;
        return Prepared{};
    }
  }

  // A tcc or xa has one branch of a name, whatever operation the client says.
  static Registered again(Registered event) {
    if (event.registration.operation == "try") event.registration.operation = "other";
    return event;
  }

  Event replied() {
    const CallOut answered = remove_call();
    idle_ = answered.dropped || is_final(node_.transaction.state.status);
    const bool query = step_.row == kQueryRow;
    if (query && !idle_) hold_callback();
    PassNotes& pass = node_.truth.pass;
    if (step_.result == CallResult::success && !node_.transaction.definition->concurrent) pass = {};
    const bool decides = query && node_.transaction.definition->type == TransType::msg;
    const bool failure = !idle_ && step_.result == CallResult::failure && !decides;
    const bool unknown = !idle_ && step_.result == CallResult::unknown;
    pass = {pass.failure || failure, pass.unknown || unknown};
    error_ = failure || unknown;
    return Replied{answered.call, step_.result, step_.result == CallResult::failure ? "said no" : "no answer"};
  }

  bool is_called_back() const {
    const Definition& definition = *node_.transaction.definition;
    return definition.type == TransType::workflow && asks(definition);
  }
  // The interval begins anew.
  void hold_callback() {
    node_.truth.callback_at_ms = is_called_back() ? node_.now.steady_ms + kIntervalMs : node_.now.steady_ms;
  }

  CallOut remove_call() {
    const auto at = std::find_if(node_.calls.begin(), node_.calls.end(),
                                 [this](const CallOut& call) { return call.call.row == step_.row; });
    const CallOut call = *at;
    node_.calls.erase(at);
    return call;
  }

  void pass_time(std::int64_t until_steady_ms) {
    const std::int64_t by_ms = std::max<std::int64_t>(until_steady_ms - node_.now.steady_ms, 0);
    node_.now.steady_ms += by_ms;
    node_.now.wall_ms += by_ms;
  }

  void obey(const Decision& decision) {
    const Happened happened{before_, node_, step_, core_.run_ahead};
    const Transaction& before = before_.transaction;
    const Transaction& after = node_.transaction;
    begin_pass(before_, node_, step_);
    check_status(findings_, happened);
    check_results(findings_, happened);
    if (!violation().empty()) return;  // what follows looks up rows
    if (decision.write != 0) {
      write(findings_, node_, before.written, decision);
    } else {
      // How often a call was tried, what came of it, and the time of the next try may wait for the end of the pass.
      const State& was = before.state;
      const State& is = after.state;
      findings_.expect(was.status == is.status && was.rollback_reason == is.rollback_reason &&
                           was.parked == is.parked &&
                           (was.next_retry_time_ms == is.next_retry_time_ms || after.in_pass || node_.truth.halted),
                       "the state changed without a write");
      findings_.expect(after.written == before.written && decision.changed.empty() && decision.registered == 0 &&
                           !decision.definition_changed && before.registrations == after.registrations,
                       "something is to be written, but there is no write");
    }
    // What is written waits in line behind what is durable, so the calls are judged by the disk as it is.
    if (after.state.status != before.state.status) drop_query();
    for (const Call& call : decision.start) started(happened, call);
    for (const Call& call : decision.revoke) revoked(call);
    check_state(findings_, node_);
    end_pass(findings_, before_, node_, decision);
    findings_.expect(decision.error == error_, "a failed call is not told, or one that did not fail is");
    findings_.expect(!error_ || (after.state.last_error_branch == step_.row && after.state.errors > 0),
                     "the newest error is not that of the failed call");
    findings_.expect(step_.kind == Kind::submitted_changed || after.definition == before.definition,
                     "the definition changes without a submit");
  }

  // Its answer counts only while it is prepared.
  void drop_query() {
    for (CallOut& call : node_.calls) call.dropped = call.dropped || call.call.row == kQueryRow;
  }

  void started(const Happened& happened, Call call) {
    if (call.row == kQueryRow) {
      check_query_start(findings_, happened);
      node_.truth.made_due = false;
      hold_callback();
    } else {
      findings_.expect(!url_of(node_.transaction, call.row).empty(), "an empty url is called");
      check_row_start(findings_, happened, call.row);
      const bool forward = is_forward(node_.transaction.definition->type, call.row);
      (forward ? node_.truth.forward : node_.truth.backward) = true;
    }
    node_.calls.push_back({call});
    std::sort(node_.calls.begin(), node_.calls.end(),
              [](const CallOut& a, const CallOut& b) { return a.call.row < b.call.row; });
  }

  void revoked(Call call) {
    const auto at =
        std::find_if(node_.calls.begin(), node_.calls.end(), [&](const CallOut& other) { return other.call == call; });
    findings_.expect(at != node_.calls.end(), "a call is revoked that is not in flight");
    if (at == node_.calls.end()) return;
    const bool useless = is_final(node_.transaction.state.status) || at->dropped;
    findings_.expect(useless, "a call is revoked that still matters");
    at->revoked = true;
  }

  std::optional<Node> crash() {
    node_.disk.erase(node_.disk.begin(), node_.disk.begin() + step_.row);
    node_.disk.resize(1);
    node_.calls.clear();
    Truth& truth = node_.truth;
    const Snapshot& left = node_.durable();
    if (!left.exists) {
      findings_.expect(!truth.forward && !truth.backward, "something was called of a transaction that nobody knows");
      return std::nullopt;
    }
    node_.now.steady_ms = kSteadyAtStartMs;
    truth.halted = truth.again = truth.made_due = false;
    truth.pass = {};
    truth.forced = truth.forced && is_final(left.state.status);
    const std::int64_t wait_ms = left.state.parked ? left.state.next_retry_time_ms - node_.now.wall_ms : 0;
    node_.transaction = core_.resume({1, left.definition, left.state, left.registrations, left.branches}, node_.now);
    hold_callback();
    truth.callback_at_ms = std::min(truth.callback_at_ms, node_.now.steady_ms + std::max<std::int64_t>(wait_ms, 0));
    const Transaction& tx = node_.transaction;
    findings_.expect(tx.definition == left.definition && tx.state == left.state &&
                         tx.registrations == left.registrations && tx.branches == left.branches &&
                         tx.memory.size() == tx.branches.size(),
                     "what was resumed is not what the disk holds");
    if (violation().empty()) check_state(findings_, node_);
    return std::move(node_);
  }

  const Setup& setup_;
  const WalkedCore& core_;
  const Node& before_;
  const Step& step_;
  Node node_;
  bool idle_ = false;   // the event must not change anything
  bool error_ = false;  // a call failed
  Findings findings_;
};

}  // namespace

Outcome created(const Setup& setup, const WalkedCore& core, GlobalStatus status) {
  const Node nothing;
  const Step step;
  Transition transition(setup, core, nothing, step);
  Outcome outcome{transition.create(status), ""};
  outcome.violation = transition.violation();
  return outcome;
}

Outcome transition(const Setup& setup, const WalkedCore& core, const Node& before, const Step& step) {
  Transition transition(setup, core, before, step);
  Outcome outcome{transition.take(), ""};
  outcome.violation = transition.violation();
  return outcome;
}

}  // namespace settle::core::mode_walk
