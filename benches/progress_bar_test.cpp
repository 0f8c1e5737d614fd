#include "benches/progress_bar.hpp"

#include <doctest/doctest.h>

using settle::bench::progress_line;

TEST_CASE("bench/progress: how far it is -> as much of the line is filled") {
  CHECK(progress_line("store", "accept", 0) == "store  [........................] 0 %  accept");
  CHECK(progress_line("store", "accept", 0.5) == "store  [############............] 50 %  accept");
  CHECK(progress_line("store", "load", 1) == "store  [########################] 100 %  load");
}

TEST_CASE("bench/progress: before the beginning, or behind the end -> the line keeps its width") {
  CHECK(progress_line("t", "w", -1) == progress_line("t", "w", 0));
  CHECK(progress_line("t", "w", 7) == progress_line("t", "w", 1));
}
