// A store that forgets everything when it is destroyed: the reference implementation, and for tests and caches.
#pragma once

#include <memory>

#include "settle/store.hpp"

namespace settle {

// Never blocks for long, never fails.
std::unique_ptr<Store> make_memory_store();

// The reference of a shared store: any number of engines of one process may work on it. Every transaction is looked at
// for each claim.
std::unique_ptr<Store> make_shared_memory_store();

}  // namespace settle
