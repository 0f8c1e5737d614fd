// Workflows (protocol.md §5.5): the client runs it and stores the result of each step here; where it has not come to
// its end in time it is called back, so that it goes on from what is stored.
//
// Invariants, walked exhaustively:
//   - it is `prepared` until its client submits the final status, or it is stopped by force: nothing else ends it;
//   - results are registered only while it is prepared, and never change;
//   - query_prepared is called only while it is prepared, one at a time, and not before the interval has passed since
//     it was created, or a result was registered, or it was called last.
#include "engine/core/decider.hpp"

namespace settle::core {
namespace {

class Workflow final : public Mode {
 public:
  void set_times(Transaction&, Moment, const Policy&) const override {}
  bool asks_when_prepared(const Transaction& transaction) const override {
    return !transaction.definition->query_prepared.empty();
  }
  void timed_out(Decider&) const override {}
  void made_due_prepared(Decider& decider) const override { decider.make_due(); }
  void registered(Decider& decider) const override { decider.reset_interval(); }
  void replied(Decider&, const Replied&) const override {}

  // Its final status comes by a submit of its own, so success says only that it was called.
  void query_replied(Decider& decider, const Replied& event) const override {
    if (event.result == CallResult::success) {
      decider.tx().state.query_attempts = 0;
      decider.tx().state.errors = 0;
      decider.tx().state.last_error.clear();
      decider.tx().query.tried = true;
      decider.reset_interval();
    } else {
      decider.not_done(event);
    }
  }

  bool advance(Decider& decider) const override { return asks_when_prepared(decider.tx()) && decider.start_query(); }
};

}  // namespace

const Mode& workflow_mode() {
  static const Workflow kMode;
  return kMode;
}

}  // namespace settle::core
