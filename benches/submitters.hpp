// Clients that submit sagas over kept connections, each one saga at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "benches/event_loop.hpp"
#include "benches/saga_request.hpp"
#include "settle/result.hpp"

namespace settle::bench {

// What came back for one saga; the views are valid during the call.
struct SagaAnswer {
  std::size_t client = 0;
  std::uint64_t number = 0;
  std::int64_t begin_ns = 0;  // when it was sent
  std::int64_t end_ns = 0;    // when its answer was read
  int status = 0;
  std::string_view body;
};

// Decides what the clients do.
class SagaSource {
 public:
  virtual ~SagaSource() = default;
  // The number of the saga that this client submits next; nothing: it stays idle from now on.
  virtual std::optional<std::uint64_t> next_saga(std::size_t client) = 0;
  virtual void on_answer(const SagaAnswer& answer) = 0;
};

// Threads: the loop's. The loop, the request and the source must outlive it.
class Submitters {
 public:
  // Connects all of them, and has each submit its first saga.
  static Result<std::unique_ptr<Submitters>> start(EventLoop& loop, SagaRequest& request, SagaSource& source,
                                                   const Address& server, std::size_t clients);
  ~Submitters();
  // How many wait for an answer.
  std::size_t busy() const { return busy_; }
  // Why a client gave up: its connection broke or an answer could not be read. Empty: none did.
  const std::string& trouble() const { return trouble_; }

 private:
  class Client;
  Submitters(EventLoop& loop, SagaRequest& request, SagaSource& source);

  EventLoop& loop_;
  SagaRequest& request_;
  SagaSource& source_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::size_t busy_ = 0;
  std::string trouble_;
};

}  // namespace settle::bench
