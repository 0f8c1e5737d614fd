#include "engine/core/two_phase.hpp"

#include "engine/core/line.hpp"

namespace settle::core {
void TwoPhase::set_times(Transaction& transaction, Moment now, const Policy& policy) const {
  if (transaction.state.status != GlobalStatus::prepared) return;
  const std::int64_t wait_ms = prepared_timeout_ms(transaction.definition->options, policy);
  transaction.timeout_at_ms = steady_time_ms(now, transaction.definition->create_time_ms + wait_ms, wait_ms);
}

void TwoPhase::timed_out(Decider& decider) const {
  const Options& options = decider.tx().definition->options;
  const std::int64_t seconds = prepared_timeout_ms(options, decider.policy()) / kMsPerSecond;
  decider.abort("Timeout after " + std::to_string(seconds) + " seconds");
}

void TwoPhase::abort_requested(Decider& decider, const std::string& reason) const {
  State& state = decider.tx().state;
  if (state.status == GlobalStatus::prepared) {
    decider.abort(shortened(reason, kReasonBytesMax));
  } else if (state.status == GlobalStatus::aborting) {
    if (!reason.empty()) state.rollback_reason = shortened(reason, kReasonBytesMax);
    decider.need_write();
    decider.make_due();
  } else {
    decider.refuse_abort();
  }
}

void TwoPhase::replied(Decider& decider, const Replied& event) const { line_replied(decider, event); }

bool TwoPhase::advance(Decider& decider) const {
  const Transaction& tx = decider.tx();
  const bool forward = tx.state.status == GlobalStatus::submitted;
  const auto count = static_cast<std::uint32_t>(tx.registrations.size());
  // Of the two rows of a registration the first undoes, the second goes on.
  const auto row_at = [&](std::uint32_t place) { return 2 * registration_at(place, count) + (forward ? 1 : 0); };
  return follow_line(decider, count, row_at, forward ? GlobalStatus::succeed : GlobalStatus::failed);
}

Result<Done> TwoPhase::answer(const Transaction& transaction) const {
  if (transaction.state.status == GlobalStatus::failed) return Done{};  // rolled back, as was asked for
  return unfinished_answer(transaction, {Code::ongoing, "ONGOING"});
}

}  // namespace settle::core
