#include "benches/redis_process.hpp"

#include <sys/socket.h>

#include <string_view>

#include "benches/program_path.hpp"
#include "benches/socket.hpp"

namespace settle::bench {
namespace {

constexpr std::int64_t kReadyTimeoutMs = 10'000;

}  // namespace

Result<std::filesystem::path> RedisProcess::find() {
  return program_path("redis-server", "Debian: redis-server", "the store redis");
}

Result<std::unique_ptr<RedisProcess>> RedisProcess::start(const std::filesystem::path& folder) {
  const Result<std::filesystem::path> program = find();
  if (!program) return program.error();
  std::uint16_t port = 0;
  {
    const Result<Listener> free = listen_on_loopback();
    if (!free) return free.error();
    port = free.value().port;
  }
  Result<std::unique_ptr<ChildProcess>> process = ChildProcess::start(
      {.program = program.value(),
       .arguments = {"--bind", "127.0.0.1", "--port", std::to_string(port), "--save", "", "--appendonly", "no"},
       .folder = folder,
       .name = "redis-server"});
  if (!process) return process.error();
  std::unique_ptr<RedisProcess> redis(new RedisProcess(std::move(process).value(), port));
  const Result<Done> ready = redis->process_->wait_until_ready(kReadyTimeoutMs, [&redis] { return redis->ping(); });
  if (!ready) return ready.error();
  return redis;
}

std::vector<std::string> RedisProcess::environment() const {
  return {"STORE_HOST=127.0.0.1", "STORE_PORT=" + std::to_string(port_)};
}

Result<Done> RedisProcess::ping() const {
  constexpr std::string_view kExpected = "+PONG\r\n";
  const Result<Socket> socket = connect_to({"127.0.0.1", port_}, kReadyTimeoutMs);
  if (!socket) return socket.error();
  if (!send_all(socket.value(), "PING\r\n")) return Error{Code::unavailable, "no PING can be sent"};
  char answer[kExpected.size()];
  const ssize_t count = ::recv(socket.value().descriptor(), answer, sizeof answer, MSG_WAITALL);
  if (count == static_cast<ssize_t>(sizeof answer) && std::string_view(answer, sizeof answer) == kExpected) {
    return Done{};
  }
  return Error{Code::unavailable, "PING is not answered"};
}

}  // namespace settle::bench
