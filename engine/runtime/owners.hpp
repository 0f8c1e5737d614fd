// What an engine is called in a shared store, and how long it holds a transaction.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>

#include "settle/clock.hpp"
#include "settle/engine.hpp"
#include "settle/store.hpp"

namespace settle::runtime {

// Threads: any.
class Owners {
 public:
  // `token` is that of this engine and of no other, whenever it ran. `process`: ProcessPort::name.
  Owners(const std::string& process, const std::string& token)
      : prefix_(std::string(kOwnerPrefix) + process + "/" + token + ":"), direct_(prefix_ + "0") {}

  // Of what is created here, or leaves `prepared` here. Neither happens twice to one gid, so no two holds share it.
  const std::string& direct() const { return direct_; }
  // Of one claim.
  std::string next_claim() { return prefix_ + std::to_string(++claims_); }

 private:
  const std::string prefix_;
  const std::string direct_;
  std::atomic<std::uint64_t> claims_ = 0;
};

// Of which process an owner is; empty: it is not known.
inline std::string process_of(const std::string& owner) {
  const std::size_t end = owner.find('/');
  if (!owner.starts_with(kOwnerPrefix) || end == std::string::npos) return {};
  return owner.substr(kOwnerPrefix.size(), end - kOwnerPrefix.size());
}

// Long enough for two calls, so that one which is renewed when a call does not fit in always fits.
inline std::int64_t lease_length_ms(const EngineOptions& options, std::int64_t call_timeout_ms) {
  constexpr std::int64_t kSpareMs = 5'000;
  return std::max(options.lease_ms, 2 * call_timeout_ms + kSpareMs);
}

// So much earlier a lease ends for who holds it than for everybody else: clocks of servers are never quite the same.
inline constexpr std::int64_t kLeaseMarginMs = 1'000;

// A lease that is asked for now.
struct AskedLease {
  std::int64_t until_wall_ms = 0;    // as it is stored: in whole seconds
  std::int64_t until_steady_ms = 0;  // as its holder counts it, from before it was sent
};

// Never shorter than one that the same hold has already, `before_wall_ms`, even if the clock was set back since.
inline AskedLease ask_lease(Moment now, std::int64_t length_ms, std::int64_t before_wall_ms = 0) {
  const std::int64_t until_wall_ms = std::max((now.wall_ms + length_ms) / 1000 * 1000, before_wall_ms);
  return {until_wall_ms, now.steady_ms + std::min(length_ms, until_wall_ms - now.wall_ms) - kLeaseMarginMs};
}

}  // namespace settle::runtime
