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
  std::int64_t begin_ns = 0;  // as NextTransaction had it
  std::int64_t end_ns = 0;    // when its answer was read
  std::string failure;        // what was answered instead of a success; empty: it was one
};

struct NextTransaction {
  std::uint64_t number = 0;
  std::int64_t begin_ns = 0;  // from when on its time counts: now, or when it was due
};

// Decides what the clients do.
class TransactionSource {
 public:
  virtual ~TransactionSource() = default;
  // What this client runs next; nothing: none is due, and the client stays idle until it is asked to look again.
  virtual std::optional<NextTransaction> next_transaction(std::size_t client) = 0;
  virtual void on_answer(const TransactionAnswer& answer) = 0;
};

}  // namespace settle::bench
