// The transactions of a closed loop, each checked when it is answered.
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
// Number n belongs to client n mod clients. Threads: one.
class CheckedTransactions final : public TransactionSource, public CallObserver {
 public:
  CheckedTransactions(const GidSeries& gids, std::size_t clients, Mode mode, unsigned steps);

  // Answers between the two are counted in latencies().
  void begin_window() { measuring_ = true; }
  void end_window() { measuring_ = false; }
  // No client starts another one.
  void stop() { stopping_ = true; }

  const LatencyHistogram& latencies() const { return latencies_; }
  std::uint64_t answers() const { return answers_; }
  std::int64_t failures() const { return failures_; }
  std::int64_t repeated_calls() const { return repeated_calls_; }
  // Empty: none.
  const std::string& first_failure() const { return first_failure_; }
  // Some of those that were answered: the first and the last of up to `clients` clients.
  std::vector<std::uint64_t> sample(std::size_t clients) const;

  std::optional<std::uint64_t> next_transaction(std::size_t client) override;
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
