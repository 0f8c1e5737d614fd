// Times as the tables have them: 'YYYY-MM-DD HH:MM:SS', whole seconds, without a zone. They are made and read here, so
// that neither the server's zone nor the session's has a say.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace settle::mysql {

// The whole second that this moment is in, as milliseconds.
constexpr std::int64_t floor_to_seconds(std::int64_t wall_ms) {
  const std::int64_t fraction_ms = wall_ms % 1000;
  return wall_ms - (fraction_ms < 0 ? fraction_ms + 1000 : fraction_ms);
}

// An interval in whole seconds, never shorter than it is: one of 0 would have a DTM server try without a pause.
constexpr std::int64_t ceil_to_seconds(std::int64_t interval_ms) { return -floor_to_seconds(-interval_ms); }

// The zone that times are written in: a fixed distance from UTC, or the machine's local one, as DTM has it.
//
// Where a local zone puts its clocks back, an hour comes twice, and what is written in it can mean either. It is read
// as the later one, so nothing is done too early by who reads it; but who compares texts (every server in its
// statements) may take a lease that was taken in the first of the two hours, and ends in the second, as run out. Where
// a zone puts its clocks forward, an hour is missing: a text from within it, which no clock showed, is read as if the
// clocks had not been put forward yet. A fixed distance, or UTC, has neither.
//
// Threads: any.
class WallTime {
 public:
  // The last day that a column can hold is not that of all zones: a moment before it.
  static constexpr std::int64_t kLastMs = 253'402'128'000'000;  // 9999-12-30 00:00:00 UTC

  explicit WallTime(std::optional<std::int64_t> offset_s) : offset_s_(offset_s) {}

  // Any moment from the year 0 to kLastMs; the fraction of its second is left out.
  std::string text(std::int64_t wall_ms) const;

  // Nothing: is no such text. A fraction of a second is left out.
  std::optional<std::int64_t> parse(std::string_view text) const;

 private:
  std::optional<std::int64_t> offset_s_;
};

// The texts of many moments, most of which are of the same few seconds. `times` must live as long as this.
//
// Threads: one at a time.
class TimeTexts {
 public:
  explicit TimeTexts(const WallTime& times) : times_(times) {}

  // Lives as long as this. 0, a time that is left open, is an empty one.
  const std::string& of(std::int64_t wall_ms);

 private:
  const WallTime& times_;
  std::map<std::int64_t, std::string> made_;  // by the second
};

}  // namespace settle::mysql
