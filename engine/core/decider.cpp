#include "engine/core/decider.hpp"

#include <algorithm>
#include <utility>

#include "engine/core/coverage.hpp"

namespace settle::core {
namespace {

std::int64_t grown_interval_ms(std::int64_t interval_ms, const Options& options, const Policy& policy) {
  const std::int64_t ceiling = std::max(policy.retry_interval_max_ms, options.retry_interval_s * kMsPerSecond);
  return std::max(interval_ms, std::min(2 * interval_ms, ceiling));
}

}  // namespace

std::string shortened(std::string text, std::size_t bytes_max, std::string_view keep_end) {
  if (text.size() <= bytes_max) return text;
  const std::string mark = " ...(shortened)" + std::string(keep_end);
  std::size_t end = bytes_max - mark.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text + mark;
}

std::int64_t first_interval_ms(const Options& options, const Policy& policy) {
  if (options.retry_interval_s > 0) return options.retry_interval_s * kMsPerSecond;
  if (options.timeout_to_fail_s > 0) {
    return std::min(policy.retry_interval_ms, options.timeout_to_fail_s * kMsPerSecond);
  }
  return policy.retry_interval_ms;
}

std::int64_t prepared_timeout_ms(const Options& options, const Policy& policy) {
  return options.timeout_to_fail_s > 0 ? options.timeout_to_fail_s * kMsPerSecond : policy.timeout_to_fail_ms;
}

std::int64_t steady_time_ms(Moment now, std::int64_t wall_ms, std::int64_t at_most_ms) {
  return now.steady_ms + std::clamp<std::int64_t>(wall_ms - now.wall_ms, 0, at_most_ms);
}

bool is_durable(const Transaction& transaction, Sequence sequence) {
  return sequence != 0 && sequence <= transaction.durable;
}

Decider::Decider(Transaction& transaction, Effects& effects, Moment now, const Policy& policy)
    : transaction_(transaction), effects_(effects), now_(now), policy_(policy) {
  effects_.expected_status = transaction_.last_written_status;
}

// ---- events ---------------------------------------------------------------------------------------------------------

void Decider::created(GlobalStatus status) {
  tx().state.retry_interval_ms = first_interval_ms(tx().definition->options, policy_);
  tx().state.next_retry_time_ms = now_.wall_ms + tx().state.retry_interval_ms;
  effects_.create = true;
  if (status == GlobalStatus::submitted) {
    submit();
  } else {
    change_status(status);
    mode().set_times(tx(), now_, policy_);
    if (tx().timeout_at_ms != kNever) {
      tx().state.next_retry_time_ms = now_.wall_ms + tx().timeout_at_ms - now_.steady_ms;
    } else if (mode().asks_when_prepared(tx())) {
      tx().retry_at_ms = now_.steady_ms + tx().state.retry_interval_ms;
    }
  }
  finish();
}

void Decider::on(const Submitted& event) {
  switch (tx().state.status) {
    case GlobalStatus::prepared:
      if (event.merged != tx().definition) {
        tx().definition = event.merged;
        if (tx().plan) tx().plan = Plan(*event.merged);
        effects_.definition_changed = true;
      }
      submit();
      return;
    case GlobalStatus::submitted:
      tx().state.retry_interval_ms = first_interval_ms(tx().definition->options, policy_);
      make_due();
      return;
    default:
      refuse(Code::failure,
             "current status '" + std::string(to_string(tx().state.status)) + "', cannot sumbmit. FAILURE");
  }
}

void Decider::on(const Prepared&) {
  if (tx().state.status == GlobalStatus::prepared) return;
  refuse(Code::failure, "current status '" + std::string(to_string(tx().state.status)) + "', cannot prepare. FAILURE");
}

void Decider::on(const Registered& event) {
  const std::string& gid = tx().definition->gid;
  if (tx().state.status != GlobalStatus::prepared) {
    refuse(Code::failure, "no trans with gid: " + gid + " status: prepared found FAILURE");
    return;
  }
  Registration registration = event.registration;
  if (tx().definition->type != TransType::workflow) registration.operation.clear();
  const auto same = [&](const Registration& other) {
    return other.branch_id == registration.branch_id && other.operation == registration.operation;
  };
  if (std::any_of(tx().registrations.begin(), tx().registrations.end(), same)) {
    const std::string operation = registration.operation.empty() ? "" : " " + registration.operation;
    refuse(Code::conflict, "branch_id: " + registration.branch_id + operation + " is registered already in " + gid);
    return;
  }
  const std::uint32_t rows = rows_per_registration(tx().definition->type);
  if (tx().branches.size() + rows > kBranchesMax) {
    refuse(Code::invalid, "branch_id: " + gid + " has as many branches as are allowed");
    return;
  }
  tx().registrations.push_back(std::move(registration));
  tx().branches.resize(tx().branches.size() + rows);
  tx().memory.resize(tx().branches.size());
  if (event.status != BranchStatus::prepared) {
    tx().branches.back().status = event.status;
    mark_changed(static_cast<std::uint32_t>(tx().branches.size() - 1));
  }
  effects_.registered = 1;
  mode().registered(*this);
  need_write_ = true;
}

void Decider::on(const Finished& event) {
  const State& state = tx().state;
  if (state.status != GlobalStatus::prepared) {
    refuse(Code::conflict,
           "current status '" + std::string(to_string(state.status)) + "', the workflow has its final status already");
    return;
  }
  tx().state.rollback_reason = shortened(event.rollback_reason, kReasonBytesMax);
  tx().state.result = event.result;
  end(event.status);
}

void Decider::on(const AbortRequested& event) { mode().abort_requested(*this, event.reason); }

void Decider::on(const ForceStopped&) {
  if (is_final(tx().state.status)) {
    refuse(Code::failure, "global transaction force stop error. status: " + std::string(to_string(tx().state.status)) +
                              ". error: FAILURE");
    return;
  }
  revoke_calls();
  tx().forced = true;
  end(GlobalStatus::failed);
}

void Decider::on(const MadeDue&) {
  tx().state.next_retry_time_ms = now_.wall_ms;
  need_write_ = true;
  if (tx().state.status == GlobalStatus::prepared) {
    mode().made_due_prepared(*this);
  } else if (!is_final(tx().state.status)) {
    make_due();
  }
}

void Decider::on(const Woken& event) {
  if (is_final(tx().state.status)) return;
  if (event.timeout && tx().timeout_at_ms != kNever) {
    tx().timeout_at_ms = kNever;
    mode().timed_out(*this);
  }
  if (event.retry && goes_on_alone() && !tx().in_pass) begin_pass();
}

void Decider::on(const Replied& event) {
  if (!take_back(event.call)) return;
  if (event.call.row == kQueryRow) {
    mode().query_replied(*this, event);
  } else {
    mode().replied(*this, event);
  }
}

void Decider::on(const NotSent& event) {
  if (!take_back(event.call) || event.call.row == kQueryRow) return;
  const std::uint32_t row = event.call.row;
  // Calls before this one may have gone out.
  if (!memory(row).first_call || !mode().may_forget(tx(), row)) return;
  tx().branches[row].started = false;
  memory(row).started_written = 0;
  mark_changed(row);
}

void Decider::on(const Durable& event) { tx().durable = std::max(tx().durable, event.sequence); }

void Decider::on(const Halted& event) {
  tx().halting = true;
  halt_now_ = event.force;
}

void Decider::on(const Renewed&) { need_write_ = true; }

void Decider::on(const Released& event) {
  tx().state.next_retry_time_ms = event.next_retry_time_ms;
  need_write_ = true;
}

void Decider::finish() {
  if (!effects_.refused) {
    if (tx().in_pass) advance();
    if (need_write_ || progressed_) {
      effects_.may_wait = !need_write_ && policy_.run_ahead && last_is_out_ && tx().in_flight == 1;
      write();
    }
    if (effects_.pass_ended && !passes_on_) effects_.answer = pass_answer(tx());
  }
}

// ---- for the modes --------------------------------------------------------------------------------------------------

void Decider::refuse(Code code, std::string message) { effects_.refused = Error{code, std::move(message)}; }

void Decider::refuse_abort() {
  refuse(Code::failure, "trans type: '" + std::string(to_string(tx().definition->type)) + "' current status '" +
                            std::string(to_string(tx().state.status)) + "', cannot abort. FAILURE");
}

void Decider::submit() {
  State& state = tx().state;
  state.retry_interval_ms = first_interval_ms(tx().definition->options, policy_);
  state.next_retry_time_ms = now_.wall_ms + state.retry_interval_ms;
  state.submit_time_ms = now_.wall_ms;
  state.last_error.clear();
  state.errors = 0;
  tx().pass_result = CallResult::success;
  change_status(GlobalStatus::submitted);
  mode().set_times(tx(), now_, policy_);
  if (!tx().in_pass) begin_pass();
}

void Decider::abort(std::string reason) {
  tx().state.rollback_reason = std::move(reason);
  tx().state.last_error.clear();
  tx().state.errors = 0;
  change_status(GlobalStatus::aborting);
  revoke_calls();
  if (!tx().in_pass) begin_pass();
}

void Decider::end(GlobalStatus status) {
  passes_on_ = false;
  (status == GlobalStatus::succeed ? tx().state.finish_time_ms : tx().state.rollback_time_ms) = now_.wall_ms;
  tx().state.last_error.clear();
  tx().state.errors = 0;
  tx().retry_at_ms = kNever;
  tx().in_pass = tx().again = false;
  change_status(status);
  effects_.pass_ended = true;
}

void Decider::begin_pass() {
  tx().in_pass = true;
  tx().again = false;
  tx().pass_result = CallResult::success;
  tx().retry_at_ms = kNever;
  tx().query.tried = false;
  for (BranchMemory& each : tx().memory) each.tried = false;
}

void Decider::make_due() {
  if (tx().in_pass) {
    tx().again = true;
  } else {
    begin_pass();
  }
}

void Decider::reset_interval() {
  State& state = tx().state;
  state.retry_interval_ms = first_interval_ms(tx().definition->options, policy_);
  state.next_retry_time_ms = now_.wall_ms + state.retry_interval_ms;
  if (tx().retry_at_ms != kNever) tx().retry_at_ms = now_.steady_ms + state.retry_interval_ms;
}

bool Decider::free_to_start(std::uint32_t row) const {
  const BranchMemory& known = tx().memory[row];
  return !tx().halting && known.call == 0 && !known.tried;
}

bool Decider::start(std::uint32_t row) {
  BranchState& branch = tx().branches[row];
  memory(row).first_call = !branch.started;
  if (!branch.started) {
    branch.started = true;
    mark_changed(row);
  }
  if (tx().branch(row).url.empty()) {
    row_done(row, BranchStatus::succeed);
    return true;
  }
  memory(row).call = ++tx().last_call;
  ++tx().in_flight;
  effects_.start.push_back({row, tx().last_call});
  return false;
}

bool Decider::start_query() {
  if (tx().halting || tx().query.call != 0 || tx().query.tried) return false;
  if (!is_durable(tx(), tx().status_written)) return true;
  tx().query.call = ++tx().last_call;
  ++tx().in_flight;
  effects_.start.push_back({kQueryRow, tx().last_call});
  return false;
}

void Decider::row_done(std::uint32_t row, BranchStatus status) {
  BranchState& branch = tx().branches[row];
  branch.status = status;
  branch.attempts = 0;
  branch.finish_time_ms = now_.wall_ms;
  tx().state.retry_interval_ms = first_interval_ms(tx().definition->options, policy_);
  // Beside a concurrent one another may still be failing.
  if (!tx().definition->concurrent) tx().pass_result = CallResult::success;
  if (!tx().definition->concurrent || tx().state.last_error_branch == row) {
    tx().state.last_error.clear();
    tx().state.errors = 0;
  }
  mark_changed(row);
  progressed_ = true;
}

void Decider::not_done(const Replied& event) {
  State& state = tx().state;
  memory(event.call.row).tried = true;
  if (event.call.row == kQueryRow) {
    ++state.query_attempts;
  } else {
    ++tx().branches[event.call.row].attempts;
    mark_changed(event.call.row);
  }
  if (event.result == CallResult::ongoing) {
    if (tx().pass_result == CallResult::success) tx().pass_result = CallResult::ongoing;
    return;
  }
  tx().pass_result = event.result;
  state.retry_interval_ms = grown_interval_ms(state.retry_interval_ms, tx().definition->options, policy_);
  state.last_error = shortened(event.text, kLastErrorBytesMax);
  state.last_error_branch = event.call.row;
  ++state.errors;
  effects_.error = true;
}

void Decider::retry_at_once(std::uint32_t row) {
  memory(row).tried = false;
  need_write_ = true;
}

// Whether there is something to do that nobody has to ask for.
bool Decider::goes_on_alone() const {
  return tx().state.status != GlobalStatus::prepared || mode().asks_when_prepared(tx());
}

// ---- how it goes on -------------------------------------------------------------------------------------------------

BranchMemory& Decider::memory(std::uint32_t row) { return row == kQueryRow ? tx().query : tx().memory[row]; }

void Decider::mark_changed(std::uint32_t row) {
  if (memory(row).changed) return;
  memory(row).changed = true;
  tx().changed.push_back(row);
}

void Decider::change_status(GlobalStatus status) {
  tx().state.status = status;
  tx().status_written = tx().written + 1;
  tx().timeout_at_ms = kNever;
  need_write_ = true;
  if (tx().query.call == 0) return;
  // Its answer counts only while it is prepared.
  effects_.revoke.push_back({kQueryRow, tx().query.call});
  tx().query.call = 0;
  --tx().in_flight;
}

void Decider::revoke_calls() {
  if (tx().in_flight == 0) return;
  for (std::uint32_t row = 0; row < tx().memory.size(); ++row) {
    if (tx().memory[row].call != 0) effects_.revoke.push_back({row, tx().memory[row].call});
  }
}

// Whether this call is the one in flight, and still matters; it no longer is in flight.
bool Decider::take_back(Call call) {
  if (call.row != kQueryRow && call.row >= tx().memory.size()) return false;
  if (call.number == 0 || memory(call.row).call != call.number) return false;
  memory(call.row).call = 0;
  --tx().in_flight;
  return !is_final(tx().state.status);
}

// Starts what may start; ends the pass where nothing is in flight and nothing waits for a write.
void Decider::advance() {
  for (;;) {
    const bool blocked = mode().advance(*this);
    if (!tx().in_pass) return;  // came to its end
    if (tx().halting) {
      if (tx().in_flight == 0 || halt_now_) park(now_.wall_ms);
      return;
    }
    if (blocked || tx().in_flight > 0) return;
    if (!tx().again) break;
    effects_.pass_ended = passes_on_ = true;
    effects_.answer = pass_answer(tx());
    begin_pass();
  }
  const State& state = tx().state;
  if (tx().not_before_ms > now_.steady_ms) {
    park(now_.wall_ms + tx().not_before_ms - now_.steady_ms);
    return;
  }
  if (goes_on_alone()) tx().retry_at_ms = now_.steady_ms + state.retry_interval_ms;
  // Whoever takes a saga from a shared store next looks for what is due, and must find it when its time is over.
  const bool may_time_out = tx().plan && state.status == GlobalStatus::submitted && tx().timeout_at_ms != kNever;
  std::int64_t wait_ms = state.retry_interval_ms;
  if (may_time_out) wait_ms = std::clamp<std::int64_t>(tx().timeout_at_ms - now_.steady_ms, 0, wait_ms);
  park(now_.wall_ms + wait_ms);
}

void Decider::park(std::int64_t next_retry_time_ms) {
  passes_on_ = false;
  tx().state.next_retry_time_ms = next_retry_time_ms;
  tx().in_pass = false;
  need_write_ = true;
  effects_.pass_ended = true;
}

void Decider::write() {
  const Sequence sequence = ++tx().written;
  effects_.write = sequence;
  const bool exact = !tx().plan || tx().state.status != GlobalStatus::submitted || !tx().in_pass;
  if (!exact && (tx().state.exact || effects_.create)) tx().inexact_written = sequence;
  tx().state.exact = exact;
  tx().state.parked = !tx().in_pass;
  const bool was_final = is_final(tx().last_written_status) && !effects_.create;
  if (!was_final) tx().state.update_time_ms = now_.wall_ms;
  tx().last_written_status = tx().state.status;
  for (std::uint32_t row : tx().changed) {
    BranchMemory& changed = tx().memory[row];
    changed.changed = false;
    if (tx().branches[row].started && changed.started_written == 0) changed.started_written = sequence;
    if (tx().branches[row].status == BranchStatus::succeed && changed.succeed_written == 0) {
      changed.succeed_written = sequence;
    }
  }
  effects_.changed = std::exchange(tx().changed, {});
}

}  // namespace settle::core
