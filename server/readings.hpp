// What is read when Prometheus asks, as against what is counted when it happens (server/metrics.hpp).
#pragma once

#include <cstddef>
#include <vector>

#include "server/alerts.hpp"
#include "server/registry/registry.hpp"
#include "settle/engine.hpp"

namespace prometheus {
struct MetricFamily;
}

namespace settle::server {

struct Readings {
  EngineStatistics engine;
  AlertStatistics alerts;
  std::size_t http_connections = 0;
  std::size_t grpc_requests = 0;
  RegistryStatistics registry;
};

// As metrics, together with what the system knows of this process.
std::vector<prometheus::MetricFamily> families_of(const Readings& readings);

}  // namespace settle::server
