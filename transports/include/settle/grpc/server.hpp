// Serves DTM's API over gRPC (protocol.md §4), on top of an Engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "settle/engine.hpp"
#include "settle/function.hpp"
#include "settle/result.hpp"

namespace settle::rpc {

struct ServerOptions {
  std::string address = "0.0.0.0";
  std::uint16_t port = 0;                   // 0: any free one, see Server::port
  std::size_t message_bytes_max = 8 << 20;  // a larger request is RESOURCE_EXHAUSTED
  std::size_t memory_bytes_max = 1 << 30;   // of messages and connections; beyond it clients are made to wait
  std::size_t requests_max = 10'000;        // at once; beyond it RESOURCE_EXHAUSTED, nothing is done
  std::int64_t keepalive_ms = 60'000;  // a silent connection is probed after this, and closed without an answer in 20 s
  // Told of every request when it was answered: what was asked ("submit", "newgid"; "other" where there is no such
  // method), whether it went well. From any thread; must not block.
  std::function<void(std::string_view api, bool ok, std::int64_t duration_us)> request_ended;
};

// dtmgimp.Dtm with every method, grpc.health.v1.Health, and server reflection, v1 and v1alpha (the library switches
// health and v1alpha on for every gRPC server of the process). FAILURE is ABORTED,
// ONGOING FAILED_PRECONDITION; a malformed request INVALID_ARGUMENT; refused for too much work RESOURCE_EXHAUSTED;
// an unknown outcome, or a server that is stopping, UNAVAILABLE; an unknown method UNIMPLEMENTED; anything else
// INTERNAL. Every one has a message. A deadline of the client's, or a client that leaves, changes nothing of what it
// asked for. Threads: gRPC's own; the members may be called from any. Lifetime: the engine must outlive the server, and
// must answer everything: stop the engine, then destroy this.
class Server {
 public:
  // Binds and serves. A clear error names address and port where they are taken.
  static Result<std::unique_ptr<Server>> listen(Engine& engine, ServerOptions options);
  // Blocks until no request is left.
  virtual ~Server() = default;
  virtual std::uint16_t port() const = 0;
  // Health is told as NOT_SERVING and new requests are UNAVAILABLE; what is not answered within drain_ms is cancelled.
  // `stopped` is invoked once, from a thread of the server's, when no request is left. To be called once.
  virtual void stop(std::int64_t drain_ms, Task stopped) = 0;
  virtual std::size_t requests() const = 0;  // being answered now
};

}  // namespace settle::rpc
