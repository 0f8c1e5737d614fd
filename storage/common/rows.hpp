// How many rows a transaction has with what was registered, and what may be registered.
#pragma once

#include <cstddef>

#include "settle/store.hpp"
#include "settle/transaction.hpp"

namespace settle {

inline std::size_t row_count(TransType type, std::size_t definition_rows, std::size_t registrations) {
  return definition_rows + registrations * rows_per_registration(type);
}

// Whether the change's registrations follow right behind the `stored` ones of a transaction of this type, and stay
// within its limit. A change without any always fits.
inline bool registrations_fit(const Change& change, TransType type, std::size_t definition_rows, std::size_t stored) {
  if (change.registrations.empty()) return true;
  return change.first_registration == stored && rows_per_registration(type) > 0 &&
         row_count(type, definition_rows, stored + change.registrations.size()) <= kBranchesMax;
}

}  // namespace settle
