// Sagas (protocol.md §5.1): actions forward, compensations backward.
//
// Invariants, walked exhaustively by decide_walk_test.cpp:
//   - an action starts only under a durable `submitted`, a compensation only under a durable `aborting`;
//   - an action starts only where the durable state allows for it (coverage.hpp);
//   - nothing is compensated that is known never to have started; nothing that may have run stays uncompensated when
//     the transaction ends as `failed` (a force-stopped one excepted);
//   - in a sequential saga no compensation starts while an action is in flight.
#include <algorithm>
#include <optional>

#include "engine/core/coverage.hpp"
#include "engine/core/decider.hpp"
#include "engine/core/plants.hpp"

namespace settle::core {
namespace {

bool action_succeeded(const Transaction& transaction, std::uint32_t step) {
  return transaction.branches[action_row(step)].status == BranchStatus::succeed;
}

bool needs_compensation(const Transaction& transaction, std::uint32_t step) {
  const BranchState& action = transaction.branches[action_row(step)];
  const bool began = action.started && !planted(Plant::forget_unanswered);
  return (began || action.status != BranchStatus::prepared) &&
         transaction.branches[compensate_row(step)].status != BranchStatus::succeed;
}

// Whether the action may be started as far as the rule of coverage.hpp goes.
bool covered(const Transaction& transaction, std::uint32_t step) {
  if (planted(Plant::run_ahead_of_two) || planted(Plant::action_before_submit)) return true;
  if (is_durable(transaction, transaction.memory[action_row(step)].started_written)) return true;
  if (transaction.state.exact || !is_durable(transaction, transaction.inexact_written)) return false;
  return may_have_started(*transaction.plan, step, [&](std::uint32_t other) {
    return is_durable(transaction, transaction.memory[action_row(other)].succeed_written);
  });
}

class Saga final : public Mode {
 public:
  void set_times(Transaction& transaction, Moment now, const Policy&) const override {
    const std::int64_t timeout_ms = transaction.definition->options.timeout_to_fail_s * kMsPerSecond;
    if (transaction.state.status != GlobalStatus::submitted || timeout_ms == 0) return;
    // Stores written before the moment of the submit was kept know only that of the creation.
    const std::int64_t submit_time_ms = transaction.state.submit_time_ms != 0 ? transaction.state.submit_time_ms
                                                                              : transaction.definition->create_time_ms;
    transaction.timeout_at_ms = steady_time_ms(now, submit_time_ms + timeout_ms, timeout_ms);
  }

  void timed_out(Decider& decider) const override {
    if (decider.tx().state.status != GlobalStatus::submitted || planted(Plant::forget_timeout)) return;
    decider.abort("Timeout after " + std::to_string(decider.tx().definition->options.timeout_to_fail_s) + " seconds");
  }

  void replied(Decider& decider, const Replied& event) const override {
    if (is_action_row(event.call.row)) {
      action_replied(decider, event);
    } else if (event.result == CallResult::success) {
      decider.row_done(event.call.row, BranchStatus::succeed);
    } else {
      decider.not_done(event);
    }
  }

  // A compensation that has begun is not left half done.
  bool may_forget(const Transaction& transaction, std::uint32_t row) const override {
    return !is_action_row(row) || !transaction.branches[compensate_row(step_of(row))].started;
  }

  bool advance(Decider& decider) const override {
    return decider.tx().state.status == GlobalStatus::aborting ? compensate_on(decider) : act_on(decider);
  }

  Result<Done> answer(const Transaction& transaction) const override {
    constexpr std::string_view kWord = "FAILURE";
    const State& state = transaction.state;
    if (state.status == GlobalStatus::submitted) {
      return Error{Code::failure, "wait result not return success: FAILURE"};
    }
    const bool ends_so = state.rollback_reason.ends_with(kWord);
    return Error{Code::failure, ends_so ? state.rollback_reason : state.rollback_reason + " FAILURE"};
  }

 private:
  // Clients look for the word at the end; a service that ends with it itself is not made to say it twice.
  static std::string reason_of(const std::string& url, std::string_view answer) {
    static constexpr std::string_view kWord = " FAILURE";
    if (answer.ends_with(kWord)) answer.remove_suffix(kWord.size());
    return shortened("url:" + url + " return failed: " + std::string(answer) + std::string(kWord), kReasonBytesMax,
                     kWord);
  }

  static void action_replied(Decider& decider, const Replied& event) {
    Transaction& tx = decider.tx();
    if (event.result == CallResult::success) {
      decider.row_done(event.call.row, BranchStatus::succeed);
      return;
    }
    if (event.result == CallResult::failure) {
      decider.row_done(event.call.row, BranchStatus::failed);
      if (tx.state.status != GlobalStatus::submitted) return;
      decider.abort(reason_of(tx.definition->branches[event.call.row].url, event.text));
      return;
    }
    decider.not_done(event);
    if (tx.state.status != GlobalStatus::submitted) return;
    const std::int64_t limit = tx.definition->options.retry_limit;
    if (limit == 0 || planted(Plant::forget_retry_limit)) return;
    if (tx.branches[event.call.row].attempts > limit) {
      decider.abort("RetryCount is greater than RetryLimit, RetryLimit: " + std::to_string(limit));
    } else {
      decider.retry_at_once(event.call.row);
    }
  }

  static bool act_on(Decider& decider) {
    Transaction& tx = decider.tx();
    const std::uint32_t steps = tx.plan->step_count();
    std::uint32_t& cursor = tx.action_cursor;
    bool blocked = false;
    for (;;) {
      while (cursor < steps && action_succeeded(tx, cursor)) ++cursor;
      if (const std::optional<std::uint32_t> failed = first_failed(tx, cursor)) {
        // Ours abort in the write that says so. A DTM server needs two, and has died between them.
        decider.abort(reason_of(tx.definition->branches[action_row(*failed)].url, "its answer was not kept"));
        return compensate_on(decider);
      }
      if (cursor == steps) {
        if (!is_durable(tx, tx.status_written)) return true;
        decider.end(GlobalStatus::succeed);
        return false;
      }
      bool moved = false;  // an empty url succeeded without a call: others may be free now
      const std::uint32_t last = tx.plan->sequential() ? cursor + 1 : steps;
      for (std::uint32_t step = cursor; step < last; ++step) {
        const std::uint32_t row = action_row(step);
        if (tx.branches[row].status != BranchStatus::prepared || !decider.free_to_start(row)) continue;
        bool waits = false;
        if (!tx.plan->all_predecessors(step, [&](std::uint32_t other) {
              waits = waits || waits_for_success(decider, action_row(other));
              return action_succeeded(tx, other);
            })) {
          continue;
        }
        const bool directed = is_durable(tx, tx.status_written) || planted(Plant::action_before_submit);
        if (waits || !directed) {
          blocked = true;
        } else if (!covered(tx, step)) {
          blocked = true;
          if (tx.state.exact) decider.need_write();  // says no longer that nothing else was started
        } else {
          moved = decider.start(row) || moved;
        }
      }
      if (moved) continue;
      if (cursor + 1 == steps) decider.last_is_out();
      return blocked;
    }
  }

  // Of those that may have been tried, below which all have succeeded.
  static std::optional<std::uint32_t> first_failed(const Transaction& tx, std::uint32_t cursor) {
    const std::uint32_t steps = tx.plan->step_count();
    const std::uint32_t end = tx.plan->sequential() ? std::min(cursor + 1, steps) : steps;
    for (std::uint32_t step = cursor; step < end; ++step) {
      if (tx.branches[action_row(step)].status == BranchStatus::failed) return step;
    }
    return std::nullopt;
  }

  static bool compensate_on(Decider& decider) {
    Transaction& tx = decider.tx();
    std::uint32_t& cursor = tx.compensate_cursor;
    bool blocked = false;
    for (;;) {
      while (cursor > 0 && !needs_compensation(tx, cursor - 1)) --cursor;
      if (cursor == 0) {
        if (tx.plan->sequential() && tx.in_flight > 0) return false;
        if (!is_durable(tx, tx.status_written)) return true;
        decider.end(GlobalStatus::failed);
        return false;
      }
      bool moved = false;
      const bool one = tx.plan->sequential() && !planted(Plant::compensate_forward);
      const std::uint32_t first = one ? cursor - 1 : 0;
      for (std::uint32_t place = cursor; place-- > first;) {
        const std::uint32_t step = planted(Plant::compensate_forward) ? cursor - 1 - place : place;
        bool waits = false;
        if (!may_compensate(decider, step, waits)) continue;
        if (waits || !is_durable(tx, tx.status_written)) {
          blocked = true;
        } else {
          moved = decider.start(compensate_row(step)) || moved;
        }
      }
      if (!moved) return blocked;
    }
  }

  // Without run-ahead: whether that row has succeeded, but not durably.
  static bool waits_for_success(const Decider& decider, std::uint32_t row) {
    if (decider.policy().run_ahead) return false;
    const Transaction& tx = decider.tx();
    return tx.branches[row].status == BranchStatus::succeed && !is_durable(tx, tx.memory[row].succeed_written);
  }

  // `waits`: but only when a write is durable.
  static bool may_compensate(Decider& decider, std::uint32_t step, bool& waits) {
    const Transaction& tx = decider.tx();
    if (!needs_compensation(tx, step) || !decider.free_to_start(compensate_row(step))) return false;
    if (tx.plan->sequential() && tx.in_flight > 0) return false;
    if (planted(Plant::compensate_forward)) return true;
    return tx.plan->all_successors(step, [&](std::uint32_t other) {
      waits = waits || waits_for_success(decider, compensate_row(other));
      return !needs_compensation(tx, other);
    });
  }
};

}  // namespace

const Mode& saga_mode() {
  static const Saga kMode;
  return kMode;
}

}  // namespace settle::core
