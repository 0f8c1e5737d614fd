#include "benches/latency_histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace settle::bench {

std::size_t LatencyHistogram::bucket_of(std::uint64_t duration_ns) {
  const auto width = static_cast<unsigned>(std::bit_width(duration_ns));
  if (width <= kFineBits) return duration_ns;
  if (width > kWidthMax) return kBuckets - 1;
  const unsigned shift = width - kFineBits - 1;
  // The leading bit is the shift's own, so that the fine bits of the next doubling follow on without a gap.
  return (std::size_t{shift} << kFineBits) + (duration_ns >> shift);
}

double LatencyHistogram::middle_ns(std::size_t bucket) {
  constexpr std::size_t kFine = std::size_t{1} << kFineBits;
  if (bucket < 2 * kFine) return static_cast<double>(bucket);
  const std::size_t shift = (bucket >> kFineBits) - 1;
  const std::size_t lowest = (kFine + (bucket & (kFine - 1))) << shift;
  return static_cast<double>(lowest) + static_cast<double>(std::size_t{1} << shift) / 2;
}

void LatencyHistogram::record(std::int64_t duration_ns) {
  const auto duration = static_cast<std::uint64_t>(std::max<std::int64_t>(duration_ns, 0));
  counts_[bucket_of(duration)].fetch_add(1, std::memory_order_relaxed);
}

void LatencyHistogram::clear() {
  for (auto& count : counts_) count.store(0, std::memory_order_relaxed);
}

std::uint64_t LatencyHistogram::count() const {
  std::uint64_t sum = 0;
  for (const auto& count : counts_) sum += count.load(std::memory_order_relaxed);
  return sum;
}

double LatencyHistogram::percentile_ms(double fraction) const {
  const std::uint64_t all = count();
  if (all == 0) return 0;
  const auto rank =
      std::clamp<std::uint64_t>(static_cast<std::uint64_t>(std::ceil(fraction * static_cast<double>(all))), 1, all);
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
    seen += counts_[bucket].load(std::memory_order_relaxed);
    if (seen >= rank) return middle_ns(bucket) / 1e6;
  }
  return 0;
}

}  // namespace settle::bench
