#include "benches/checked_transactions.hpp"

#include <algorithm>

#include "benches/machine.hpp"

namespace settle::bench {

CheckedTransactions::CheckedTransactions(const GidSeries& gids, std::size_t clients, Mode mode, unsigned steps,
                                         double rate)
    : gids_(gids),
      operation_(operation_of(mode)),
      all_called_(~std::uint64_t{0} >> (kStepsMax - steps)),
      interval_ns_(rate > 0 ? 1e9 / rate : 0),
      begin_ns_(now_ns()),
      slots_(clients) {
  for (std::size_t client = 0; client < clients; ++client) slots_[client].number = client;
}

std::vector<std::uint64_t> CheckedTransactions::sample(std::size_t clients) const {
  std::vector<std::uint64_t> numbers;
  for (std::size_t client = 0; client < std::min(clients, slots_.size()); ++client) {
    const Slot& slot = slots_[client];
    if (!slot.used) continue;
    numbers.push_back(client);
    if (slot.number != client) numbers.push_back(slot.number);
  }
  return numbers;
}

std::optional<std::int64_t> CheckedTransactions::next_due_ns() const {
  if (stopping_ || interval_ns_ == 0) return std::nullopt;
  return begin_ns_ + static_cast<std::int64_t>(static_cast<double>(started_) * interval_ns_);
}

std::int64_t CheckedTransactions::waiting(std::int64_t now_ns) const {
  const std::optional<std::int64_t> due_ns = next_due_ns();
  if (!due_ns || *due_ns > now_ns) return 0;
  return static_cast<std::int64_t>(static_cast<double>(now_ns - *due_ns) / interval_ns_) + 1;
}

std::optional<NextTransaction> CheckedTransactions::next_transaction(std::size_t client) {
  if (stopping_) return std::nullopt;
  const std::int64_t time_ns = now_ns();
  const std::int64_t due_ns = next_due_ns().value_or(time_ns);
  if (due_ns > time_ns) return std::nullopt;
  ++started_;
  Slot& slot = slots_[client];
  if (slot.used) slot.number += slots_.size();
  slot.used = true;
  slot.called = 0;
  return NextTransaction{slot.number, due_ns};
}

void CheckedTransactions::on_answer(const TransactionAnswer& answer) {
  ++answers_;
  if (!answer.failure.empty()) {
    count_failure("it was answered " + answer.failure);
  } else if (slots_[answer.client].called != all_called_) {
    count_failure("a success was answered before all branches were called");
  }
  if (measuring_) latencies_.record(answer.end_ns - answer.begin_ns);
}

bool CheckedTransactions::on_call(const CalledBranch& call) {
  const std::optional<std::uint64_t> number = gids_.number_of(call.gid);
  if (!number) return true;  // left over from an earlier run against the same server
  if (call.operation != operation_) {
    count_failure("a transaction that succeeds was undone");
    return true;
  }
  unsigned step = 0;
  for (const char digit : call.branch_id) step = step * 10 + static_cast<unsigned>(digit - '0');
  if (step < 1 || step > kStepsMax) {
    count_failure("a branch was called that does not exist: " + std::string(call.branch_id));
    return true;
  }
  Slot& slot = slots_[*number % slots_.size()];
  const std::uint64_t mark = std::uint64_t{1} << (step - 1);
  if (slot.number != *number || (slot.called & mark) != 0) {
    ++repeated_calls_;
  } else {
    slot.called |= mark;
  }
  return true;
}

void CheckedTransactions::count_failure(const std::string& what) {
  ++failures_;
  if (first_failure_.empty()) first_failure_ = what;
}

}  // namespace settle::bench
