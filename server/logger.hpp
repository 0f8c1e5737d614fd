// Structured logs: one line for each event, as key=value.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "settle/engine.hpp"
#include "settle/result.hpp"

namespace settle::server {

//   time=2024-01-31T08:00:00.123+0800 level=info gid=abc msg="rolled back"
//
// A thread of its own writes, so that no event loop waits for a disk. Where it cannot keep up, the oldest lines are
// dropped, and a last line tells how many.
// Threads: write() may be called from any thread.
class Logger {
 public:
  // outputs: `stderr`, `stdout`, or files that are appended to. An error names the file that cannot be opened.
  static Result<std::unique_ptr<Logger>> open(LogLevel level, const std::vector<std::string>& outputs);

  // Writes what is still queued.
  virtual ~Logger() = default;

  // Nothing where the level is below the logger's. gid may be empty.
  virtual void write(LogLevel level, std::string_view gid, std::string_view message) = 0;
};

// `gid=… msg="…"`: values in quotes where they need them, control characters escaped, so that one event stays one line.
std::string log_text(std::string_view gid, std::string_view message);

}  // namespace settle::server
