#include "transports/grpc/cutting_proxy.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace settle::rpc {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

const sockaddr* generic(const sockaddr_in& address) { return reinterpret_cast<const sockaddr*>(&address); }

// Whether bytes came and went on.
bool pass_on(int from, int to) {
  std::array<char, 65'536> bytes;
  const ssize_t count = ::recv(from, bytes.data(), bytes.size(), 0);
  return count > 0 && ::send(to, bytes.data(), static_cast<std::size_t>(count), MSG_NOSIGNAL) == count;
}

}  // namespace

CuttingProxy::CuttingProxy(int participant_port) : participant_port_(participant_port) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  REQUIRE(::bind(listener_, generic(address), sizeof address) == 0);
  REQUIRE(::listen(listener_, 16) == 0);
  socklen_t size = sizeof address;
  REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

CuttingProxy::~CuttingProxy() {
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
}

void CuttingProxy::serve() {
  for (int client = ::accept(listener_, nullptr, nullptr); client >= 0;
       client = ::accept(listener_, nullptr, nullptr)) {
    ++connections_;
    relay(client);
    ::close(client);
  }
}

void CuttingProxy::relay(int client) {
  const int participant = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(participant_port_);
  bool goes_on = ::connect(participant, generic(address), sizeof address) == 0;
  std::array<pollfd, 3> sockets{{{client, POLLIN, 0}, {participant, POLLIN, 0}, {listener_, POLLHUP, 0}}};
  while (goes_on && ::poll(sockets.data(), sockets.size(), -1) > 0 && sockets[2].revents == 0) {
    if (sockets[0].revents != 0) {
      if (cuts_ > 0) {
        --cuts_;
        break;
      }
      goes_on = pass_on(client, participant);
    }
    if (goes_on && sockets[1].revents != 0) goes_on = pass_on(participant, client);
  }
  ::close(participant);
}

}  // namespace settle::rpc
