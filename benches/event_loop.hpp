// One thread that serves all sockets of the bench, so that it costs the measured server as little CPU as possible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "benches/http_message.hpp"
#include "benches/socket.hpp"
#include "settle/result.hpp"

namespace settle::bench {

// Told when a socket has something to read, or was closed by its peer.
class Watcher {
 public:
  virtual ~Watcher() = default;
  // May destroy the watcher itself, with its socket, but no other one.
  virtual void on_readable() = 0;
};

// Threads: one.
class EventLoop {
 public:
  static Result<std::unique_ptr<EventLoop>> make();

  // `watcher` is told until the socket is closed; it must live as long.
  Result<Done> watch(const Socket& socket, Watcher& watcher);
  // Waits up to timeout_us for something to read, and has all of it handled.
  void run_once(std::int64_t timeout_us);
  // Where sockets are read into; valid until the next read.
  static constexpr std::size_t kScratchBytes = 64 << 10;
  char* scratch() { return scratch_.get(); }

 private:
  EventLoop() = default;
  Socket epoll_;
  std::unique_ptr<char[]> scratch_ = std::make_unique<char[]>(kScratchBytes);
};

// A connection that messages come in on. Copies only where a message comes in pieces.
class MessageSocket {
 public:
  MessageSocket(EventLoop& loop, Socket socket) : loop_(loop), socket_(std::move(socket)) {}
  const Socket& socket() const { return socket_; }

  // Reads what has come; false where the connection is closed or broken.
  bool fill();
  // The next message of what was read. To be called after fill() until it is not `whole`; the message's views are
  // valid until fill() of any connection of this loop.
  HttpFound next(HttpMessage& message);

 private:
  EventLoop& loop_;
  Socket socket_;
  std::string kept_;          // the beginning of a message whose end has not come
  std::string_view pending_;  // in kept_ or in the loop's scratch
};

}  // namespace settle::bench
