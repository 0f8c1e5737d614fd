// Clients that run transactions over kept connections, each one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "benches/event_loop.hpp"
#include "benches/transaction_request.hpp"
#include "settle/result.hpp"

namespace settle::bench {

// What came back for the last request of one transaction, or for the one that went wrong; the views are valid during
// the call.
struct TransactionAnswer {
  std::size_t client = 0;
  std::uint64_t number = 0;
  std::int64_t begin_ns = 0;  // when its first request was sent
  std::int64_t end_ns = 0;    // when its answer was read
  int status = 0;
  std::string_view body;
};

// Decides what the clients do.
class TransactionSource {
 public:
  virtual ~TransactionSource() = default;
  // The number of the transaction that this client runs next; nothing: it stays idle from now on.
  virtual std::optional<std::uint64_t> next_transaction(std::size_t client) = 0;
  virtual void on_answer(const TransactionAnswer& answer) = 0;
};

// Threads: the loop's. The loop, the request and the source must outlive it.
class Submitters {
 public:
  // Connects all of them, and has each send its first request.
  static Result<std::unique_ptr<Submitters>> start(EventLoop& loop, TransactionRequest& request,
                                                   TransactionSource& source, const Address& server,
                                                   std::size_t clients);
  ~Submitters();
  // How many wait for an answer.
  std::size_t busy() const { return busy_; }
  // Why a client gave up: its connection broke or an answer could not be read. Empty: none did.
  const std::string& trouble() const { return trouble_; }

 private:
  class Client;
  Submitters(EventLoop& loop, TransactionRequest& request, TransactionSource& source);

  EventLoop& loop_;
  TransactionRequest& request_;
  TransactionSource& source_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::size_t busy_ = 0;
  std::string trouble_;
};

}  // namespace settle::bench
