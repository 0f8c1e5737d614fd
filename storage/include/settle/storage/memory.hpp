// A store that forgets everything when it is destroyed: the reference implementation, and for tests and caches.
#pragma once

#include <memory>

#include "settle/store.hpp"

namespace settle {

// Never blocks for long, never fails.
std::unique_ptr<Store> make_memory_store();

}  // namespace settle
