#include "transports/http/test_socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <utility>

namespace settle::http {
namespace {

constexpr int kPatienceSeconds = 10;

void limit_waiting(int descriptor) {
  timeval patience{};
  patience.tv_sec = kPatienceSeconds;
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

TestSocket::TestSocket(int descriptor) : descriptor_(descriptor) {
  if (descriptor < 0) return;
  limit_waiting(descriptor);
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

TestSocket TestSocket::connect_to(std::uint16_t port) {
  TestSocket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  if (::connect(socket.descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) socket.close();
  return socket;
}

TestSocket::~TestSocket() { close(); }

TestSocket::TestSocket(TestSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), received_(std::move(other.received_)) {}

TestSocket& TestSocket::operator=(TestSocket&& other) noexcept {
  if (this != &other) {
    close();
    descriptor_ = std::exchange(other.descriptor_, -1);
    received_ = std::move(other.received_);
  }
  return *this;
}

bool TestSocket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string TestSocket::receive() {
  if (!received_.empty()) return std::exchange(received_, {});
  std::array<char, 64 << 10> buffer;
  const ssize_t count = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
  return count <= 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(count));
}

std::string TestSocket::receive_to_end() {
  std::string all;
  for (std::string piece = receive(); !piece.empty(); piece = receive()) all += piece;
  return all;
}

std::string TestSocket::receive_message() {
  std::string all;
  std::size_t size = std::string::npos;
  while (size == std::string::npos || all.size() < size) {
    const std::string piece = receive();
    if (piece.empty()) return all;
    all += piece;
    const std::size_t head_end = all.find("\r\n\r\n");
    if (head_end == std::string::npos) continue;
    constexpr std::string_view kLength = "Content-Length: ";
    const std::size_t length = all.find(kLength);
    size = head_end + 4;
    if (length < head_end) size += std::strtoul(all.c_str() + length + kLength.size(), nullptr, 10);
  }
  received_ = all.substr(size);
  all.resize(size);
  return all;
}

void TestSocket::shut_down_sending() { ::shutdown(descriptor_, SHUT_WR); }

void TestSocket::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close();
}

void TestSocket::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

void TestSocket::receive_buffer_bytes(int bytes) {
  setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

TestListener::TestListener() : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  limit_waiting(descriptor_);
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof(address);
  const bool listens = ::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), length) == 0 &&
                       ::listen(descriptor_, 128) == 0 &&
                       ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &length) == 0;
  // A test that connects to port 0 fails by itself.
  port_ = listens ? ntohs(address.sin_port) : std::uint16_t{0};
}

TestListener::~TestListener() { ::close(descriptor_); }

TestSocket TestListener::accept() { return TestSocket(::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC)); }

void TestListener::shut_down() { ::shutdown(descriptor_, SHUT_RDWR); }

}  // namespace settle::http
