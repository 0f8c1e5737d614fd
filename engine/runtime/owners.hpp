// What an engine is called in a shared store, and how long it holds a transaction.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>

#include "settle/engine.hpp"
#include "settle/store.hpp"

namespace settle::runtime {

// Threads: any.
class Owners {
 public:
  // `token` is that of this engine and of no other, whenever it ran.
  explicit Owners(const std::string& token)
      : prefix_(std::string(kOwnerPrefix) + token + ":"), direct_(prefix_ + "0") {}

  // Of what is created here, or leaves `prepared` here. Neither happens twice to one gid, so no two holds share it.
  const std::string& direct() const { return direct_; }
  // Of one claim.
  std::string next_claim() { return prefix_ + std::to_string(++claims_); }

 private:
  const std::string prefix_;
  const std::string direct_;
  std::atomic<std::uint64_t> claims_ = 0;
};

// Long enough for two calls, so that one which is renewed when a call does not fit in always fits.
inline std::int64_t lease_length_ms(const EngineOptions& options, std::int64_t call_timeout_ms) {
  constexpr std::int64_t kSpareMs = 5'000;
  return std::max(options.lease_ms, 2 * call_timeout_ms + kSpareMs);
}

}  // namespace settle::runtime
