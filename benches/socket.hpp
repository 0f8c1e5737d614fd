// A TCP socket that closes itself, and the few ways in which the bench makes one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "settle/result.hpp"

namespace settle::bench {

// Owns a file descriptor; -1: none.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&& other) noexcept;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket();

  int descriptor() const { return descriptor_; }
  bool open() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
};

// Where a server listens.
struct Address {
  std::string host;  // a name or a number
  std::uint16_t port = 0;
};
// From "http://host:port", with or without a slash behind it.
Result<Address> parse_address(std::string_view url);

// A connected socket, without delay for small messages. It blocks; sending and receiving give up after timeout_ms.
Result<Socket> connect_to(const Address& address, std::int64_t timeout_ms);

struct Listener {
  Socket socket;
  std::uint16_t port = 0;
};
// Listens on a free port of the loopback address; accepting does not block.
Result<Listener> listen_on_loopback();

// The next connection of a listener, set up as connect_to() does; not open where none waits.
Socket accept_from(const Socket& listener, std::int64_t timeout_ms);

// Sends all of it; false where the connection is broken or full for longer than its timeout.
bool send_all(const Socket& socket, std::string_view bytes);

// GET over a connection of its own. The whole answer must come within timeout_ms and tell its length.
struct Answer {
  int status = 0;
  std::string body;
};
Result<Answer> get(const Address& address, std::string_view target, std::int64_t timeout_ms);

}  // namespace settle::bench
