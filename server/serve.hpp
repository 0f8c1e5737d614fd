// The server from its start to its end.
#pragma once

#include "server/config.hpp"
#include "server/logger.hpp"
#include "settle/result.hpp"

namespace settle::server {

struct ServeOptions {
  bool reset = false;       // remove every transaction first
  bool test_clock = false;  // POST /api/test/clock moves the clock
};

// Opens the store, takes up what is unfinished, listens, prints one line on stdout when it is ready, and returns after
// SIGTERM or SIGINT, when everything is written and closed: no more connections are accepted, calls in flight may end,
// the rest is parked. A second signal ends the process at once, with 128 + its number. An error says why it could not
// start. Threads: to be called once, from the main thread, before there are others that wait for these signals.
Result<Done> serve(const Config& config, const ServeOptions& options, Logger& logger);

}  // namespace settle::server
