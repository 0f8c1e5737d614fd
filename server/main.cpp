#include <absl/synchronization/mutex.h>
#include <malloc.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "server/config.hpp"
#include "server/flags.hpp"
#include "server/logger.hpp"
#include "server/serve.hpp"

namespace {

using namespace settle;
using namespace settle::server;

enum ExitStatus { kFine = 0, kCannotStart = 1, kBadUsage = 2 };

int fail(ExitStatus status, const std::string& message) {
  std::fprintf(stderr, "settled: %s\n", message.c_str());
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  // Each arena keeps memory of its own; the few threads here do not need more than two.
  mallopt(M_ARENA_MAX, 2);  // NOLINT(concurrency-mt-unsafe): there are no other threads yet
  // gRPC's locks look for cycles among themselves, in a release build too, for a twentieth of all processor time.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  // A reader of our output that goes away must not end the server.
  std::signal(SIGPIPE, SIG_IGN);

  const Result<Flags> flags = parse_flags({argv + 1, argv + argc});
  if (!flags) return fail(kBadUsage, flags.error().message);
  if (flags.value().help || flags.value().version) {
    std::fputs((flags.value().help ? help_text() : version_text()).c_str(), stdout);
    return kFine;
  }
  // NOLINTNEXTLINE(concurrency-mt-unsafe)
  Result<LoadedConfig> loaded = load_config(flags.value().config_path, [](const char* name) { return getenv(name); });
  if (!loaded) return fail(kBadUsage, loaded.error().message);
  Config& config = loaded.value().config;
  if (flags.value().debug) config.log_level = LogLevel::debug;

  const Result<std::unique_ptr<Logger>> logger = Logger::open(config.log_level, config.log_outputs);
  if (!logger) return fail(kCannotStart, logger.error().message);
  for (const std::string& warning : loaded.value().warnings) logger.value()->write(LogLevel::warn, "", warning);

  const Result<Done> served = serve(config, {flags.value().reset, flags.value().test_clock}, *logger.value());
  return served ? kFine : fail(kCannotStart, served.error().message);
}
