// The DTM API over HTTP and JSON-RPC: turns requests into calls of an Engine, and what comes of them into answers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "settle/clock.hpp"
#include "settle/engine.hpp"
#include "settle/http/server.hpp"

namespace settle::dtm {

struct ApiOptions {
  std::string version;                   // as `version` tells it
  std::int64_t timeout_to_fail_s = 35;   // resetCronTime looks three times as far ahead unless it is told how far
  TestClock* test_clock = nullptr;       // the engine's; without one there is no POST /api/test/clock
  std::function<std::string()> metrics;  // the text of GET /api/metrics; without it there is none
  // Told of every request when it was answered: "http" or "json-rpc", what was asked ("submit", "newgid"; "other" where
  // there is no such thing), whether it went well. Those that come over JSON-RPC in one array are told one by one, a
  // text that is no request as one. From any thread; must not block.
  std::function<void(std::string_view transport, std::string_view api, bool ok, std::int64_t duration_us)>
      request_ended;
};

// Every endpoint, below /api/: see the table in api.cpp. Malformed requests get 400 with a message that names the
// field, unknown paths and wrong methods 404.
// Threads: the members may be called from any thread, at the same time as themselves. They do not block.
// Lifetime: the engine must outlive the last call; answers may come after this object is gone.
class Api {
 public:
  Api(Engine& engine, ApiOptions options);

  // Answers through `respond` exactly once: at once, or from the engine's executors.
  void handle(http::Request request, http::Respond respond) const;

  // The same, but that only POST /api/json-rpc is there: for a port of its own.
  void handle_json_rpc_alone(http::Request request, http::Respond respond) const;

  // "POST /api/dtmsvr/submit", … : all there is, a path's parameter in braces. What takes any method is told as GET.
  static std::vector<std::string> endpoints();

 private:
  Engine& engine_;
  std::shared_ptr<const ApiOptions> options_;
};

}  // namespace settle::dtm
