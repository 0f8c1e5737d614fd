// The store that the configuration asks for.
#pragma once

#include <memory>

#include "server/config.hpp"
#include "settle/engine.hpp"
#include "settle/result.hpp"
#include "settle/store.hpp"

namespace settle::server {

// `reset`: empty, whatever it held.
Result<std::unique_ptr<Store>> open_store(const Config& config, bool reset, const Log& log);

}  // namespace settle::server
