// Proves that the walk over the modes can fail: every fault planted here into the core must be found.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/mode_walk.hpp"
#include "engine/core/mode_walk_shapes.hpp"

namespace settle::core::mode_walk {
namespace {

const WalkedCore& sound() {
  static const WalkedCore kCore = sound_core();
  return kCore;
}

// A core with another `decide`.
template <class Decide>
WalkedCore deciding(Decide decide) {
  WalkedCore core = sound();
  core.decide = decide;
  return core;
}

// A core that sees another event, or another transaction, than there is.
template <class Change>
WalkedCore seeing(Change change) {
  return deciding([change](Transaction transaction, Event event, Moment now) {
    change(transaction, event, now);
    return sound().decide(std::move(transaction), event, now);
  });
}

// A core that spoils what it decided.
template <class Change>
WalkedCore spoiling(Change change) {
  return deciding([change](const Transaction& transaction, const Event& event, Moment now) {
    Decision decision = sound().decide(transaction, event, now);
    change(decision, event, transaction);
    return decision;
  });
}

template <class Change>
WalkedCore resuming(Change change) {
  WalkedCore core = sound();
  core.resume = [change](StoredTransaction stored, Moment now) {
    Transaction transaction = sound().resume(std::move(stored), now);
    change(transaction, now);
    return transaction;
  };
  return core;
}

struct Canary {
  std::string name;
  std::string found_as;  // part of the violation
  Shape shape;
  WalkedCore core;
};

const Shape kTcc{.type = TransType::tcc, .count = 3};
const Shape kXa{.type = TransType::xa, .count = 2};
const Shape kMessage{.type = TransType::msg, .count = 2, .query = true, .delay_s = 3};
const Shape kLine{.type = TransType::msg, .count = 3, .created_submitted = true};
const Shape kAtOnce{.type = TransType::msg, .count = 2, .concurrent = true, .created_submitted = true};
const Shape kWorkflow{.type = TransType::workflow, .count = 2, .query = true};

// As the modes demand each on its own.
const Canary kModeCanaries[] = {
    {"a tcc confirms in the order of registration", "out of order", kTcc,
     deciding([](Transaction transaction, const Event& event, Moment now) {
       const auto tcc = transaction.definition;
       Definition changed = *tcc;
       changed.type = TransType::xa;
       transaction.definition = std::make_shared<const Definition>(std::move(changed));
       Decision decision = sound().decide(std::move(transaction), event, now);
       decision.transaction.definition = tcc;
       return decision;
     })},
    {"an xa that was submitted is rolled back on demand", "not refused as it should be", kXa,
     seeing([](Transaction& transaction, const Event& event, Moment) {
       const bool aborts = std::holds_alternative<AbortRequested>(event);
       if (aborts && transaction.state.status == GlobalStatus::submitted) {
         transaction.state.status = GlobalStatus::prepared;
       }
     })},
    {"a FAILURE of a commit rolls back", "a way that nothing caused", kXa,
     spoiling([](Decision& decision, const Event& event, const Transaction& before) {
       const auto* replied = std::get_if<Replied>(&event);
       if (replied == nullptr || replied->result != CallResult::failure || decision.write == 0) return;
       if (before.state.status == GlobalStatus::submitted) decision.transaction.state.status = GlobalStatus::aborting;
     })},
    {"a tcc does not time out", "parked without a time", kTcc,
     spoiling([](Decision& decision, const Event&, const Transaction&) {
       if (decision.transaction.state.status == GlobalStatus::prepared) decision.transaction.timeout_at_ms = kNever;
     })},
    {"a tcc times out early", "not that of the timeout", kTcc, resuming([](Transaction& transaction, Moment now) {
       if (transaction.timeout_at_ms != kNever) transaction.timeout_at_ms = now.steady_ms;
     })},
    {"a message is asked about when somebody makes it due", "before the timeout", kMessage,
     seeing([](Transaction& transaction, const Event& event, Moment) {
       if (std::holds_alternative<MadeDue>(event)) transaction.timeout_at_ms = kNever;
     })},
    {"the answer to query_prepared counts after a submit", "meaningless event changed something", kMessage,
     deciding([](Transaction transaction, const Event& event, Moment now) {
       const auto* replied = std::get_if<Replied>(&event);
       const bool dropped = replied != nullptr && replied->call.row == kQueryRow && transaction.query.call == 0;
       if (dropped && replied->call.number <= transaction.last_call && !is_final(transaction.state.status)) {
         return sound().decide(std::move(transaction), ForceStopped{}, now);
       }
       return sound().decide(std::move(transaction), event, now);
     })},
    {"a message acts before its delay has passed", "before its delay", kMessage,
     seeing([](Transaction& transaction, const Event& event, Moment) {
       if (std::holds_alternative<Durable>(event)) transaction.not_before_ms = -kNever;
     })},
    {"a message that is dropped becomes aborting", "a way that nothing caused", kMessage,
     spoiling([](Decision& decision, const Event& event, const Transaction&) {
       State& state = decision.transaction.state;
       const bool aborts = std::holds_alternative<AbortRequested>(event) && !decision.refused;
       if (aborts && state.status == GlobalStatus::failed) state.status = GlobalStatus::aborting;
     })},
    {"a callback that succeeds ends the workflow", "a way that nothing caused", kWorkflow,
     deciding([](Transaction transaction, const Event& event, Moment now) {
       const auto* replied = std::get_if<Replied>(&event);
       const bool success = replied != nullptr && replied->result == CallResult::success;
       if (success && replied->call.number == transaction.query.call) {
         return sound().decide(std::move(transaction), Finished{}, now);
       }
       return sound().decide(std::move(transaction), event, now);
     })},
    {"a result does not move the next callback", "before the interval has passed", kWorkflow,
     spoiling([](Decision& decision, const Event& event, const Transaction& before) {
       if (!std::holds_alternative<Registered>(event) || decision.refused) return;
       decision.transaction.retry_at_ms = before.retry_at_ms;
       decision.transaction.state.next_retry_time_ms = before.state.next_retry_time_ms;
     })},
    {"the next callback is moved in memory alone", "not that of the next try", kWorkflow,
     spoiling([](Decision& decision, const Event& event, const Transaction& before) {
       if (!std::holds_alternative<Registered>(event) || decision.refused) return;
       decision.transaction.state.next_retry_time_ms = before.state.next_retry_time_ms;
     })},
    {"a workflow's result changes", "a workflow's step changes", kWorkflow,
     spoiling([](Decision& decision, const Event& event, const Transaction&) {
       if (!std::holds_alternative<Finished>(event) || decision.refused) return;
       for (BranchState& branch : decision.transaction.branches) branch.status = BranchStatus::succeed;
     })},
};

// As all of them demand.
const Canary kSharedCanaries[] = {
    {"confirms before the submit is durable", "before its direction is durable", kTcc,
     seeing([](Transaction& transaction, const Event&, Moment) {
       if (transaction.state.status == GlobalStatus::submitted) transaction.status_written = 1;
     })},
    {"cancels before the abort is durable", "before its direction is durable", kTcc,
     seeing([](Transaction& transaction, const Event&, Moment) {
       if (transaction.state.status == GlobalStatus::aborting) transaction.status_written = 1;
     })},
    {"starts the next but one too early", "is no durable success", kLine,
     seeing([](Transaction& transaction, const Event&, Moment) {
       for (BranchMemory& memory : transaction.memory) memory.succeed_written = memory.succeed_written == 0 ? 0 : 1;
     })},
    {"takes FAILURE for a success", "a result that nobody gave", kLine,
     seeing([](const Transaction&, Event& event, Moment) {
       auto* replied = std::get_if<Replied>(&event);
       if (replied != nullptr && replied->result == CallResult::failure) replied->result = CallResult::success;
     })},
    {"takes a late answer for the one that is due", "meaningless event changed something", kXa,
     seeing([](const Transaction& transaction, Event& event, Moment) {
       auto* replied = std::get_if<Replied>(&event);
       const bool of_row = replied != nullptr && replied->call.row < transaction.memory.size();
       if (of_row) replied->call.number = transaction.memory[replied->call.row].call;
     })},
    {"calls a row twice at once", "two calls in flight", kAtOnce,
     spoiling([](Decision& decision, const Event&, const Transaction&) {
       if (decision.start.size() == 1) decision.start.push_back(decision.start.front());
     })},
    {"ends while an action is still to be done", "not called to its success", kAtOnce,
     deciding([](Transaction transaction, const Event& event, Moment now) {
       const bool replied = std::holds_alternative<Replied>(event);
       const std::vector<BranchState> branches = transaction.branches;
       if (replied) {
         for (BranchState& branch : transaction.branches) branch.status = BranchStatus::succeed;
       }
       Decision decision = sound().decide(std::move(transaction), event, now);
       if (replied) decision.transaction.branches = branches;
       return decision;
     })},
    {"starts calls while it halts", "while the process halts", kXa,
     seeing([](Transaction& transaction, const Event& event, Moment) {
       const auto* woken = std::get_if<Woken>(&event);
       if (woken != nullptr && (woken->retry || woken->timeout)) transaction.halting = false;
     })},
    {"leaves a registration out of the write", "left out of the write", kTcc,
     spoiling([](Decision& decision, const Event&, const Transaction&) { decision.registered = 0; })},
    {"leaves a row out of the write", "left out of the write", kLine,
     spoiling([](Decision& decision, const Event&, const Transaction&) {
       if (!decision.changed.empty()) decision.changed.pop_back();
     })},
    {"stores a registration that it refuses", "meaningless event changed something", kTcc,
     spoiling([](Decision& decision, const Event& event, const Transaction&) {
       const auto* registered = std::get_if<Registered>(&event);
       if (registered == nullptr || !decision.refused) return;
       decision.transaction.registrations.push_back(registered->registration);
     })},
    {"parks without a time to go on", "without a time to go on", kLine,
     spoiling([](Decision& decision, const Event&, const Transaction&) {
       if (decision.pass_ended) decision.transaction.retry_at_ms = kNever;
     })},
    {"has no time after a restart", "without a time to go on", kXa,
     resuming([](Transaction& transaction, Moment) { transaction.retry_at_ms = kNever; })},
    {"loses a registration in a restart", "not what the disk holds", kTcc,
     resuming([](Transaction& transaction, Moment) {
       if (transaction.registrations.empty()) return;
       transaction.registrations.pop_back();
       transaction.branches.resize(transaction.branches.size() - 2);
       transaction.memory.resize(transaction.branches.size());
     })},
    {"does not wake up", "goes on for ever", kXa, deciding([](Transaction transaction, const Event& event, Moment now) {
       const auto* woken = std::get_if<Woken>(&event);
       if (woken == nullptr || !woken->retry) return sound().decide(std::move(transaction), event, now);
       Decision decision;
       decision.transaction = std::move(transaction);
       return decision;
     })},
    {"answers a pass that ended short of its end as done", "answered as a success", kTcc,
     spoiling([](Decision& decision, const Event&, const Transaction&) { decision.answer = Done{}; })},
    {"answers an error as if it were ongoing", "the wrong error", kLine,
     spoiling([](Decision& decision, const Event&, const Transaction&) {
       Transaction ongoing = decision.transaction;
       ongoing.pass_result = CallResult::ongoing;
       if (decision.pass_ended && !decision.answer) decision.answer = pass_answer(ongoing);
     })},
    {"answers a pass by the one behind it", "the wrong error", kLine,
     spoiling([](Decision& decision, const Event&, const Transaction& before) {
       if (before.again && decision.pass_ended) decision.answer = pass_answer(decision.transaction);
     })},
    {"forgets that a call is out", "miscounted", kXa,
     spoiling([](Decision& decision, const Event&, const Transaction&) { decision.transaction.in_flight = 0; })},
    {"goes on after the end", "a way that nothing caused", kXa,
     spoiling([](Decision& decision, const Event& event, const Transaction& before) {
       if (!std::holds_alternative<Durable>(event) || !is_final(before.state.status)) return;
       decision.transaction.state.status = GlobalStatus::submitted;
     })},
};

void expect_found(const Canary& canary) {
  CAPTURE(canary.name);
  const Report report = walk(make_setup(canary.shape, 2), canary.core);
  CAPTURE(report.violation);
  CHECK(report.violation.find(canary.found_as) != std::string::npos);
}

TEST_CASE("core/mode_walk: a fault of one mode planted into the core -> the walk finds it") {
  for (const Canary& canary : kModeCanaries) expect_found(canary);
}

TEST_CASE("core/mode_walk: a fault of all modes planted into the core -> the walk finds it") {
  for (const Canary& canary : kSharedCanaries) expect_found(canary);
}

}  // namespace
}  // namespace settle::core::mode_walk
