// What a load is told of its transactions, and what it asks: the same over HTTP and over gRPC.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace settle::bench {

// A call of a branch as it comes to a participant, see protocol.md §8. The views are valid during the call.
struct CalledBranch {
  std::string_view gid;
  std::string_view branch_id;
  std::string_view operation;
};

// Told of each call, before it is answered.
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  // Whether the call succeeds; otherwise it is an error, which decides nothing.
  virtual bool on_call(const CalledBranch& call) = 0;
};

// What came back for the last request of one transaction, or for the one that went wrong.
struct TransactionAnswer {
  std::size_t client = 0;
  std::uint64_t number = 0;
  std::int64_t begin_ns = 0;  // when its first request was sent
  std::int64_t end_ns = 0;    // when its answer was read
  std::string failure;        // what was answered instead of a success; empty: it was one
};

// Decides what the clients do.
class TransactionSource {
 public:
  virtual ~TransactionSource() = default;
  // The number of the transaction that this client runs next; nothing: it stays idle from now on.
  virtual std::optional<std::uint64_t> next_transaction(std::size_t client) = 0;
  virtual void on_answer(const TransactionAnswer& answer) = 0;
};

}  // namespace settle::bench
