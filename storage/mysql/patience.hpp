// How long and how often something is tried again.
#pragma once

#include <chrono>
#include <cstdint>

namespace settle::mysql {

// Starts with its making. Pauses grow from a few milliseconds to half a second, and differ between threads.
class Patience {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Patience(std::int64_t patience_ms) : end_(Clock::now() + std::chrono::milliseconds(patience_ms)) {}

  // Pauses before the next attempt; false, at once, where there is no time left for it.
  bool pause();

  Clock::time_point end() const { return end_; }

 private:
  Clock::time_point end_;
  std::chrono::milliseconds next_pause_{4};
};

}  // namespace settle::mysql
