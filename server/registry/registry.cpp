#include "server/registry/registry.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "server/registry/drivers.hpp"

namespace settle::server {
namespace {

struct Driver {
  std::string_view name;
  Result<std::unique_ptr<Registry>> (*open)(RegistryOptions options, Log log);
};

constexpr std::array kDrivers = {
    Driver{"default", open_default_registry},
    Driver{"dtm-driver-gozero", open_gozero_registry},
};

std::string list_of_drivers() {
  std::string list;
  for (const std::string_view name : registry_drivers()) list += (list.empty() ? "" : ", ") + std::string(name);
  return list;
}

}  // namespace

std::vector<std::string_view> registry_drivers() {
  std::vector<std::string_view> names;
  names.reserve(kDrivers.size());
  for (const Driver& driver : kDrivers) names.push_back(driver.name);
  return names;
}

Result<std::unique_ptr<Registry>> Registry::open(RegistryOptions options, Log log) {
  if (options.driver.empty()) options.driver = kDrivers.front().name;
  // A log is not asked for, but taken for granted further down.
  if (!log) log = [](LogLevel, std::string_view, std::string_view) {};
  const auto driver = std::find_if(kDrivers.begin(), kDrivers.end(),
                                   [&options](const Driver& known) { return known.name == options.driver; });
  if (driver == kDrivers.end()) {
    return Error{Code::invalid, "MicroService.Driver: there is no '" + options.driver +
                                    "' in this version; there are: " + list_of_drivers()};
  }
  return driver->open(std::move(options), std::move(log));
}

}  // namespace settle::server
