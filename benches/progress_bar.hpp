// How far a measurement is, on one line of a terminal.
#pragma once

#include <string>

namespace settle::bench {

// Where standard error is no terminal nothing is shown. The line is taken away at the end. Threads: one.
class ProgressBar {
 public:
  explicit ProgressBar(std::string title);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // `done`: 0 to 1. Shown where it makes a difference.
  void show(const std::string& what, double done);

 private:
  const std::string title_;
  const bool visible_;
  std::string shown_;
};

// The line for it, without its end.
std::string progress_line(const std::string& title, const std::string& what, double done);

}  // namespace settle::bench
