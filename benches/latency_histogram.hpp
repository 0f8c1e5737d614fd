// How long things took, in a fixed amount of memory.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace settle::bench {

// Counts durations in buckets that are at most 1/64 wide, from 1 ns to about an hour; longer ones count as that.
// Threads: record() may be called from any number of threads at once; the others only while nobody records.
class LatencyHistogram {
 public:
  void record(std::int64_t duration_ns);
  void clear();
  std::uint64_t count() const;
  // The duration that this fraction (0 to 1) of the recorded ones does not exceed; 0 where none was recorded.
  double percentile_ms(double fraction) const;

 private:
  static constexpr unsigned kFineBits = 6;  // 64 buckets to each doubling
  static constexpr unsigned kWidthMax = 42;
  static constexpr std::size_t kBuckets = std::size_t{kWidthMax - kFineBits + 1} << kFineBits;

  static std::size_t bucket_of(std::uint64_t duration_ns);
  static double middle_ns(std::size_t bucket);

  std::array<std::atomic<std::uint64_t>, kBuckets> counts_{};
};

}  // namespace settle::bench
