// A service that takes part in transactions over HTTP: it answers every branch call at once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "benches/event_loop.hpp"
#include "benches/transaction_source.hpp"
#include "settle/result.hpp"

namespace settle::bench {

// It answers 200, or 500 where the observer says that the call does not succeed.
// Threads: the loop's. The loop and the observer must outlive it.
class Participant {
 public:
  static Result<std::unique_ptr<Participant>> listen(EventLoop& loop, CallObserver& observer);
  ~Participant();
  std::uint16_t port() const;
  // Requests that were no branch calls, or not to be read: something is wrong with the server or with this bench.
  std::uint64_t unreadable() const { return unreadable_; }

 private:
  class Door;
  class Visitor;
  Participant(EventLoop& loop, CallObserver& observer);
  void admit(Socket socket);

  EventLoop& loop_;
  CallObserver& observer_;
  std::unique_ptr<Door> door_;
  std::unordered_map<Visitor*, std::unique_ptr<Visitor>> visitors_;
  std::uint64_t unreadable_ = 0;
};

}  // namespace settle::bench
