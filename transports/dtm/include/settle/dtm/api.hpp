// The DTM HTTP API: turns requests into calls of an Engine, and what comes of them into answers.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "settle/clock.hpp"
#include "settle/engine.hpp"
#include "settle/http/server.hpp"

namespace settle::dtm {

struct ApiOptions {
  std::string version;                  // as `version` tells it
  std::int64_t timeout_to_fail_s = 35;  // resetCronTime looks three times as far ahead unless it is told how far
  TestClock* test_clock = nullptr;      // the engine's; without one there is no POST /api/test/clock
};

// Every endpoint, below /api/: see the table in api.cpp. Malformed requests get 400 with a message that names the
// field, unknown paths and wrong methods 404.
// Threads: handle() may be called from any thread, at the same time as itself. It does not block.
// Lifetime: the engine must outlive the last call of handle(); answers may come after this object is gone.
class Api {
 public:
  Api(Engine& engine, ApiOptions options) : engine_(engine), options_(std::move(options)) {}

  // Answers through `respond` exactly once: at once, or from the engine's executors.
  void handle(http::Request request, http::Respond respond) const;

 private:
  Engine& engine_;
  ApiOptions options_;
};

}  // namespace settle::dtm
