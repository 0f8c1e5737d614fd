// What tcc and xa have in common: branches are registered while it is prepared; then either all of them are confirmed
// (submit) or all are cancelled (abort, or timeout_to_fail passed).
//
// Invariants, walked exhaustively, beside those of line.hpp:
//   - confirms start only under a durable `submitted`, cancels only under a durable `aborting`: never both;
//   - a branch is registered only while it is prepared; every branch registered by then is called before the end;
//   - it leaves `prepared` by submit, abort, the timeout or force alone.
#pragma once

#include <cstdint>

#include "engine/core/decider.hpp"

namespace settle::core {

class TwoPhase : public Mode {
 public:
  void set_times(Transaction& transaction, Moment now, const Policy& policy) const override;
  void timed_out(Decider& decider) const override;
  void abort_requested(Decider& decider, const std::string& reason) const override;
  void replied(Decider& decider, const Replied& event) const override;
  bool advance(Decider& decider) const override;
  Result<Done> answer(const Transaction& transaction) const override;

 protected:
  // The registration that is called at this place, of `count`.
  virtual std::uint32_t registration_at(std::uint32_t place, std::uint32_t count) const = 0;
};

}  // namespace settle::core
