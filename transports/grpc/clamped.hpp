// Options of ours as gRPC takes them.
#pragma once

#include <algorithm>
#include <climits>
#include <cstdint>

namespace settle::rpc {

// gRPC's numbers are ints, of which a negative one often means "without a limit".
template <class Number>
int clamped(Number number) {
  return static_cast<int>(std::min<std::int64_t>(static_cast<std::int64_t>(number), INT_MAX));
}

}  // namespace settle::rpc
