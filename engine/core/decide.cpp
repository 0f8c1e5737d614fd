#include "engine/core/decide.hpp"

#include <algorithm>
#include <utility>

namespace settle::core {
namespace {

constexpr std::int64_t kMsPerSecond = 1000;

std::int64_t first_interval_ms(const Options& options, const Policy& policy) {
  if (options.retry_interval_s > 0) return options.retry_interval_s * kMsPerSecond;
  if (options.timeout_to_fail_s > 0) {
    return std::min(policy.retry_interval_ms, options.timeout_to_fail_s * kMsPerSecond);
  }
  return policy.retry_interval_ms;
}

std::int64_t grown_interval_ms(std::int64_t interval_ms, const Options& options, const Policy& policy) {
  const std::int64_t ceiling = std::max(policy.retry_interval_max_ms, options.retry_interval_s * kMsPerSecond);
  return std::max(interval_ms, std::min(2 * interval_ms, ceiling));
}

// The text, cut at a character and marked where it is longer than bytes_max; what `keep_end` says stays behind it.
std::string shortened(std::string text, std::size_t bytes_max, std::string_view keep_end = {}) {
  if (text.size() <= bytes_max) return text;
  const std::string mark = " ...(shortened)" + std::string(keep_end);
  std::size_t end = bytes_max - mark.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text + mark;
}

bool is_durable(const Transaction& transaction, Sequence sequence) {
  return sequence != 0 && sequence <= transaction.durable;
}

bool action_succeeded(const Transaction& transaction, std::uint32_t step) {
  return transaction.branches[action_row(step)].status == BranchStatus::succeed;
}

bool needs_compensation(const Transaction& transaction, std::uint32_t step) {
  const BranchState& action = transaction.branches[action_row(step)];
  return (action.started || action.status != BranchStatus::prepared) &&
         transaction.branches[compensate_row(step)].status != BranchStatus::succeed;
}

// One decision in the making.
class Decider {
 public:
  Decider(Transaction transaction, Moment now, const Policy& policy) : now_(now), policy_(policy) {
    decision_.transaction = std::move(transaction);
    decision_.expected_status = decision_.transaction.last_written_status;
  }

  Decision created(GlobalStatus status) {
    tx().state.retry_interval_ms = first_interval_ms(tx().definition->options, policy_);
    tx().state.next_retry_time_ms = now_.wall_ms + tx().state.retry_interval_ms;
    decision_.create = true;
    change_status(status);
    if (status == GlobalStatus::submitted) submit();
    return finish();
  }

  void on(const Submitted& event) {
    switch (tx().state.status) {
      case GlobalStatus::prepared:
        if (event.merged != tx().definition) {
          tx().definition = event.merged;
          tx().plan = std::make_shared<const Plan>(*event.merged);
          decision_.definition_changed = true;
        }
        tx().state.retry_interval_ms = first_interval_ms(tx().definition->options, policy_);
        tx().state.next_retry_time_ms = now_.wall_ms + tx().state.retry_interval_ms;
        change_status(GlobalStatus::submitted);
        submit();
        return;
      case GlobalStatus::submitted:
        make_due();
        return;
      default:
        refuse("current status '" + std::string(to_string(tx().state.status)) + "', cannot sumbmit. FAILURE");
    }
  }

  void on(const Prepared&) {
    if (tx().state.status == GlobalStatus::prepared) return;
    refuse("current status '" + std::string(to_string(tx().state.status)) + "', cannot prepare. FAILURE");
  }

  void on(const AbortRequested&) {
    refuse("trans type: '" + std::string(to_string(tx().definition->type)) + "' current status '" +
           std::string(to_string(tx().state.status)) + "', cannot abort. FAILURE");
  }

  void on(const ForceStopped&) {
    if (is_final(tx().state.status)) {
      refuse("global transaction force stop error. status: " + std::string(to_string(tx().state.status)) +
             ". error: FAILURE");
      return;
    }
    revoke_calls();
    end(GlobalStatus::failed);
  }

  void on(const MadeDue&) {
    tx().state.next_retry_time_ms = now_.wall_ms;
    need_write_ = true;
    if (tx().state.status == GlobalStatus::submitted || tx().state.status == GlobalStatus::aborting) make_due();
  }

  void on(const Woken& event) {
    if (event.timeout) {
      tx().timeout_at_ms = kNever;
      if (tx().state.status == GlobalStatus::submitted) {
        abort("Timeout after " + std::to_string(tx().definition->options.timeout_to_fail_s) + " seconds");
        return;
      }
    }
    const bool unfinished = tx().state.status == GlobalStatus::submitted || tx().state.status == GlobalStatus::aborting;
    if (event.retry && unfinished && !tx().in_pass) begin_pass();
  }

  void on(const Replied& event) {
    if (!take_back(event.call)) return;
    if (is_action_row(event.call.row)) {
      action_replied(event);
    } else {
      compensation_replied(event);
    }
  }

  void on(const NotSent& event) {
    if (!take_back(event.call)) return;
    const std::uint32_t row = event.call.row;
    // Calls before this one may have gone out, and a compensation that has begun is not left half done.
    if (!tx().memory[row].first_call) return;
    if (is_action_row(row) && tx().branches[compensate_row(step_of(row))].started) return;
    tx().branches[row].started = false;
    tx().memory[row].started_written = 0;
    mark_changed(row);
  }

  void on(const Durable& event) { tx().durable = std::max(tx().durable, event.sequence); }

  void on(const Halted& event) {
    tx().halting = true;
    halt_now_ = event.force;
  }

  Decision finish() {
    if (!decision_.refused) {
      if (tx().in_pass) advance();
      if (need_write_) write();
    }
    return std::move(decision_);
  }

 private:
  Transaction& tx() { return decision_.transaction; }

  void refuse(std::string message) { decision_.refused = Error{Code::failure, std::move(message)}; }

  void mark_changed(std::uint32_t row) {
    if (tx().memory[row].changed) return;
    tx().memory[row].changed = true;
    tx().changed.push_back(row);
  }

  void change_status(GlobalStatus status) {
    tx().state.status = status;
    tx().status_written = tx().written + 1;
    need_write_ = true;
  }

  void submit() {
    const std::int64_t timeout_ms = tx().definition->options.timeout_to_fail_s * kMsPerSecond;
    if (timeout_ms > 0) {
      const std::int64_t left = tx().definition->create_time_ms + timeout_ms - now_.wall_ms;
      tx().timeout_at_ms = now_.steady_ms + std::clamp<std::int64_t>(left, 0, timeout_ms);
    }
    begin_pass();
  }

  void make_due() {
    if (tx().in_pass) {
      tx().again = true;
    } else {
      begin_pass();
    }
  }

  void begin_pass() {
    tx().in_pass = true;
    tx().again = false;
    tx().pass_unknown = false;
    tx().retry_at_ms = kNever;
    for (BranchMemory& memory : tx().memory) memory.tried = false;
  }

  void abort(std::string reason) {
    tx().state.rollback_reason = shortened(std::move(reason), kReasonBytesMax, " FAILURE");
    tx().compensate_cursor = tx().plan->step_count();
    tx().timeout_at_ms = kNever;
    change_status(GlobalStatus::aborting);
    revoke_calls();
    if (!tx().in_pass) begin_pass();
  }

  void end(GlobalStatus status) {
    (status == GlobalStatus::succeed ? tx().state.finish_time_ms : tx().state.rollback_time_ms) = now_.wall_ms;
    tx().state.last_error.clear();
    tx().retry_at_ms = tx().timeout_at_ms = kNever;
    tx().in_pass = tx().again = false;
    change_status(status);
    decision_.pass_ended = true;
  }

  void revoke_calls() {
    if (tx().in_flight == 0) return;
    for (std::uint32_t row = 0; row < tx().memory.size(); ++row) {
      if (tx().memory[row].call != 0) decision_.revoke.push_back({row, tx().memory[row].call});
    }
  }

  // Whether this call is the one in flight; it no longer is.
  bool take_back(Call call) {
    if (call.row >= tx().memory.size() || call.number == 0 || tx().memory[call.row].call != call.number) return false;
    tx().memory[call.row].call = 0;
    --tx().in_flight;
    return !is_final(tx().state.status);
  }

  void action_replied(const Replied& event) {
    if (event.result == CallResult::success) {
      row_done(event.call.row, BranchStatus::succeed);
      return;
    }
    if (event.result == CallResult::failure) {
      row_done(event.call.row, BranchStatus::failed);
      if (tx().state.status != GlobalStatus::submitted) return;
      abort("url:" + tx().definition->branches[event.call.row].url + " return failed: " + event.text + " FAILURE");
      return;
    }
    not_done(event);
    if (tx().state.status != GlobalStatus::submitted) return;
    const std::int64_t limit = tx().definition->options.retry_limit;
    if (limit == 0) return;
    if (tx().branches[event.call.row].attempts > limit) {
      abort("RetryCount is greater than RetryLimit, RetryLimit: " + std::to_string(limit));
    } else {
      tx().memory[event.call.row].tried = false;
      need_write_ = true;
    }
  }

  void compensation_replied(const Replied& event) {
    if (event.result == CallResult::success) {
      row_done(event.call.row, BranchStatus::succeed);
    } else {
      not_done(event);
    }
  }

  void row_done(std::uint32_t row, BranchStatus status) {
    BranchState& branch = tx().branches[row];
    branch.status = status;
    branch.attempts = 0;
    branch.finish_time_ms = now_.wall_ms;
    tx().state.last_error.clear();
    tx().state.retry_interval_ms = first_interval_ms(tx().definition->options, policy_);
    if (tx().plan->sequential()) tx().pass_unknown = false;  // beside a concurrent one another may still be unknown
    mark_changed(row);
    need_write_ = true;
  }

  void not_done(const Replied& event) {
    BranchState& branch = tx().branches[event.call.row];
    ++branch.attempts;
    tx().memory[event.call.row].tried = true;
    mark_changed(event.call.row);
    if (event.result == CallResult::ongoing) return;
    tx().pass_unknown = true;
    tx().state.last_error = shortened(event.text, kLastErrorBytesMax);
    tx().state.last_error_branch = event.call.row;
  }

  // ---- going on -------------------------------------------------------------------------------------------------

  // Starts what may start; ends the pass where nothing is in flight and nothing waits for a write.
  void advance() {
    for (;;) {
      const bool blocked = tx().state.status == GlobalStatus::aborting ? compensate_on() : act_on();
      if (!tx().in_pass) return;  // came to its end
      if (tx().halting) {
        if (tx().in_flight == 0 || halt_now_) park(now_.wall_ms);
        return;
      }
      if (blocked || tx().in_flight > 0) return;
      if (!tx().again) break;
      begin_pass();
    }
    if (tx().pass_unknown) {
      tx().state.retry_interval_ms = grown_interval_ms(tx().state.retry_interval_ms, tx().definition->options, policy_);
    }
    tx().retry_at_ms = now_.steady_ms + tx().state.retry_interval_ms;
    park(now_.wall_ms + tx().state.retry_interval_ms);
  }

  void park(std::int64_t next_retry_time_ms) {
    tx().state.next_retry_time_ms = next_retry_time_ms;
    tx().in_pass = false;
    need_write_ = true;
    decision_.pass_ended = true;
  }

  // Whether something that could start waits for a write.
  bool act_on() {
    const std::uint32_t steps = tx().plan->step_count();
    std::uint32_t& cursor = tx().action_cursor;
    bool blocked = false;
    for (;;) {
      while (cursor < steps && action_succeeded(tx(), cursor)) ++cursor;
      if (cursor == steps) {
        if (!is_durable(tx(), tx().status_written)) return true;
        end(GlobalStatus::succeed);
        return false;
      }
      bool moved = false;  // an empty url succeeded without a call: others may be free now
      const std::uint32_t last = tx().plan->sequential() ? cursor + 1 : steps;
      for (std::uint32_t step = cursor; step < last; ++step) {
        const std::uint32_t row = action_row(step);
        if (tx().branches[row].status != BranchStatus::prepared || !free_to_start(row)) continue;
        if (!tx().plan->all_predecessors(step, [this](std::uint32_t other) { return action_succeeded(tx(), other); })) {
          continue;
        }
        if (!is_durable(tx(), tx().status_written)) {
          blocked = true;
        } else if (!covered(tx(), step)) {
          blocked = true;
          if (tx().state.exact) need_write_ = true;  // says no longer that nothing else was started
        } else {
          moved = start(row) || moved;
        }
      }
      if (!moved) return blocked;
    }
  }

  bool compensate_on() {
    std::uint32_t& cursor = tx().compensate_cursor;
    bool blocked = false;
    for (;;) {
      while (cursor > 0 && !needs_compensation(tx(), cursor - 1)) --cursor;
      if (cursor == 0) {
        if (tx().plan->sequential() && tx().in_flight > 0) return false;
        if (!is_durable(tx(), tx().status_written)) return true;
        end(GlobalStatus::failed);
        return false;
      }
      bool moved = false;
      const std::uint32_t first = tx().plan->sequential() ? cursor - 1 : 0;
      for (std::uint32_t step = cursor; step-- > first;) {
        if (!may_compensate(step)) continue;
        if (!is_durable(tx(), tx().status_written)) {
          blocked = true;
        } else {
          moved = start(compensate_row(step)) || moved;
        }
      }
      if (!moved) return blocked;
    }
  }

  bool may_compensate(std::uint32_t step) {
    if (!needs_compensation(tx(), step) || !free_to_start(compensate_row(step))) return false;
    if (tx().plan->sequential() && tx().in_flight > 0) return false;
    return tx().plan->all_successors(step, [this](std::uint32_t other) { return !needs_compensation(tx(), other); });
  }

  bool free_to_start(std::uint32_t row) const {
    const Transaction& transaction = decision_.transaction;
    return !transaction.halting && transaction.memory[row].call == 0 && !transaction.memory[row].tried;
  }

  // Whether it is done already, since there is nothing to call.
  bool start(std::uint32_t row) {
    BranchState& branch = tx().branches[row];
    tx().memory[row].first_call = !branch.started;
    if (!branch.started) {
      branch.started = true;
      mark_changed(row);
    }
    if (tx().definition->branches[row].url.empty()) {
      row_done(row, BranchStatus::succeed);
      return true;
    }
    tx().memory[row].call = ++tx().last_call;
    ++tx().in_flight;
    decision_.start.push_back({row, tx().last_call});
    return false;
  }

  void write() {
    const Sequence sequence = ++tx().written;
    decision_.write = sequence;
    const bool exact = tx().state.status != GlobalStatus::submitted || !tx().in_pass;
    if (!exact && (tx().state.exact || decision_.create)) tx().inexact_written = sequence;
    tx().state.exact = exact;
    tx().state.parked = !tx().in_pass;
    tx().state.update_time_ms = now_.wall_ms;
    tx().last_written_status = tx().state.status;
    for (std::uint32_t row : tx().changed) {
      BranchMemory& memory = tx().memory[row];
      memory.changed = false;
      if (tx().branches[row].started && memory.started_written == 0) memory.started_written = sequence;
      if (tx().branches[row].status == BranchStatus::succeed && memory.succeed_written == 0) {
        memory.succeed_written = sequence;
      }
    }
    decision_.changed = std::exchange(tx().changed, {});
  }

  Decision decision_;
  const Moment now_;
  const Policy& policy_;
  bool need_write_ = false;
  bool halt_now_ = false;
};

}  // namespace

bool covered(const Transaction& transaction, std::uint32_t step) {
  if (is_durable(transaction, transaction.memory[action_row(step)].started_written)) return true;
  if (transaction.state.exact || !is_durable(transaction, transaction.inexact_written)) return false;
  return may_have_started(*transaction.plan, step, [&](std::uint32_t other) {
    return is_durable(transaction, transaction.memory[action_row(other)].succeed_written);
  });
}

Decision create(std::shared_ptr<const Definition> definition, GlobalStatus status, Moment now, const Policy& policy) {
  Transaction transaction;
  transaction.plan = std::make_shared<const Plan>(*definition);
  transaction.branches.resize(definition->branches.size());
  transaction.memory.resize(definition->branches.size());
  transaction.definition = std::move(definition);
  return Decider(std::move(transaction), now, policy).created(status);
}

Transaction resume(StoredTransaction stored, Moment now) {
  Transaction transaction;
  transaction.definition = std::move(stored.definition);
  transaction.plan = std::make_shared<const Plan>(*transaction.definition);
  transaction.state = std::move(stored.state);
  transaction.branches = std::move(stored.branches);
  transaction.memory.resize(transaction.branches.size());
  transaction.written = transaction.durable = transaction.status_written = 1;
  transaction.last_written_status = transaction.state.status;
  transaction.inexact_written = transaction.state.exact ? 0 : 1;
  transaction.compensate_cursor = transaction.plan->step_count();
  for (std::size_t row = 0; row < transaction.branches.size(); ++row) {
    if (transaction.branches[row].started) transaction.memory[row].started_written = 1;
    if (transaction.branches[row].status == BranchStatus::succeed) transaction.memory[row].succeed_written = 1;
  }
  const State& state = transaction.state;
  if (state.status == GlobalStatus::submitted) {
    if (!state.exact) {
      const auto succeeded = [&](std::uint32_t step) { return action_succeeded(transaction, step); };
      for (std::uint32_t step = 0; step < transaction.plan->step_count(); ++step) {
        BranchState& action = transaction.branches[action_row(step)];
        if (action.started || !may_have_started(*transaction.plan, step, succeeded)) continue;
        action.started = true;
        transaction.memory[action_row(step)].changed = true;
        transaction.changed.push_back(action_row(step));
      }
    }
    const std::int64_t timeout_ms = transaction.definition->options.timeout_to_fail_s * kMsPerSecond;
    if (timeout_ms > 0) {
      const std::int64_t left = transaction.definition->create_time_ms + timeout_ms - now.wall_ms;
      transaction.timeout_at_ms = now.steady_ms + std::clamp<std::int64_t>(left, 0, timeout_ms);
    }
  }
  if (state.status == GlobalStatus::submitted || state.status == GlobalStatus::aborting) {
    const std::int64_t left = state.parked ? state.next_retry_time_ms - now.wall_ms : 0;
    transaction.retry_at_ms = now.steady_ms + std::clamp<std::int64_t>(left, 0, state.retry_interval_ms);
  }
  return transaction;
}

Decision decide(Transaction transaction, const Event& event, Moment now, const Policy& policy) {
  Decider decider(std::move(transaction), now, policy);
  std::visit([&](const auto& happened) { decider.on(happened); }, event);
  return decider.finish();
}

Result<Done> pass_answer(const Transaction& transaction) {
  const State& state = transaction.state;
  switch (state.status) {
    case GlobalStatus::succeed:
      return Done{};
    case GlobalStatus::aborting:
    case GlobalStatus::failed: {
      constexpr std::string_view kWord = "FAILURE";
      if (state.rollback_reason.empty()) {
        return Error{Code::failure, "global transaction was stopped by force. FAILURE"};
      }
      const bool ends_so = state.rollback_reason.ends_with(kWord);
      return Error{Code::failure, ends_so ? state.rollback_reason : state.rollback_reason + " FAILURE"};
    }
    default:
      if (transaction.halting) return Error{Code::unavailable, "the server is stopping; the transaction goes on later"};
      return Error{Code::failure, "wait result not return success: FAILURE"};
  }
}

}  // namespace settle::core
