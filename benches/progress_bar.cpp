#include "benches/progress_bar.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace settle::bench {

ProgressBar::ProgressBar(std::string title) : title_(std::move(title)), visible_(::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (!shown_.empty()) std::fputs("\r\x1b[K", stderr);
}

void ProgressBar::show(const std::string& what, double done) {
  if (!visible_) return;
  std::string line = progress_line(title_, what, done);
  if (line == shown_) return;
  shown_ = std::move(line);
  std::fprintf(stderr, "\r%s\x1b[K", shown_.c_str());
}

std::string progress_line(const std::string& title, const std::string& what, double done) {
  constexpr std::size_t kWidth = 24;
  const double part = std::clamp(done, 0.0, 1.0);
  const auto filled = static_cast<std::size_t>(part * kWidth);
  return title + "  [" + std::string(filled, '#') + std::string(kWidth - filled, '.') + "] " +
         std::to_string(static_cast<int>(part * 100)) + " %  " + what;
}

}  // namespace settle::bench
