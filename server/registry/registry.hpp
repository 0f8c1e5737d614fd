// How settled is found by services, and finds them: one plugin for each driver of MicroService (protocol.md §9).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "settle/engine.hpp"
#include "settle/function.hpp"
#include "settle/resolver.hpp"
#include "settle/result.hpp"

namespace settle::server {

// What conf.yml says under MicroService.
struct RegistryOptions {
  std::string driver = "default";  // or "dtm-driver-gozero"; see registry_drivers()
  std::string target;              // where to register; empty: nowhere
  std::string endpoint;            // what to register: "host:port", as services can reach it
};

// For metrics.
struct RegistryStatistics {
  bool registers = false;     // there is something to register
  bool registered = false;    // and it is registered now, as far as is known
  std::size_t watches = 0;    // targets that are followed
  std::size_t addresses = 0;  // known under them
};

// Threads: any thread may call; nothing blocks but the destructor, which waits for its own threads. So it must not be
// destroyed inside `done`, in a listener, or in `log`.
class Registry {
 public:
  // Makes the plugin of that driver; connects to nothing yet. Code::invalid where driver, target or endpoint are wrong:
  // one line that names the key and says what it should look like. `log` must outlive it.
  static Result<std::unique_ptr<Registry>> open(RegistryOptions options, Log log);
  virtual ~Registry() = default;

  // Registers the endpoint, now and again whenever it is lost, until deregister(). A registry that cannot be reached is
  // logged once, tried again with growing pauses, and logged when it is back.
  virtual void start() = 0;
  // Takes the registration back and registers no more. `done` is invoked once, from a thread of its own or inside the
  // call, at the latest after timeout_ms (the registration then ends by itself with its lease).
  virtual void deregister(std::int64_t timeout_ms, Task done) = 0;
  // Follows branch targets. It may outlive the registry: what is followed then is not told of changes any more.
  virtual std::shared_ptr<Resolver> resolver() = 0;
  virtual RegistryStatistics statistics() const = 0;
};

// The names that MicroService.Driver may have.
std::vector<std::string_view> registry_drivers();

}  // namespace settle::server
