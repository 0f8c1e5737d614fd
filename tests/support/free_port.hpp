// A port for a server that a test starts.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <random>

namespace settle {

// Nobody listens at it now. It is none of those that the system gives to connections on their way out (Linux: from
// 32768 on), so no other test's client can take it before the server does. 0 where there is none.
inline std::uint16_t free_port() {
  constexpr int kTries = 1'000;
  std::random_device random;
  std::uniform_int_distribution<int> ports(10'000, 32'000);
  for (int i = 0; i < kTries; ++i) {
    const auto port = static_cast<std::uint16_t>(ports(random));
    const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    const bool is_free = bind(probe, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    close(probe);
    if (is_free) return port;
  }
  return 0;
}

}  // namespace settle
