// Randomness, as a port: jitter of retries and new gids.
#pragma once

#include <cstdint>
#include <memory>

namespace settle {

// Threads: each shard has its own; one thread at a time.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;  // uniform over all 64 bits
};

// A generator seeded from the operating system.
std::unique_ptr<Random> make_system_random();

}  // namespace settle
