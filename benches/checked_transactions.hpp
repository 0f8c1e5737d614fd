// The transactions of a closed or an open loop, each checked when it is answered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "benches/gid_series.hpp"
#include "benches/latency_histogram.hpp"
#include "benches/transaction_shape.hpp"
#include "benches/transaction_source.hpp"

namespace settle::bench {

// Numbers the transactions, and checks that each that is answered has called all its branches and nothing else.
// Number n belongs to client n mod clients. In a closed loop a client starts its next transaction when it has its
// answer. In an open loop transactions become due at a rate, whether a client is idle or not, and their time counts
// from then: so a server that stands still is not asked less. Threads: one.
class CheckedTransactions final : public TransactionSource, public CallObserver {
 public:
  // `rate`: how many become due a second, evenly; 0: a closed loop.
  CheckedTransactions(const GidSeries& gids, std::size_t clients, Mode mode, unsigned steps, double rate = 0);

  // Answers between the two are counted in latencies().
  void begin_window() { measuring_ = true; }
  void end_window() { measuring_ = false; }
  // No client starts another one.
  void stop() { stopping_ = true; }
  // When the next one is due, which may have been long ago; nothing: in a closed loop, and after stop().
  std::optional<std::int64_t> next_due_ns() const;
  // How many are due and not started.
  std::int64_t waiting(std::int64_t now_ns) const;

  const LatencyHistogram& latencies() const { return latencies_; }
  std::uint64_t answers() const { return answers_; }
  std::int64_t failures() const { return failures_; }
  std::int64_t repeated_calls() const { return repeated_calls_; }
  // Empty: none.
  const std::string& first_failure() const { return first_failure_; }
  // Some of those that were answered: the first and the last of up to `clients` clients.
  std::vector<std::uint64_t> sample(std::size_t clients) const;

  std::optional<NextTransaction> next_transaction(std::size_t client) override;
  void on_answer(const TransactionAnswer& answer) override;
  bool on_call(const CalledBranch& call) override;

 private:
  struct Slot {
    std::uint64_t number = 0;
    std::uint64_t called = 0;  // a bit for each step
    bool used = false;
  };

  void count_failure(const std::string& what);

  const GidSeries& gids_;
  const std::string_view operation_;
  const std::uint64_t all_called_;
  const double interval_ns_;  // 0: a closed loop
  const std::int64_t begin_ns_;
  std::uint64_t started_ = 0;
  std::vector<Slot> slots_;
  LatencyHistogram latencies_;
  std::uint64_t answers_ = 0;
  std::int64_t failures_ = 0;
  std::int64_t repeated_calls_ = 0;
  std::string first_failure_;
  bool measuring_ = false;
  bool stopping_ = false;
};

}  // namespace settle::bench
