// Unfinished transactions that a server finds when it starts, and has nothing to do about for an hour.
#pragma once

#include <cstddef>

#include "settle/result.hpp"
#include "settle/store.hpp"

namespace settle::bench {

// Of two steps over HTTP, without a gid.
Definition two_steps(std::size_t payload_bytes);

// Sagas of two steps whose first action came to an error, as an engine has stored them.
Result<Done> store_parked_sagas(Store& store, std::size_t count);

}  // namespace settle::bench
