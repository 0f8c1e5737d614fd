#include "server/registry/retry_pauses.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>

namespace settle::server {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

TEST_CASE("registry/retry_pauses: three hosts -> all are tried at once, then a pause, which grows up to its limit") {
  RetryPauses pauses(3, {200, 2'000});
  for (const std::int64_t least_ms : {100, 200, 400, 800, 1'000, 1'000}) {
    CHECK(pauses.after_host_failed(0) == 0);
    CHECK(pauses.after_host_failed(0) == 0);
    CHECK(pauses.after_host_failed(0) == least_ms);
  }
  CHECK(pauses.rounds() == 6);
  pauses.reset();
  CHECK(pauses.rounds() == 0);
  CHECK(pauses.after_host_failed(0) == 0);
  CHECK(pauses.rounds() == 0);
}

TEST_CASE("registry/retry_pauses: jitter -> between half of the pause and all of it") {
  for (const std::uint64_t random : {std::uint64_t{0}, std::uint64_t{12'345}, kMost}) {
    RetryPauses pauses(1, {200, 2'000});
    const std::int64_t pause_ms = pauses.after_host_failed(random);
    CHECK(pause_ms >= 100);
    CHECK(pause_ms <= 200);
  }
  RetryPauses pauses(1, {200, 2'000});
  CHECK(pauses.after_host_failed(100) == 200);
}

TEST_CASE("registry/retry_pauses: a refusal -> a pause each time, whatever the number of hosts") {
  RetryPauses pauses(3, {200, 2'000});
  CHECK(pauses.after_refusal(0) == 100);
  CHECK(pauses.after_refusal(0) == 200);
  CHECK(pauses.rounds() == 2);
}

}  // namespace
}  // namespace settle::server
