#include "engine/core/decide.hpp"

#include <algorithm>
#include <utility>

#include "engine/core/decider.hpp"
#include "engine/core/line.hpp"
#include "engine/core/mode.hpp"
#include "engine/core/plants.hpp"

namespace settle::core {
namespace {

std::optional<Plan> plan_of(const Definition& definition) {
  if (definition.type != TransType::saga) return std::nullopt;
  return Plan(definition);
}

// Whatever may have been started, as far as a stored saga tells, counts as started.
void mark_possible_starts(Transaction& transaction) {
  const auto is = [&](std::uint32_t step, BranchStatus status) {
    return transaction.branches[action_row(step)].status == status;
  };
  const auto succeeded = [&](std::uint32_t step) { return is(step, BranchStatus::succeed); };
  const auto has_not_failed = [&](std::uint32_t step) { return !is(step, BranchStatus::failed); };
  for (std::uint32_t step = 0; step < transaction.plan->step_count(); ++step) {
    BranchState& action = transaction.branches[action_row(step)];
    if (!transaction.plan->all_predecessors(step, has_not_failed)) continue;
    if (action.started || planted(Plant::forget_run_ahead)) continue;
    if (!may_have_started(*transaction.plan, step, succeeded)) continue;
    action.started = true;
    transaction.memory[action_row(step)].changed = true;
    transaction.changed.push_back(action_row(step));
  }
}

}  // namespace

const Mode& mode_of(TransType type) {
  switch (type) {
    case TransType::saga:
      break;
    case TransType::tcc:
      return tcc_mode();
    case TransType::xa:
      return xa_mode();
    case TransType::msg:
      return msg_mode();
    case TransType::workflow:
      return workflow_mode();
  }
  return saga_mode();
}

void Mode::abort_requested(Decider& decider, const std::string&) const { decider.refuse_abort(); }

Result<Done> Mode::answer(const Transaction& transaction) const {
  return unfinished_answer(transaction, {Code::failure, "wait result not return success: FAILURE"});
}

Result<Done> unfinished_answer(const Transaction& transaction, Error otherwise) {
  const bool refused = transaction.pass_result == CallResult::failure;
  if (!refused && transaction.pass_result != CallResult::unknown) return otherwise;
  // DTM's words, spelled as it does.
  std::string text =
      "your http/grpc result should be specified as in:\nhttp://d.dtm.pub/practice/arch.html#proto\n"
      "unkown result will be retried: " +
      transaction.state.last_error;
  if (refused && !text.ends_with("FAILURE")) text += " FAILURE";
  return Error{refused ? Code::failure : Code::internal, std::move(text)};
}

Decision create(std::shared_ptr<const Definition> definition, GlobalStatus status, Moment now, const Policy& policy) {
  Transaction transaction;
  Effects effects = create_in_place(transaction, std::move(definition), status, now, policy);
  return {std::move(effects), std::move(transaction)};
}

Effects create_in_place(Transaction& transaction, std::shared_ptr<const Definition> definition, GlobalStatus status,
                        Moment now, const Policy& policy) {
  transaction.plan = plan_of(*definition);
  if (transaction.plan) transaction.compensate_cursor = transaction.plan->step_count();
  transaction.branches.resize(definition->branches.size());
  transaction.memory.resize(definition->branches.size());
  transaction.definition = std::move(definition);
  Effects effects;
  Decider(transaction, effects, now, policy).created(status);
  return effects;
}

Transaction resume(StoredTransaction stored, Moment now, const Policy& policy) {
  Transaction transaction;
  transaction.definition = std::move(stored.definition);
  transaction.plan = plan_of(*transaction.definition);
  transaction.state = std::move(stored.state);
  transaction.registrations = std::move(stored.registrations);
  transaction.branches = std::move(stored.branches);
  transaction.memory.resize(transaction.branches.size());
  transaction.written = transaction.durable = transaction.status_written = 1;
  transaction.last_written_status = transaction.state.status;
  transaction.inexact_written = transaction.state.exact ? 0 : 1;
  for (std::size_t row = 0; row < transaction.branches.size(); ++row) {
    if (transaction.branches[row].started) transaction.memory[row].started_written = 1;
    if (transaction.branches[row].status == BranchStatus::succeed) transaction.memory[row].succeed_written = 1;
  }
  if (transaction.plan) {
    transaction.compensate_cursor = transaction.plan->step_count();
    // Ours are exact when they are aborting; a DTM server's never are.
    if (!is_final(transaction.state.status) && transaction.state.status != GlobalStatus::prepared &&
        !transaction.state.exact) {
      mark_possible_starts(transaction);
    }
  }

  const State& state = transaction.state;
  if (is_final(state.status)) return transaction;
  // Retries without a pause between them would never end.
  if (state.retry_interval_ms <= 0) {
    transaction.state.retry_interval_ms = first_interval_ms(transaction.definition->options, policy);
  }
  const Mode& mode = mode_of(transaction.definition->type);
  mode.set_times(transaction, now, policy);
  // A first question, or a delay, is still ahead; or nothing is called before the client comes.
  const bool waits_for_time = state.status == GlobalStatus::prepared ? transaction.timeout_at_ms != kNever
                                                                     : transaction.not_before_ms > now.steady_ms;
  if (waits_for_time) return transaction;
  if (state.status == GlobalStatus::prepared && !mode.asks_when_prepared(transaction)) return transaction;
  transaction.retry_at_ms =
      state.parked ? steady_time_ms(now, state.next_retry_time_ms, state.retry_interval_ms) : now.steady_ms;
  return transaction;
}

Decision decide(Transaction transaction, const Event& event, Moment now, const Policy& policy) {
  Effects effects = decide_in_place(transaction, event, now, policy);
  return {std::move(effects), std::move(transaction)};
}

Effects decide_in_place(Transaction& transaction, const Event& event, Moment now, const Policy& policy) {
  Effects effects;
  Decider decider(transaction, effects, now, policy);
  std::visit([&](const auto& happened) { decider.on(happened); }, event);
  decider.finish();
  return effects;
}

Result<Done> pass_answer(const Transaction& transaction) {
  const GlobalStatus status = transaction.state.status;
  if (status == GlobalStatus::succeed) return Done{};
  if (transaction.forced) return Error{Code::failure, "global transaction was stopped by force. FAILURE"};
  if (transaction.halting && !is_final(status)) {
    return Error{Code::unavailable, "the server is stopping; the transaction goes on later"};
  }
  return mode_of(transaction.definition->type).answer(transaction);
}

}  // namespace settle::core
