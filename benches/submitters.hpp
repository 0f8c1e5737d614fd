// Clients that run transactions over kept HTTP connections, each one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "benches/event_loop.hpp"
#include "benches/http_request.hpp"
#include "benches/transaction_source.hpp"
#include "settle/result.hpp"

namespace settle::bench {

// Threads: the loop's. The loop, the request and the source must outlive it.
class Submitters {
 public:
  // Connects all of them, to the servers by turns, and has each send its first request.
  static Result<std::unique_ptr<Submitters>> start(EventLoop& loop, HttpRequest& request, TransactionSource& source,
                                                   const std::vector<Address>& servers, std::size_t clients);
  ~Submitters();
  // How many wait for an answer.
  std::size_t busy() const { return busy_; }
  // Has idle clients look again, as long as one finds something to do.
  void wake();
  // Why a client gave up: its connection broke or an answer could not be read. Empty: none did.
  const std::string& trouble() const { return trouble_; }

 private:
  class Client;
  Submitters(EventLoop& loop, HttpRequest& request, TransactionSource& source);

  EventLoop& loop_;
  HttpRequest& request_;
  TransactionSource& source_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<Client*> idle_;
  std::size_t busy_ = 0;
  std::string trouble_;
};

}  // namespace settle::bench
