#include "benches/socket.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <system_error>

#include "benches/http_message.hpp"

namespace settle::bench {
namespace {

Error socket_error(const std::string& what) {
  return Error{Code::internal, what + ": " + std::generic_category().message(errno)};
}

void set_up(int descriptor, std::int64_t timeout_ms) {
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const timeval timeout{.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
  ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
}

}  // namespace

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    if (open()) ::close(descriptor_);
    descriptor_ = std::exchange(other.descriptor_, -1);
  }
  return *this;
}

Socket::~Socket() {
  if (open()) ::close(descriptor_);
}

Result<Address> parse_address(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  const Error wrong{Code::invalid, "not of the form http://host:port: " + std::string(url)};
  if (!url.starts_with(kScheme)) return wrong;
  std::string_view rest = url.substr(kScheme.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return wrong;
  Address address{.host = std::string(rest.substr(0, colon))};
  const char* end = rest.data() + rest.size();
  const auto [parsed_end, failure] = std::from_chars(rest.data() + colon + 1, end, address.port);
  if (failure != std::errc() || parsed_end != end || address.port == 0) return wrong;
  return address;
}

Result<Socket> connect_to(const Address& address, std::int64_t timeout_ms) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string place = address.host + ":" + std::to_string(address.port);
  const int failure = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (failure != 0) return Error{Code::internal, "cannot resolve " + place + ": " + ::gai_strerror(failure)};
  Socket socket;
  bool connected = false;
  for (const addrinfo* entry = found; entry != nullptr && !connected; entry = entry->ai_next) {
    socket = Socket(::socket(entry->ai_family, entry->ai_socktype | SOCK_CLOEXEC, entry->ai_protocol));
    if (!socket.open()) continue;
    set_up(socket.descriptor(), timeout_ms);
    connected = ::connect(socket.descriptor(), entry->ai_addr, entry->ai_addrlen) == 0;
  }
  ::freeaddrinfo(found);
  if (!connected) return socket_error("cannot connect to " + place);
  return socket;
}

Result<Listener> listen_on_loopback() {
  Listener listener{.socket = Socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0))};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (!listener.socket.open() || ::bind(listener.socket.descriptor(), generic, size) != 0 ||
      ::listen(listener.socket.descriptor(), SOMAXCONN) != 0 ||
      ::getsockname(listener.socket.descriptor(), generic, &size) != 0) {
    return socket_error("cannot listen on 127.0.0.1");
  }
  listener.port = ntohs(address.sin_port);
  return listener;
}

Socket accept_from(const Socket& listener, std::int64_t timeout_ms) {
  Socket socket(::accept4(listener.descriptor(), nullptr, nullptr, SOCK_CLOEXEC));
  if (socket.open()) set_up(socket.descriptor(), timeout_ms);
  return socket;
}

bool send_all(const Socket& socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket.descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

Result<Answer> get(const Address& address, std::string_view target, std::int64_t timeout_ms) {
  Result<Socket> socket = connect_to(address, timeout_ms);
  if (!socket) return socket.error();
  const std::string request =
      "GET " + std::string(target) + " HTTP/1.1\r\nHost: " + address.host + "\r\nConnection: close\r\n\r\n";
  if (!send_all(socket.value(), request)) return socket_error("cannot send GET " + std::string(target));
  std::string received;
  char bytes[4096];
  for (;;) {
    const ssize_t count = ::recv(socket.value().descriptor(), bytes, sizeof bytes, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return socket_error("no answer to GET " + std::string(target));
    received.append(bytes, static_cast<std::size_t>(count));
    HttpMessage message;
    const HttpFound found = find_http_message(received, message);
    if (found == HttpFound::whole) return Answer{http_status(message.first_line), std::string(message.body)};
    if (found == HttpFound::malformed || count == 0) {
      return Error{Code::internal, "unreadable answer to GET " + std::string(target) + ": " + received};
    }
  }
}

}  // namespace settle::bench
