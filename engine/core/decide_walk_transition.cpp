// What one event does to a node, and every invariant that it could break.
#include <algorithm>
#include <string_view>
#include <utility>

#include "engine/core/decide_walk_node.hpp"

namespace settle::core {
namespace {

// Whether every predecessor of the step passes. Read from the definition itself: the walk shares no code with the core
// that it judges.
template <class F>
bool predecessors_pass(const Definition& definition, std::uint32_t step, F passes) {
  if (!definition.concurrent) return step == 0 || passes(step - 1);
  const auto found = definition.orders.find(step);
  return found == definition.orders.end() || std::all_of(found->second.begin(), found->second.end(), passes);
}

// Whether a process may have started the action when this was what the disk held.
bool disk_allows(const Snapshot& snapshot, std::uint32_t step) {
  if (!snapshot.exists) return false;
  if (snapshot.branches[action_row(step)].started) return true;
  if (snapshot.state.status != GlobalStatus::submitted || snapshot.state.exact) return false;
  const Definition& definition = *snapshot.definition;
  const auto succeeded = [&](std::uint32_t other) {
    return snapshot.branches[action_row(other)].status == BranchStatus::succeed;
  };
  return predecessors_pass(definition, step, [&](std::uint32_t other) {
    return succeeded(other) || predecessors_pass(definition, other, succeeded);
  });
}

// Nothing changed, but for a call that is no longer in flight.
bool unchanged(const Transaction& a, const Transaction& b) {
  return a.state == b.state && a.branches == b.branches && a.changed == b.changed && a.definition == b.definition &&
         a.written == b.written && a.durable == b.durable && a.in_pass == b.in_pass && a.again == b.again &&
         a.halting == b.halting && a.retry_at_ms == b.retry_at_ms && a.timeout_at_ms == b.timeout_at_ms;
}

// One transition: the node that comes of an event, or what it breaks.
class Transition {
 public:
  Transition(const WalkedCore& core, const Node& before, Step step) : core_(core), before_(before), step_(step) {}

  // Nothing where the event cannot happen, since too many writes are on their way.
  std::optional<Node> take(std::size_t lag_max) {
    node_ = before_;
    if (step_.kind == Step::Kind::crash) {
      crash();
      return std::move(node_);
    }
    const Event event = happen();
    Decision decision = core_.decide(std::move(node_.transaction), event);
    if (decision.write != 0 && node_.disk.size() > lag_max) return std::nullopt;
    obey(std::move(decision));
    return std::move(node_);
  }

  // The first node of all.
  Node created(Decision decision) {
    node_.disk.push_back(std::make_shared<const Snapshot>());
    expect(decision.create, "a new transaction is not written as new");
    obey(std::move(decision));
    return std::move(node_);
  }

  const std::string& violation() const { return violation_; }

 private:
  void expect(bool holds, std::string_view what) {
    if (!holds && violation_.empty()) violation_ = what;
  }

  // The event, after what it means for the truth.
  Event happen() {
    using Kind = Step::Kind;
    switch (step_.kind) {
      case Kind::durable:
        node_.disk.erase(node_.disk.begin());
        return Durable{node_.transaction.durable + 1};
      case Kind::reply: {
        const Call call = remove_call().call;
        idle_ = is_final(node_.transaction.state.status);
        return Replied{call, step_.result, "said no"};
      }
      case Kind::late_reply:
        idle_ = true;
        return Replied{{step_.row, node_.transaction.last_call + 1'000}, step_.result, "late"};
      case Kind::not_sent: {
        const CallInFlight taken_back = remove_call();
        if (is_action_row(step_.row)) {
          assign(node_.ran, step_of(step_.row), taken_back.ran_before);
          const bool undoing = node_.transaction.branches[compensate_row(step_of(step_.row))].started;
          assign(node_.possible, step_of(step_.row), taken_back.possible_before || undoing);
        }
        return NotSent{taken_back.call};
      }
      case Kind::woken_retry:
        return Woken{true, false};
      case Kind::woken_timeout:
        return Woken{false, true};
      case Kind::woken_both:
        return Woken{true, true};
      case Kind::submitted:
        return Submitted{node_.transaction.definition};
      case Kind::prepared:
        idle_ = true;
        return Prepared{};
      case Kind::abort_requested:
        idle_ = true;
        return AbortRequested{};
      case Kind::made_due:
        return MadeDue{};
      case Kind::force_stopped:
        node_.forced = node_.forced || !is_final(node_.transaction.state.status);
        return ForceStopped{};
      default:
        node_.halted = true;
        return Halted{step_.kind == Kind::halted_by_force};
    }
  }

  CallInFlight remove_call() {
    const auto at = std::find_if(node_.calls.begin(), node_.calls.end(),
                                 [this](const CallInFlight& call) { return call.call.row == step_.row; });
    const CallInFlight call = *at;
    node_.calls.erase(at);
    return call;
  }

  void obey(Decision decision) {
    node_.transaction = std::move(decision.transaction);
    const Transaction& before = before_.transaction;
    const Transaction& after = node_.transaction;
    if (decision.refused || idle_) {
      expect(unchanged(before, after) && decision.write == 0 && decision.start.empty() && decision.revoke.empty(),
             "a refused or meaningless event changed something");
      return;
    }
    if (decision.write != 0) {
      written(before, decision);
    } else {
      expect(after.written == before.written && decision.changed.empty() && !decision.create,
             "something is to be written, but there is no write");
      expect(before.state.status == after.state.status, "the status changed without a write");
    }
    if (!before.branches.empty()) results(before);
    for (std::uint32_t step = 0; step < step_count(); ++step) without_call(before, action_row(step));
    for (std::uint32_t step = step_count(); step-- > 0;) without_call(before, compensate_row(step));
    for (const Call& call : decision.start) started(before, call);
    for (const Call& call : decision.revoke) {
      const auto at = std::find_if(node_.calls.begin(), node_.calls.end(),
                                   [&](const CallInFlight& other) { return other.call == call; });
      expect(at != node_.calls.end(), "a call is revoked that is not in flight");
      if (at != node_.calls.end()) at->revoked = true;
    }
    in_every_state();
    if (before.in_pass && !after.in_pass) expect(decision.pass_ended, "a pass ended unheard");
    if (decision.pass_ended) answered();
    // Long texts would only make the walk slow.
    if (!node_.transaction.state.rollback_reason.empty()) node_.transaction.state.rollback_reason = "why";
  }

  // A row has a result only where it was its own call that said so.
  void results(const Transaction& before) {
    for (std::uint32_t row = 0; row < before.branches.size(); ++row) {
      const BranchStatus result = node_.transaction.branches[row].status;
      if (result == before.branches[row].status) continue;
      const bool replied = step_.kind == Step::Kind::reply && step_.row == row;
      const bool success =
          (replied && step_.result == CallResult::success) || node_.transaction.definition->branches[row].url.empty();
      const bool failure = replied && step_.result == CallResult::failure && is_action_row(row);
      expect(result == BranchStatus::succeed ? success : failure, "a row has a result that nobody gave");
    }
  }

  // An empty url counts as called and successful in the same moment.
  void without_call(const Transaction& before, std::uint32_t row) {
    const Transaction& after = node_.transaction;
    if (!after.definition->branches[row].url.empty()) return;
    if (before.branches.empty() || before.branches[row].status == after.branches[row].status) return;
    begun(before, row);
  }

  void started(const Transaction& before, Call call) {
    expect(!node_.transaction.definition->branches[call.row].url.empty(), "an empty url is called");
    for (const CallInFlight& other : node_.calls) {
      expect(other.call.row != call.row, "a row has two calls in flight");
      expect(node_.transaction.definition->concurrent, "a sequential saga has two calls in flight");
    }
    const std::uint32_t step = step_of(call.row);
    const CallInFlight in_flight = {call, false, (node_.ran & bit(step)) != 0, (node_.possible & bit(step)) != 0};
    begun(before, call.row);
    node_.calls.push_back(in_flight);
    std::sort(node_.calls.begin(), node_.calls.end(),
              [](const CallInFlight& a, const CallInFlight& b) { return a.call.row < b.call.row; });
  }

  // A branch begins to run, by a call or without one.
  void begun(const Transaction& before, std::uint32_t row) {
    const Transaction& after = node_.transaction;
    const std::uint32_t step = step_of(row);
    const BranchStatus known = before.branches[row].status;
    expect(!node_.halted, "a call starts while the process halts");
    expect(!is_final(before.state.status), "a call starts after a final decision");
    expect(known == BranchStatus::prepared, "a branch starts that has its result");
    if (is_action_row(row)) {
      expect(node_.durable().exists && node_.durable().state.status == GlobalStatus::submitted,
             "an action starts before submitted is durable");
      expect(disk_allows(node_.durable(), step), "an action starts that the durable state does not allow for");
      expect(!node_.rolling_back, "an action starts after a compensation");
      expect(
          predecessors_pass(*after.definition, step, [&](std::uint32_t other) { return succeeded(action_row(other)); }),
          "an action starts before its predecessors succeeded");
      expect(core_.run_ahead || predecessors_pass(*after.definition, step,
                                                  [&](std::uint32_t other) {
                                                    return node_.durable().branches[action_row(other)].status ==
                                                           BranchStatus::succeed;
                                                  }),
             "without run-ahead an action starts before its predecessors succeeded durably");
      assign(node_.ran, step, true);
      assign(node_.possible, step, true);
      return;
    }
    node_.rolling_back = true;
    expect(node_.durable().exists && node_.durable().state.status == GlobalStatus::aborting,
           "a compensation starts before aborting is durable");
    expect((node_.possible & bit(step)) != 0, "a step is compensated that is known never to have started");
    for (const CallInFlight& other : node_.calls) {
      expect(after.definition->concurrent || !is_action_row(other.call.row),
             "a compensation starts beside an action of a sequential saga");
    }
    for (std::uint32_t other = 0; other < step_count(); ++other) {
      const bool waits = !predecessors_pass(*after.definition, other, [&](std::uint32_t one) { return one != step; }) ||
                         (!after.definition->concurrent && other > step);
      if (!waits || (node_.ran & bit(other)) == 0) continue;
      expect(succeeded(compensate_row(other)), "compensation out of order");
      expect(core_.run_ahead || node_.durable().branches[compensate_row(other)].status == BranchStatus::succeed,
             "without run-ahead a compensation starts before the one before is durable");
    }
  }

  void written(const Transaction& before, const Decision& decision) {
    const Transaction& after = node_.transaction;
    expect(decision.write == before.written + 1 && after.written == decision.write, "writes are not counted in order");
    Snapshot next = node_.newest();
    expect(decision.create != next.exists, "created twice, or changed before it was created");
    expect(decision.create || decision.expected_status == next.state.status,
           "the write expects a status that was not written before");
    if (next.exists) status_changed(next.state.status, before);
    if (decision.create) next.branches.resize(after.branches.size());
    for (std::uint32_t row : decision.changed) {
      expect(std::count(decision.changed.begin(), decision.changed.end(), row) == 1, "a row is written twice at once");
      expect(!(next.branches[row] == after.branches[row]) || step_.kind == Step::Kind::not_sent || taken_back(row),
             "a row is written that did not change");
      next.branches[row] = after.branches[row];
    }
    expect(next.branches == after.branches, "a changed row is left out of the write");
    if (decision.may_wait) may_wait(before, decision);
    next.exists = true;
    next.state = after.state;
    if (!next.state.rollback_reason.empty()) next.state.rollback_reason = "why";
    next.definition = after.definition;
    node_.disk.push_back(std::make_shared<const Snapshot>(std::move(next)));
  }

  // Nobody else asks for such a write, so another must follow, and nothing may depend on it until then.
  void may_wait(const Transaction& before, const Decision& decision) {
    const Transaction& after = node_.transaction;
    expect(core_.run_ahead && !decision.create && !decision.definition_changed, "such a write must not wait");
    expect(after.state.status == GlobalStatus::submitted && before.last_written_status == after.state.status,
           "a write that changes the status must not wait");
    expect(after.in_pass && after.in_flight == 1, "a write waits, and no call is out that brings the next");
    std::uint32_t open = 0;
    for (std::uint32_t row = 1; row < after.branches.size(); row += 2) {
      if (after.branches[row].status != BranchStatus::succeed) ++open;
    }
    expect(open == 1, "a write waits, but the call that is out is not the last");
  }

  // A call that was taken back leaves its row as it had been.
  bool taken_back(std::uint32_t row) const { return node_.transaction.branches[row] == BranchState{}; }

  void status_changed(GlobalStatus from, const Transaction& before) {
    using Kind = Step::Kind;
    const State& state = node_.transaction.state;
    if (from == state.status) return;
    const bool forced = node_.forced && state.status == GlobalStatus::failed;
    expect(forced || (from == GlobalStatus::prepared && state.status == GlobalStatus::submitted) ||
               (from == GlobalStatus::submitted && state.status == GlobalStatus::aborting) ||
               (from == GlobalStatus::submitted && state.status == GlobalStatus::succeed) ||
               (from == GlobalStatus::aborting && state.status == GlobalStatus::failed),
           "the status takes a way that does not exist");
    if (state.status == GlobalStatus::aborting) {
      const Options& options = before.definition->options;
      const bool timeout = step_.kind == Kind::woken_timeout || step_.kind == Kind::woken_both;
      const bool reply = step_.kind == Kind::reply && is_action_row(step_.row);
      expect((timeout && options.timeout_to_fail_s > 0) || (reply && step_.result == CallResult::failure) ||
                 (reply && step_.result != CallResult::success && options.retry_limit > 0),
             "rolled back without a cause");
      expect(!state.rollback_reason.empty(), "rolled back without a reason");
    }
    if (state.status == GlobalStatus::succeed) {
      for (std::uint32_t step = 0; step < step_count(); ++step) {
        expect(!node_.rolling_back && succeeded(action_row(step)), "succeeded, but not every action did");
      }
    }
    if (state.status == GlobalStatus::failed && !node_.forced) {
      for (std::uint32_t step = 0; step < step_count(); ++step) {
        expect((node_.ran & bit(step)) == 0 || succeeded(compensate_row(step)),
               "failed, but an action may have run and is not compensated");
      }
      expect(!state.rollback_reason.empty(), "failed without a reason");
    }
  }

  bool succeeded(std::uint32_t row) const { return node_.transaction.branches[row].status == BranchStatus::succeed; }

  void in_every_state() {
    const Transaction& tx = node_.transaction;
    expect(tx.in_flight == node_.calls.size(), "calls in flight are miscounted");
    for (const CallInFlight& call : node_.calls) {
      expect(tx.memory[call.call.row].call == call.call.number, "a call in flight is forgotten");
    }
    expect(tx.durable + node_.disk.size() - 1 == tx.written, "writes on their way are miscounted");
    expect(!tx.in_pass || !node_.calls.empty() || node_.disk.size() > 1, "a pass waits for nothing");
    const bool running = tx.state.status == GlobalStatus::submitted || tx.state.status == GlobalStatus::aborting;
    expect(!running || tx.in_pass || node_.halted || tx.retry_at_ms != kNever, "parked without a time to go on");
    expect(running || !tx.in_pass, "a pass where there is nothing to do");
  }

  void answered() {
    const Transaction& tx = node_.transaction;
    const Result<Done> answer = pass_answer(tx);
    expect(tx.status_written <= tx.written && node_.newest().state.status == tx.state.status,
           "a pass is answered from a state that is never written");
    expect(static_cast<bool>(answer) == (tx.state.status == GlobalStatus::succeed), "a pass is answered wrongly");
    if (!answer && tx.state.status == GlobalStatus::submitted && node_.halted) {
      expect(answer.error().code == Code::unavailable, "a halted pass looks like a rollback");
    }
  }

  void crash() {
    node_.disk.erase(node_.disk.begin(), node_.disk.begin() + step_.row);
    node_.disk.resize(1);
    node_.calls.clear();
    node_.halted = false;
    const Snapshot& left = node_.durable();
    if (!left.exists) {
      expect(node_.ran == 0, "an action ran of a transaction that nobody knows");
      return;
    }
    node_.forced = node_.forced && is_final(left.state.status);
    node_.possible = 0;
    for (std::uint32_t step = 0; step < step_count(); ++step) assign(node_.possible, step, disk_allows(left, step));
    expect(is_final(left.state.status) || (node_.ran & ~node_.possible) == 0,
           "an action ran that a restart cannot know of");
    node_.transaction = core_.resume({1, left.definition, left.state, {}, left.branches});
    in_every_state();
  }

  std::uint32_t step_count() const {
    return static_cast<std::uint32_t>(node_.transaction.definition->branches.size() / 2);
  }

  const WalkedCore& core_;
  const Node& before_;
  const Step step_;
  Node node_;
  bool idle_ = false;  // the event must not change anything
  std::string violation_;
};

}  // namespace

Outcome created(const WalkedCore& core, Decision decision) {
  const Node nothing;
  Transition transition(core, nothing, {});
  Outcome outcome{transition.created(std::move(decision)), ""};
  outcome.violation = transition.violation();
  return outcome;
}

Outcome transition(const WalkedCore& core, const Node& before, Step step, std::size_t lag_max) {
  Transition transition(core, before, step);
  Outcome outcome{transition.take(lag_max), ""};
  outcome.violation = transition.violation();
  return outcome;
}

}  // namespace settle::core
