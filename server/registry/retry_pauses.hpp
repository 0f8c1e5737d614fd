// How long somebody waits who tries one host after another until one works. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace settle::server {

struct RetryPauseLimits {
  std::int64_t least_ms = 200;
  std::int64_t most_ms = 2'000;
};

// The hosts are tried one after another without a pause; a pause comes after each round, and they double up to the
// most. Half of a pause is jitter, so that those who lost the same host do not come back together.
class RetryPauses {
 public:
  RetryPauses(std::size_t hosts, RetryPauseLimits limits)
      : hosts_(hosts), limits_(limits), pause_ms_(limits.least_ms) {}

  // After a try that failed because of its host: how long to wait before the next host is tried.
  std::int64_t after_host_failed(std::uint64_t random) {
    ++failed_hosts_;
    return failed_hosts_ % hosts_ == 0 ? after_refusal(random) : 0;
  }
  // After a try that failed although the host answers: another host would say the same.
  std::int64_t after_refusal(std::uint64_t random) {
    ++rounds_;
    const std::int64_t half_ms = pause_ms_ / 2;
    pause_ms_ = std::min(pause_ms_ * 2, limits_.most_ms);
    return half_ms + static_cast<std::int64_t>(random % static_cast<std::uint64_t>(half_ms + 1));
  }
  // It works again.
  void reset() {
    failed_hosts_ = rounds_ = 0;
    pause_ms_ = limits_.least_ms;
  }
  // How many times every host was tried in vain, since the last reset().
  std::size_t rounds() const { return rounds_; }

 private:
  const std::size_t hosts_;
  const RetryPauseLimits limits_;
  std::int64_t pause_ms_;
  std::size_t failed_hosts_ = 0;
  std::size_t rounds_ = 0;
};

}  // namespace settle::server
