// Proves that the walk can fail: every fault planted here into the core must be found.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "engine/core/decide_script.hpp"
#include "engine/core/decide_walk.hpp"

namespace settle::core {
namespace {

struct Canary {
  const char* name;
  const char* found_as;  // part of the violation
  std::function<Decision(Transaction, const Event&)> decide;
  std::function<Transaction(StoredTransaction)> resume = sound_core().resume;
};

Decision sound(Transaction transaction, const Event& event) {
  static const WalkedCore kCore = sound_core();
  return kCore.decide(std::move(transaction), event);
}

// Compensates the first step that needs it instead of the last.
Decision compensate_forward(Transaction transaction, const Event& event) {
  Decision decision = sound(std::move(transaction), event);
  Transaction& after = decision.transaction;
  for (Call& call : decision.start) {
    if (is_action_row(call.row)) continue;
    for (std::uint32_t step = 0; step < step_of(call.row); ++step) {
      const std::uint32_t row = compensate_row(step);
      if (!after.branches[action_row(step)].started || after.branches[row].status != BranchStatus::prepared) continue;
      after.memory[row].call = std::exchange(after.memory[call.row].call, 0);
      call.row = row;
      break;
    }
  }
  return decision;
}

const Canary kCanaries[] = {
    {"compensates before the abort is durable", "before aborting is durable",
     [](Transaction transaction, const Event& event) {
       if (transaction.state.status == GlobalStatus::aborting) transaction.status_written = 1;
       return sound(std::move(transaction), event);
     }},
    {"acts before submitted is durable", "before submitted is durable",
     [](Transaction transaction, const Event& event) {
       if (std::holds_alternative<Woken>(event) && transaction.state.status == GlobalStatus::submitted &&
           transaction.durable > 0) {
         transaction.status_written = transaction.inexact_written = 1;
       }
       return sound(std::move(transaction), event);
     }},
    {"compensates in forward order", "compensation out of order", compensate_forward},
    {"takes unknown for a failure", "rolled back without a cause",
     [](Transaction transaction, const Event& event) {
       Event changed = event;
       auto* replied = std::get_if<Replied>(&changed);
       if (replied != nullptr && replied->result == CallResult::unknown) replied->result = CallResult::failure;
       return sound(std::move(transaction), changed);
     }},
    {"starts the next but one too early", "the durable state does not allow for",
     [](Transaction transaction, const Event& event) {
       for (BranchMemory& memory : transaction.memory) memory.succeed_written = memory.succeed_written == 0 ? 0 : 1;
       return sound(std::move(transaction), event);
     }},
    {"forgets what may have started, on resume", "cannot know of", sound,
     [](StoredTransaction stored) {
       const std::vector<BranchState> branches = stored.branches;
       Transaction transaction = sound_core().resume(std::move(stored));
       transaction.branches = branches;
       transaction.changed.clear();
       for (BranchMemory& memory : transaction.memory) memory.changed = false;
       return transaction;
     }},
    {"trusts a mark that was never written", "the durable state does not allow for",
     [](Transaction transaction, const Event& event) {
       Decision decision = sound(std::move(transaction), event);
       if (decision.write == 0) return decision;
       for (BranchMemory& memory : decision.transaction.memory) memory.started_written = 1;
       return decision;
     }},
    {"takes a late answer for the one that is due", "meaningless event changed something",
     [](Transaction transaction, const Event& event) {
       Event changed = event;
       auto* replied = std::get_if<Replied>(&changed);
       if (replied != nullptr) replied->call.number = transaction.memory[replied->call.row].call;
       return sound(std::move(transaction), changed);
     }},
    {"leaves a row out of a write", "left out of the write",
     [](Transaction transaction, const Event& event) {
       Decision decision = sound(std::move(transaction), event);
       if (!decision.changed.empty()) decision.changed.pop_back();
       return decision;
     }},
    {"parks without a time to go on", "without a time to go on",
     [](Transaction transaction, const Event& event) {
       Decision decision = sound(std::move(transaction), event);
       if (decision.pass_ended) decision.transaction.retry_at_ms = kNever;
       return decision;
     }},
    {"does not wake up", "goes on for ever",
     [](Transaction transaction, const Event& event) {
       if (!std::holds_alternative<Woken>(event)) return sound(std::move(transaction), event);
       Decision decision;
       decision.transaction = std::move(transaction);
       return decision;
     }},
    {"takes no step back for one that answered unknown", "is not compensated",
     [](Transaction transaction, const Event& event) {
       if (std::holds_alternative<Durable>(event) && transaction.state.status == GlobalStatus::aborting) {
         for (std::uint32_t row = 1; row < transaction.branches.size(); row += 2) {
           if (transaction.branches[row].attempts == 0 || !transaction.branches[row].started) continue;
           transaction.branches[row].started = false;
           transaction.memory[row].changed = true;
           transaction.changed.push_back(row);
         }
       }
       return sound(std::move(transaction), event);
     }},
    {"starts calls while it halts", "while the process halts",
     [](Transaction transaction, const Event& event) {
       if (std::holds_alternative<Woken>(event)) transaction.halting = false;
       return sound(std::move(transaction), event);
     }},
};

TEST_CASE("core/walk: a fault planted into the core -> the walk finds it") {
  Definition definition = make_saga(3);
  definition.options.timeout_to_fail_s = 1;
  const auto shared = std::make_shared<const Definition>(std::move(definition));
  for (const Canary& canary : kCanaries) {
    CAPTURE(canary.name);
    const WalkReport report = walk({shared, 2}, {canary.decide, canary.resume});
    CAPTURE(report.violation);
    CHECK(report.violation.find(canary.found_as) != std::string::npos);
  }
}

}  // namespace
}  // namespace settle::core
