// Two-phase messages (protocol.md §5.4): once it is certain that the sender's own transaction was committed, every
// action is called until it succeeds.
//
// Invariants, walked exhaustively, beside those of line.hpp where it is not concurrent:
//   - an action starts only under a durable `submitted`, and not before the delay has passed; all are called in the
//   end;
//   - query_prepared is called only while it is prepared, not before timeout_to_fail has passed, one at a time; its
//     answer counts only while it is still prepared: success submits, failure drops it;
//   - there is no rollback: `aborting` never comes.
#include "engine/core/line.hpp"

namespace settle::core {
namespace {

bool is_ahead(Moment now, std::int64_t steady_ms) { return steady_ms > now.steady_ms; }

class Msg final : public Mode {
 public:
  void set_times(Transaction& transaction, Moment now, const Policy& policy) const override {
    const Definition& definition = *transaction.definition;
    if (transaction.state.status == GlobalStatus::prepared) {
      const std::int64_t wait_ms = prepared_timeout_ms(definition.options, policy);
      const std::int64_t ask_at_ms = steady_time_ms(now, definition.create_time_ms + wait_ms, wait_ms);
      if (is_ahead(now, ask_at_ms)) transaction.timeout_at_ms = ask_at_ms;
    } else if (transaction.state.status == GlobalStatus::submitted && definition.delay_s > 0) {
      const std::int64_t delay_ms = definition.delay_s * kMsPerSecond;
      transaction.not_before_ms = steady_time_ms(now, definition.create_time_ms + delay_ms, delay_ms);
      if (is_ahead(now, transaction.not_before_ms)) transaction.timeout_at_ms = transaction.not_before_ms;
    }
  }

  bool asks_when_prepared(const Transaction&) const override { return true; }

  // It is time to ask, or the delay is over.
  void timed_out(Decider& decider) const override { decider.make_due(); }

  void made_due_prepared(Decider& decider) const override {
    if (decider.tx().timeout_at_ms == kNever) decider.make_due();  // otherwise it is not yet time to ask
  }

  void abort_requested(Decider& decider, const std::string& reason) const override {
    if (decider.tx().state.status != GlobalStatus::prepared) {
      decider.refuse_abort();
      return;
    }
    decider.tx().state.rollback_reason = shortened(reason, kReasonBytesMax);
    decider.end(GlobalStatus::failed);
  }

  void replied(Decider& decider, const Replied& event) const override { line_replied(decider, event); }

  void query_replied(Decider& decider, const Replied& event) const override {
    if (event.result == CallResult::success) {
      decider.submit();
    } else if (event.result == CallResult::failure) {
      decider.end(GlobalStatus::failed);
    } else {
      decider.not_done(event);
    }
  }

  bool advance(Decider& decider) const override {
    Transaction& tx = decider.tx();
    if (tx.state.status == GlobalStatus::prepared) {
      if (!tx.definition->query_prepared.empty()) return decider.start_query();
      decider.submit();
    }
    if (is_ahead(decider.now(), tx.not_before_ms)) {
      tx.timeout_at_ms = tx.not_before_ms;
      return false;
    }
    const auto count = static_cast<std::uint32_t>(tx.branches.size());
    if (tx.definition->concurrent) return all_at_once(decider, count);
    return follow_line(
        decider, count, [](std::uint32_t place) { return place; }, GlobalStatus::succeed);
  }

 private:
  static bool all_at_once(Decider& decider, std::uint32_t count) {
    Transaction& tx = decider.tx();
    bool done = true;
    bool blocked = false;
    for (std::uint32_t row = 0; row < count; ++row) {
      if (tx.branches[row].status == BranchStatus::succeed) continue;
      if (!decider.free_to_start(row)) {
        done = false;
      } else if (!is_durable(tx, tx.status_written)) {
        done = false;
        blocked = true;
      } else {
        done = decider.start(row) && done;
      }
    }
    if (!done) return blocked;
    if (!is_durable(tx, tx.status_written)) return true;
    decider.end(GlobalStatus::succeed);
    return false;
  }
};

}  // namespace

const Mode& msg_mode() {
  static const Msg kMode;
  return kMode;
}

}  // namespace settle::core
