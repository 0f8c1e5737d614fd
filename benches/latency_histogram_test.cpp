#include "benches/latency_histogram.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>

using settle::bench::LatencyHistogram;

TEST_CASE("bench/latency: nothing recorded -> zero") {
  const auto histogram = std::make_unique<LatencyHistogram>();
  CHECK(histogram->count() == 0);
  CHECK(histogram->percentile_ms(0.5) == 0);
}

TEST_CASE("bench/latency: one duration -> every percentile is it, to a 64th") {
  for (int bits = 0; bits < 42; ++bits) {
    for (const std::int64_t offset : {-1, 0, 1}) {
      const std::int64_t duration_ns = (std::int64_t{1} << bits) + offset;
      CAPTURE(duration_ns);
      if (duration_ns < 1 || duration_ns >= (std::int64_t{1} << 42)) continue;
      const auto histogram = std::make_unique<LatencyHistogram>();
      histogram->record(duration_ns);
      for (const double fraction : {0.0, 0.5, 1.0}) {
        CHECK(histogram->percentile_ms(fraction) * 1e6 ==
              doctest::Approx(static_cast<double>(duration_ns)).epsilon(1.0 / 64));
      }
    }
  }
}

TEST_CASE("bench/latency: a ramp -> percentiles are where they belong") {
  const auto histogram = std::make_unique<LatencyHistogram>();
  for (std::int64_t step = 1; step <= 1000; ++step) histogram->record(step * 1'000'000);
  CHECK(histogram->count() == 1000);
  CHECK(histogram->percentile_ms(0.5) == doctest::Approx(500).epsilon(1.0 / 64));
  CHECK(histogram->percentile_ms(0.99) == doctest::Approx(990).epsilon(1.0 / 64));
  CHECK(histogram->percentile_ms(0.999) == doctest::Approx(999).epsilon(1.0 / 64));
}

TEST_CASE("bench/latency: negative and endless durations -> kept at the ends") {
  const auto histogram = std::make_unique<LatencyHistogram>();
  histogram->record(-5);
  CHECK(histogram->percentile_ms(1) == 0);
  histogram->record(INT64_MAX);
  CHECK(histogram->count() == 2);
  CHECK(histogram->percentile_ms(1) > 4e6);
  histogram->clear();
  CHECK(histogram->count() == 0);
}
