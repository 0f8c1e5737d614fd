// Random numbers that are the same for the same seed, on every machine.
#pragma once

#include <cstdint>

#include "settle/random.hpp"

namespace settle::testing {

// SplitMix64. Not for secrets.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() override {
    std::uint64_t mixed = state_ += 0x9E3779B97F4A7C15ull;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ull;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBull;
    return mixed ^ (mixed >> 31);
  }
  // Uniform over 0 … count - 1; count must not be 0. Biased by less than count / 2^64.
  std::uint64_t below(std::uint64_t count) { return next() % count; }
  // Uniform over first … last, both included.
  std::int64_t between(std::int64_t first, std::int64_t last) {
    return first + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(last - first) + 1));
  }
  // True so many times in a thousand.
  bool per_mille(std::uint64_t chance) { return below(1000) < chance; }
  // A generator of its own: what is drawn from it changes nothing here.
  SeededRandom fork() { return SeededRandom(next()); }

 private:
  std::uint64_t state_;
};

}  // namespace settle::testing
