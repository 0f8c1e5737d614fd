// Time, as a port: everything in the engine that needs a time asks this.
#pragma once

#include <atomic>
#include <cstdint>

namespace settle {

// One reading of both clocks.
struct Moment {
  std::int64_t wall_ms = 0;    // since 1970-01-01 UTC; may step. Only stored, shown, and compared with stored times.
  std::int64_t steady_ms = 0;  // from an arbitrary start; never goes back. What timers run on.
};

// Threads: any thread may call.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Moment now() const = 0;
};

// The machine's clocks.
class SystemClock final : public Clock {
 public:
  Moment now() const override;
};

// The machine's clocks, moved forward by what a test asks for. Both move: a retry that is 30 minutes away is due at
// once. Deadlines of calls in flight are not measured with a Clock, so they do not move.
class TestClock final : public Clock {
 public:
  Moment now() const override;
  void advance_ms(std::int64_t by_ms) { offset_ms_ += by_ms; }

 private:
  SystemClock system_;
  std::atomic<std::int64_t> offset_ms_ = 0;
};

}  // namespace settle
