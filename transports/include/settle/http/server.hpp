// An HTTP/1.1 server for API requests: whole requests in, whole answers out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "settle/function.hpp"
#include "settle/result.hpp"

namespace boost::asio {
class io_context;
}

namespace settle::http {

struct Request {
  std::string method;  // "GET", as it came
  std::string target;  // path and query as they came: "/api/dtmsvr/query?gid=a%20b"
  std::string body;
};

struct Response {
  unsigned status = 200;
  std::string content_type = "application/json; charset=utf-8";
  std::string body;
};

using Respond = UniqueFunction<void(Response)>;

// Invoked on the loop of the connection. `respond` may be invoked from any thread, once; where it is destroyed without
// that the client gets 500. Must not block or throw.
using Handler = std::function<void(Request request, Respond respond)>;

struct ServerOptions {
  std::string address = "0.0.0.0";
  std::uint16_t port = 0;                   // 0: any free one, see Server::port
  std::size_t body_bytes_max = 8 << 20;     // beyond it: 413; the rest (up to 64 MiB) is read and dropped, then closed
  std::size_t header_bytes_max = 64 << 10;  // beyond it: 431, then closed
  std::size_t connections_max = 10'000;     // beyond it: 503 at once, then closed
  std::int64_t read_timeout_ms = 30'000;    // from the first byte of a request to its last
  std::int64_t idle_timeout_ms = 300'000;   // between requests
  std::int64_t write_timeout_ms = 30'000;   // of one answer
};

// Keep-alive and pipelining: requests of one connection are handled one after another, in order. No deadline of the
// server's cuts the handler short. A connection whose client left is noticed when its answer is written.
// Malformed requests: 400 and the connection is closed. Error bodies are {"message":"…"}.
// Threads: each loop must be run by one thread; connections are spread over them. The loops must outlive the server's
// last work: run them until they are out of work after stop().
class Server {
 public:
  // Binds and starts accepting. A clear error names address and port where they are taken.
  static Result<std::shared_ptr<Server>> listen(const std::vector<boost::asio::io_context*>& loops,
                                                ServerOptions options, Handler handler);
  virtual ~Server() = default;
  virtual std::uint16_t port() const = 0;
  // Accepts no more, closes idle connections at once and others after the answer that they wait for, and whatever is
  // left after drain_ms. `stopped` is invoked on the first loop when no connection is left.
  virtual void stop(std::int64_t drain_ms, Task stopped) = 0;
  virtual std::size_t connections() const = 0;
};

}  // namespace settle::http
