#include "settle/clock.hpp"

#include <chrono>

namespace settle {

Moment SystemClock::now() const {
  const auto in_ms = [](auto since) { return std::chrono::duration_cast<std::chrono::milliseconds>(since).count(); };
  return {in_ms(std::chrono::system_clock::now().time_since_epoch()),
          in_ms(std::chrono::steady_clock::now().time_since_epoch())};
}

Moment TestClock::now() const {
  const std::int64_t offset_ms = offset_ms_.load();
  const Moment now = system_.now();
  return {now.wall_ms + offset_ms, now.steady_ms + offset_ms};
}

}  // namespace settle
