// The drivers of MicroService.Driver. Another one is another file, and a line in the table of registry.cpp.
#pragma once

#include <memory>

#include "server/registry/etcd_patience.hpp"
#include "server/registry/registry.hpp"
#include "settle/engine.hpp"
#include "settle/result.hpp"

namespace settle::server {

// `default`: registers nothing, and knows plain addresses alone.
Result<std::unique_ptr<Registry>> open_default_registry(RegistryOptions options, Log log);

// `dtm-driver-gozero`: registers in etcd, and finds services there. `patience` is for tests.
Result<std::unique_ptr<Registry>> open_gozero_registry(RegistryOptions options, Log log);
Result<std::unique_ptr<Registry>> open_gozero_registry(RegistryOptions options, Log log, EtcdPatience patience);

}  // namespace settle::server
