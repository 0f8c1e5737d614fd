// Walks small sagas exhaustively; decide_walk.hpp says what that means.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include "engine/core/decide_walk.hpp"
using namespace settle;
using namespace settle::core;
std::shared_ptr<Definition> saga(unsigned n) {
  auto d = std::make_shared<Definition>();
  d->gid = "g";
  std::vector<SagaStep> steps;
  for (unsigned i = 0; i < n; ++i) steps.push_back({"a" + std::to_string(i), "c" + std::to_string(i), ""});
  append_saga_steps(*d, steps);
  return d;
}
TEST_CASE("try") {
  for (int conc = 0; conc < 2; ++conc)
  for (unsigned n = 0; n <= 3; ++n)
    for (std::size_t lag = 1; lag <= 3; ++lag)
     for (int o = 0; o < 4; ++o) {
      if (conc && n == 3 && lag > 1) continue;
      auto d = saga(n);
      d->options.timeout_to_fail_s = o & 1;
      d->options.retry_limit = o / 2;
      d->concurrent = conc;
      auto t0 = std::chrono::steady_clock::now();
      auto r = walk({d, lag}, sound_core());
      auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - t0).count();
      std::printf("conc %d n %u lag %zu o %d states %zu trans %zu ms %ld %s\n", conc, n, lag, o, r.states, r.transitions, ms, r.violation.c_str());
      CHECK(r.violation == "");
    }
}
