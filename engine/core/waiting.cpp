#include "settle/waiting.hpp"

namespace settle {
namespace {

bool is_open(const StoredTransaction& transaction, std::size_t row) {
  return transaction.branches[row].status != BranchStatus::succeed;
}

// The first row from `first` on, in strides, that passes.
template <class Passes>
std::optional<std::uint32_t> first_row(std::size_t first, std::size_t rows, std::size_t stride, Passes passes) {
  for (std::size_t row = first; row < rows; row += stride) {
    if (passes(row)) return static_cast<std::uint32_t>(row);
  }
  return std::nullopt;
}

template <class Passes>
std::optional<std::uint32_t> last_row(std::size_t first, std::size_t rows, Passes passes) {
  for (std::size_t row = rows + first; row >= 2;) {
    row -= 2;
    if (passes(row)) return static_cast<std::uint32_t>(row);
  }
  return std::nullopt;
}

// The row whose call it waits for, in `submitted` or `aborting`; nothing where all of them are done.
std::optional<std::uint32_t> awaited_row(const StoredTransaction& transaction) {
  const std::size_t rows = transaction.branches.size();
  const bool forward = transaction.state.status == GlobalStatus::submitted;
  const auto open = [&](std::size_t row) { return is_open(transaction, row); };
  // The newest error names it, where it is still to be done in this direction.
  const std::uint32_t failing = transaction.state.last_error_branch;
  const bool in_direction = transaction.definition->type == TransType::msg || (failing % 2 == 1) == forward;
  if (!transaction.state.last_error.empty() && failing < rows && in_direction && open(failing)) return failing;
  switch (transaction.definition->type) {
    case TransType::saga:
      if (forward) return first_row(1, rows, 2, open);
      return last_row(0, rows, [&](std::size_t row) { return transaction.branches[row + 1].started && open(row); });
    case TransType::tcc:
      return last_row(forward ? 1 : 0, rows, open);
    case TransType::xa:
      return first_row(forward ? 1 : 0, rows, 2, open);
    case TransType::msg:
      return first_row(0, rows, 1, open);
    case TransType::workflow:
      break;
  }
  return std::nullopt;
}

Waiting wait_for_client(const StoredTransaction& transaction) {
  const State& state = transaction.state;
  const TransType type = transaction.definition->type;
  Waiting waiting;
  waiting.what =
      type == TransType::workflow ? "the final status, from its client" : "a submit or an abort of its client";
  if (type == TransType::saga) return waiting;
  if (type == TransType::msg || type == TransType::workflow) {
    if (transaction.definition->query_prepared.empty() && type == TransType::workflow) return waiting;
    waiting.has_call = true;
    waiting.row = kQueryRow;
    waiting.attempts = state.query_attempts;
    waiting.last_error = state.last_error;
  }
  if (state.parked) waiting.next_try_ms = state.next_retry_time_ms;
  return waiting;
}

}  // namespace

std::optional<Waiting> waiting_for(const StoredTransaction& transaction) {
  const Definition& definition = *transaction.definition;
  const State& state = transaction.state;
  if (is_final(state.status)) return std::nullopt;
  if (state.status == GlobalStatus::prepared) return wait_for_client(transaction);
  Waiting waiting;
  const std::int64_t delayed_until_ms = definition.create_time_ms + definition.delay_s * 1'000;
  if (definition.delay_s > 0 && state.parked && state.next_retry_time_ms == delayed_until_ms) {
    waiting.what = "the end of its delay";
    waiting.next_try_ms = delayed_until_ms;
    return waiting;
  }
  const std::optional<std::uint32_t> row = awaited_row(transaction);
  if (!row) {
    waiting.what = "the store, for its final status";
    return waiting;
  }
  waiting.has_call = true;
  waiting.row = *row;
  waiting.what = "branch " + std::string(transaction.branch(*row).branch_id) + " to answer " +
                 std::string(transaction.branch(*row).operation);
  waiting.attempts = transaction.branches[*row].attempts;
  if (state.last_error_branch == *row) waiting.last_error = state.last_error;
  if (state.parked) waiting.next_try_ms = state.next_retry_time_ms;
  return waiting;
}

}  // namespace settle
