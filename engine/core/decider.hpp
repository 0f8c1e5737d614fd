// One decision in the making: what all modes share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/core/decide.hpp"
#include "engine/core/mode.hpp"

namespace settle::core {

inline constexpr std::int64_t kMsPerSecond = 1000;

// The text, cut at a character and marked where it is longer than bytes_max; `keep_end` stays behind it.
std::string shortened(std::string text, std::size_t bytes_max, std::string_view keep_end = {});

std::int64_t first_interval_ms(const Options& options, const Policy& policy);

// How long a tcc, xa or msg may stay prepared.
std::int64_t prepared_timeout_ms(const Options& options, const Policy& policy);

// Steady time of a moment on the wall clock, not further away than `at_most_ms`.
std::int64_t steady_time_ms(Moment now, std::int64_t wall_ms, std::int64_t at_most_ms);

bool is_durable(const Transaction& transaction, Sequence sequence);

class Decider {
 public:
  // Both stay where they are until the end.
  Decider(Transaction& transaction, Effects& effects, Moment now, const Policy& policy);

  void created(GlobalStatus status);

  void on(const Submitted& event);
  void on(const Prepared& event);
  void on(const Registered& event);
  void on(const Finished& event);
  void on(const AbortRequested& event);
  void on(const ForceStopped& event);
  void on(const MadeDue& event);
  void on(const Woken& event);
  void on(const Replied& event);
  void on(const NotSent& event);
  void on(const Durable& event);
  void on(const Halted& event);
  void on(const Renewed& event);
  void on(const Released& event);

  void finish();

  // ---- for the modes ------------------------------------------------------------------------------------------------

  Transaction& tx() { return transaction_; }
  const Transaction& tx() const { return transaction_; }
  Moment now() const { return now_; }
  const Policy& policy() const { return policy_; }

  void refuse(Code code, std::string message);
  // `cannot abort`, as the protocol has it.
  void refuse_abort();

  // Becomes `submitted`, whoever said so, and begins.
  void submit();
  // Becomes `aborting`. The reason is not longer than kReasonBytesMax.
  void abort(std::string reason);
  void end(GlobalStatus status);

  void begin_pass();
  // Begins one, or another one behind the one that is under way.
  void make_due();
  // The interval begins anew, counted from now; outside of a pass that moves the next retry, too.
  void reset_interval();
  void need_write() { need_write_ = true; }

  // No call of the row is in flight, nor was tried in this pass, and the process does not halt.
  bool free_to_start(std::uint32_t row) const;
  // The call that is out is the last: when it has succeeded, the transaction ends.
  void last_is_out() { last_is_out_ = true; }
  // Whether it is done already, since there is nothing to call.
  bool start(std::uint32_t row);
  // Starts query_prepared where none is in flight and none was tried in this pass. Its url is not empty. Whether it has
  // to wait for a write: nobody is asked about what is not certain to be known.
  bool start_query();

  void row_done(std::uint32_t row, BranchStatus status);
  // It came to ongoing or an error: to be tried in another pass. Each error doubles the interval, each success begins
  // it anew, in the order of the answers.
  void not_done(const Replied& event);
  // It may be tried again in this pass.
  void retry_at_once(std::uint32_t row);

 private:
  const Mode& mode() const { return mode_of(transaction_.definition->type); }
  bool goes_on_alone() const;
  BranchMemory& memory(std::uint32_t row);
  void mark_changed(std::uint32_t row);
  void change_status(GlobalStatus status);
  void revoke_calls();
  bool take_back(Call call);
  void advance();
  void park(std::int64_t next_retry_time_ms);
  void write();

  Transaction& transaction_;
  Effects& effects_;
  const Moment now_;
  const Policy& policy_;
  bool need_write_ = false;
  bool last_is_out_ = false;
  bool progressed_ = false;  // a row is done, which is to be written, too
  bool halt_now_ = false;
  bool passes_on_ = false;  // a pass has ended, and another one is under way
};

}  // namespace settle::core
