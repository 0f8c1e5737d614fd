#include "tests/support/cutting_proxy.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace settle {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

void close_end(int& end) {
  if (end >= 0) close(std::exchange(end, -1));
}

bool send_all(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// What there is; empty: the end.
std::string receive(int from) {
  std::array<char, 16384> buffer{};
  const ssize_t received = recv(from, buffer.data(), buffer.size(), 0);
  return received <= 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(received));
}

}  // namespace

CuttingProxy::CuttingProxy(std::uint16_t server_port)
    : server_port_(server_port), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(bind(listener_, generic, size) == 0);
  REQUIRE(getsockname(listener_, generic, &size) == 0);
  REQUIRE(listen(listener_, 16) == 0);
  REQUIRE(pipe(wake_) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

CuttingProxy::~CuttingProxy() {
  close_end(wake_[1]);
  thread_.join();
  for (Pair& pair : pairs_) {
    close_end(pair.client);
    close_end(pair.server);
  }
  close_end(wake_[0]);
  close_end(listener_);
}

void CuttingProxy::arm(const std::string& text, Cut cut) {
  const std::lock_guard lock(mutex_);
  text_ = text;
  cut_ = cut;
  has_cut_ = false;
}

bool CuttingProxy::has_cut() const {
  const std::lock_guard lock(mutex_);
  return has_cut_;
}

void CuttingProxy::run() {
  while (true) {
    std::vector<pollfd> watched{{wake_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const Pair& pair : pairs_) {
      watched.push_back({pair.client, POLLIN, 0});
      watched.push_back({pair.server, POLLIN, 0});
    }
    poll(watched.data(), watched.size(), -1);
    if (watched[0].revents != 0) return;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      Pair& pair = pairs_[i];
      const bool goes_on = (watched[2 + 2 * i].revents == 0 || from_client(pair)) &&
                           (watched[3 + 2 * i].revents == 0 || from_server(pair));
      if (goes_on) continue;
      close_end(pair.client);
      close_end(pair.server);
    }
    std::erase_if(pairs_, [](const Pair& pair) { return pair.client < 0 && pair.server < 0; });
    if (watched[1].revents != 0) accept_one();
  }
}

void CuttingProxy::accept_one() {
  Pair pair;
  pair.client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  pair.server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(server_port_);
  if (connect(pair.server, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    close_end(pair.client);
    close_end(pair.server);
    return;
  }
  pairs_.push_back(pair);
}

bool CuttingProxy::from_client(Pair& pair) {
  const std::string bytes = receive(pair.client);
  if (bytes.empty()) return false;
  {
    const std::lock_guard lock(mutex_);
    if (!text_.empty() && bytes.find(text_) != std::string::npos) {
      text_.clear();
      has_cut_ = true;
      if (cut_ == Cut::before_it) return false;
      if (cut_ == Cut::clients_end) {
        close_end(pair.client);
        return true;
      }
      pair.drops_answer = true;
    }
  }
  return send_all(pair.server, bytes);
}

bool CuttingProxy::from_server(Pair& pair) {
  const std::string bytes = receive(pair.server);
  return !bytes.empty() && !pair.drops_answer && send_all(pair.client, bytes);
}

}  // namespace settle
