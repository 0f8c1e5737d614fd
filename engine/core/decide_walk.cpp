#include "engine/core/decide_walk.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace settle::core {
namespace {

constexpr Moment kNow = {1'000'000, 1'000};
const Policy kPolicy = {1'000, 1'000};

// One event as a small value, so that the way to every state can be remembered.
struct Step {
  enum class Kind : std::uint8_t {
    create,
    durable,
    reply,
    late_reply,
    not_sent,
    woken_retry,
    woken_timeout,
    woken_both,
    submitted,
    prepared,
    abort_requested,
    made_due,
    force_stopped,
    halted,
    halted_by_force,
    crash,
  };
  Kind kind = Kind::create;
  std::uint8_t row = 0;                    // of the call; of a crash: how many writes the disk has beyond the durable
  CallResult result = CallResult::unknown;  // of a reply
};

std::string to_text(Step step) {
  static constexpr std::string_view kNames[] = {"create",        "durable",    "reply",         "late reply",
                                                "not sent",      "retry",      "timeout",       "retry and timeout",
                                                "submitted",     "prepared",   "abort request", "made due",
                                                "force stopped", "halted",     "halted by force", "crash"};
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

// What the disk holds, or will hold when a write gets there.
struct Snapshot {
  bool exists = false;
  State state;
  std::vector<BranchState> branches;
  std::shared_ptr<const Definition> definition;
};

struct CallInFlight {
  Call call;
  bool revoked = false;
  bool ran_before = false;  // the truth and what is known of the step, before this call went out
  bool possible_before = false;
};

// Sets of steps, bit by bit.
using StepSet = std::uint8_t;
StepSet bit(std::uint32_t step) { return static_cast<StepSet>(1u << step); }
void assign(StepSet& set, std::uint32_t step, bool in) {
  set = static_cast<StepSet>(in ? set | bit(step) : set & ~bit(step));
}

struct Node {
  Transaction transaction;
  std::vector<Snapshot> disk;  // the durable one first, then those on their way
  std::vector<CallInFlight> calls;
  StepSet ran = 0;            // actions that truly may have run
  StepSet possible = 0;       // actions that this process cannot know never to have started
  bool rolling_back = false;  // a compensation was started, in this process or before
  bool forced = false;
  bool halted = false;

  const Snapshot& durable() const { return disk.front(); }
  const Snapshot& newest() const { return disk.back(); }
};

// What only matters to tell states apart, as bytes.
class Key {
 public:
  explicit Key(const Node& node) {
    const Transaction& tx = node.transaction;
    const bool acting = tx.state.status == GlobalStatus::prepared || tx.state.status == GlobalStatus::submitted;
    const bool final = is_final(tx.state.status);
    for (const Snapshot& snapshot : node.disk) {
      add(snapshot.exists);
      state(snapshot.state);
      for (const BranchState& branch : snapshot.branches) row(branch);
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
  void state(const State& state) {
    add(state.status, state.exact, state.parked, state.rollback_reason.empty());
  }
  void row(const BranchState& branch) { add(branch.status, branch.started, std::min(branch.attempts, 2u)); }
  static Sequence relative(const Transaction& tx, Sequence sequence) {
    return sequence == 0 ? 0 : sequence <= tx.durable ? 1 : sequence - tx.durable + 1;
  }

  std::string bytes_;
};

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
    Decision decision = core_.decide(node_.transaction, event);
    if (decision.write != 0 && node_.disk.size() > lag_max) return std::nullopt;
    obey(std::move(decision));
    return std::move(node_);
  }

  // The first node of all.
  Node created(Decision decision) {
    node_.disk.emplace_back();
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
    const Transaction before = std::exchange(node_.transaction, std::move(decision.transaction));
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
  }

  // A row has a result only where it was its own call that said so.
  void results(const Transaction& before) {
    for (std::uint32_t row = 0; row < before.branches.size(); ++row) {
      const BranchStatus result = node_.transaction.branches[row].status;
      if (result == before.branches[row].status) continue;
      const bool replied = step_.kind == Step::Kind::reply && step_.row == row;
      const bool success = (replied && step_.result == CallResult::success) ||
                           node_.transaction.definition->branches[row].url.empty();
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
      expect(predecessors_pass(*after.definition, step, [&](std::uint32_t other) { return succeeded(action_row(other)); }),
             "an action starts before its predecessors succeeded");
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
      expect(!waits || (node_.ran & bit(other)) == 0 || succeeded(compensate_row(other)), "compensation out of order");
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
    next.exists = true;
    next.state = after.state;
    next.definition = after.definition;
    node_.disk.push_back(std::move(next));
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

  bool succeeded(std::uint32_t row) const {
    return node_.transaction.branches[row].status == BranchStatus::succeed;
  }

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
    node_.transaction = core_.resume({1, left.definition, left.state, left.branches});
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

class Walk {
 public:
  Walk(const WalkSetup& setup, const WalkedCore& core) : setup_(setup), core_(core) {}

  WalkReport run() {
    for (GlobalStatus status : {GlobalStatus::submitted, GlobalStatus::prepared}) {
      const Node nothing;
      Transition transition(core_, nothing, {});
      Node first = transition.created(create(setup_.definition, status, kNow, kPolicy));
      if (!transition.violation().empty()) return fail(0, {}, transition.violation());
      found(0, {}, std::move(first));
    }
    while (!open_.empty() && report_.violation.empty()) {
      const auto [hash, node] = std::move(open_.front());
      open_.pop_front();
      expand(hash, node);
    }
    if (report_.violation.empty()) everything_finishes();
    report_.states = seen_.size();
    return std::move(report_);
  }

 private:
  struct Seen {
    std::uint64_t from = 0;
    std::uint64_t fair_next = 0;  // where the fair event leads; 0: it is finished
    Step step;
  };

  std::uint64_t found(std::uint64_t from, Step step, Node node) {
    const std::uint64_t hash = Key(node).hash();
    if (seen_.try_emplace(hash, Seen{from, 0, step}).second) open_.emplace_back(hash, std::move(node));
    return hash;
  }

  // What happens once faults have stopped; nothing where all is done.
  static std::optional<Step> fair(const Node& node) {
    using Kind = Step::Kind;
    const Transaction& tx = node.transaction;
    if (node.disk.size() > 1) return Step{Kind::durable};
    if (is_final(tx.state.status)) return std::nullopt;
    if (!node.calls.empty()) {
      return Step{Kind::reply, static_cast<std::uint8_t>(node.calls[0].call.row), CallResult::success};
    }
    if (node.halted) return Step{Kind::crash};
    return Step{tx.state.status == GlobalStatus::prepared ? Kind::submitted : Kind::woken_retry};
  }

  std::vector<Step> events(const Node& node) const {
    using Kind = Step::Kind;
    std::vector<Step> steps;
    for (std::size_t kept = 0; kept < node.disk.size(); ++kept) {
      steps.push_back({Kind::crash, static_cast<std::uint8_t>(kept)});
    }
    if (node.disk.size() > 1) steps.push_back({Kind::durable});
    for (const CallInFlight& call : node.calls) {
      const auto row = static_cast<std::uint8_t>(call.call.row);
      for (auto result : {CallResult::success, CallResult::failure, CallResult::ongoing, CallResult::unknown}) {
        if (setup_.quiet && result == CallResult::ongoing) continue;  // as unknown, but for the interval
        steps.push_back({Kind::reply, row, result});
      }
      if (call.revoked) steps.push_back({Kind::not_sent, row});
    }
    if (node.transaction.timeout_at_ms != kNever) steps.push_back({Kind::woken_timeout});
    steps.push_back({Kind::woken_retry});
    steps.push_back({Kind::force_stopped});
    if (node.transaction.state.status == GlobalStatus::prepared || !setup_.quiet) steps.push_back({Kind::submitted});
    if (setup_.quiet) return steps;

    const std::size_t rows = node.transaction.branches.size();
    const auto any_row = static_cast<std::uint8_t>(node.calls.empty() ? rows - 1 : node.calls[0].call.row);
    steps.push_back({Kind::late_reply, any_row, CallResult::failure});
    if (node.transaction.timeout_at_ms != kNever) steps.push_back({Kind::woken_both});
    for (Kind kind : {Kind::prepared, Kind::abort_requested, Kind::made_due, Kind::halted, Kind::halted_by_force}) {
      steps.push_back({kind});
    }
    return steps;
  }

  void expand(std::uint64_t hash, const Node& node) {
    const std::optional<Step> fair_step = fair(node);
    for (const Step& step : events(node)) {
      Transition transition(core_, node, step);
      std::optional<Node> next = transition.take(setup_.lag_max);
      ++report_.transitions;
      if (!transition.violation().empty()) {
        fail(hash, step, transition.violation());
        return;
      }
      if (!next) continue;
      if (!next->durable().exists && next->disk.size() == 1) continue;  // nobody knows of it, and nothing happened
      const std::uint64_t reached = found(hash, step, std::move(*next));
      const bool is_fair = fair_step && fair_step->kind == step.kind && fair_step->row == step.row &&
                           (step.kind != Step::Kind::reply || fair_step->result == step.result);
      if (is_fair) seen_[hash].fair_next = reached;
    }
    if (fair_step && seen_[hash].fair_next == 0) fail(hash, *fair_step, "what must happen next cannot happen");
  }

  // Follows the fair way from every state; one that comes back to where it was never ends.
  void everything_finishes() {
    std::unordered_map<std::uint64_t, std::uint64_t> followed_from;
    for (const auto& [start, unused] : seen_) {
      for (std::uint64_t at = start; at != 0; at = seen_.at(at).fair_next) {
        const auto [known, fresh] = followed_from.try_emplace(at, start);
        if (fresh) continue;
        if (known->second != start) break;
        fail(at, {}, "goes on for ever though every call succeeds");
        return;
      }
    }
  }

  WalkReport fail(std::uint64_t from, Step step, std::string_view what) {
    std::string way = to_text(step);
    for (std::uint64_t at = from; at != 0; at = seen_.at(at).from) way = to_text(seen_.at(at).step) + ", " + way;
    report_.violation = std::string(what) + ": " + way;
    return report_;
  }

  const WalkSetup& setup_;
  const WalkedCore& core_;
  WalkReport report_;
  std::unordered_map<std::uint64_t, Seen> seen_;
  std::deque<std::pair<std::uint64_t, Node>> open_;
};

}  // namespace

WalkedCore sound_core() {
  return {[](Transaction transaction, const Event& event) {
            return decide(std::move(transaction), event, kNow, kPolicy);
          },
          [](StoredTransaction stored) { return resume(std::move(stored), kNow); }};
}

WalkReport walk(const WalkSetup& setup, const WalkedCore& core) { return Walk(setup, core).run(); }

}  // namespace settle::core
