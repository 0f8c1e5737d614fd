#include "storage/mysql/patience.hpp"

#include <algorithm>
#include <functional>
#include <random>
#include <thread>

namespace settle::mysql {
namespace {

constexpr std::chrono::milliseconds kPauseMax{500};

}  // namespace

bool Patience::pause() {
  thread_local std::minstd_rand random(
      static_cast<std::uint32_t>(std::hash<std::thread::id>()(std::this_thread::get_id())));
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end_ - Clock::now());
  if (left.count() <= 0) return false;
  const std::int64_t pause_ms = next_pause_.count();
  std::uniform_int_distribution<std::int64_t> spread(pause_ms / 2, pause_ms);
  std::this_thread::sleep_for(std::min(left, std::chrono::milliseconds(spread(random))));
  next_pause_ = std::min(next_pause_ * 2, kPauseMax);
  return true;
}

}  // namespace settle::mysql
