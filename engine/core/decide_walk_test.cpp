// Walks small sagas exhaustively; decide_walk.hpp says what that means.
#include "engine/core/decide_walk.hpp"

#include <doctest/doctest.h>

#include <string>

#include "engine/core/decide_script.hpp"

namespace settle::core {
namespace {

// Adds up what several walks report; the first violation is kept.
class Total {
 public:
  void add(const WalkSetup& setup, bool run_ahead = true) {
    const WalkReport report = walk(setup, sound_core(run_ahead));
    CHECK(report.violation == "");
    states_ += report.states;
    transitions_ += report.transitions;
  }
  ~Total() { MESSAGE(states_ << " states, " << transitions_ << " transitions"); }

 private:
  std::size_t states_ = 0;
  std::size_t transitions_ = 0;
};

struct Shape {
  bool concurrent = false;
  bool timeout = false;
  bool retry_limit = false;
  unsigned empty_rows = 0;  // bit by bit: the rows without an url
};

std::shared_ptr<const Definition> saga(std::uint32_t steps, Shape shape) {
  Definition definition = make_saga(steps);
  definition.concurrent = shape.concurrent;
  definition.options.timeout_to_fail_s = shape.timeout ? 1 : 0;
  definition.options.retry_limit = shape.retry_limit ? 1 : 0;
  for (std::size_t row = 0; row < definition.branches.size(); ++row) {
    if ((shape.empty_rows >> row & 1u) != 0) definition.branches[row].url.clear();
  }
  return std::make_shared<const Definition>(std::move(definition));
}

TEST_CASE("core/walk: every short saga with every mix of empty urls -> the invariants hold") {
  Total total;
  for (std::uint32_t steps : {0u, 1u}) {
    for (unsigned options = 0; options < 8; ++options) {
      for (unsigned empty_rows = 0; empty_rows < 1u << 2 * steps; ++empty_rows) {
        const Shape shape{(options & 1u) != 0, (options & 2u) != 0, (options & 4u) != 0, empty_rows};
        CAPTURE(options);
        CAPTURE(empty_rows);
        total.add({saga(steps, shape), empty_rows == 0 ? 2u : 1u});
      }
    }
  }
  for (unsigned empty_rows = 1; empty_rows < 16; ++empty_rows) {
    CAPTURE(empty_rows);
    total.add({saga(2, {false, false, false, empty_rows}), 1});
    total.add({saga(2, {true, false, false, empty_rows}), 1, true});
  }
}

TEST_CASE("core/walk: a sequential saga of two steps, two writes behind -> the invariants hold") {
  Total total;
  for (bool timeout : {false, true}) {
    for (bool retry_limit : {false, true}) total.add({saga(2, {false, timeout, retry_limit}), timeout ? 1u : 2u});
  }
}

TEST_CASE("core/walk: a sequential saga of three steps -> the invariants hold") {
  Total total;
  for (bool timeout : {false, true}) {
    for (bool retry_limit : {false, true}) total.add({saga(3, {false, timeout, retry_limit}), 1});
  }
  for (unsigned empty_rows : {1u << 0, 1u << 1, 1u << 2, 1u << 3, 1u << 4, 1u << 5, 0b001010u, 0b100001u}) {
    CAPTURE(empty_rows);
    total.add({saga(3, {false, true, false, empty_rows}), 2, true});
  }
}

TEST_CASE("core/walk: a concurrent saga of two steps -> the invariants hold") {
  Total total;
  total.add({saga(2, {true, false, false}), 1});
  for (bool timeout : {false, true}) {
    for (bool retry_limit : {false, true}) total.add({saga(2, {true, timeout, retry_limit}), 2, true});
  }
}

TEST_CASE(
    "core/walk: without run-ahead -> the invariants hold, and each step waits for the success of the one before") {
  Total total;
  for (bool timeout : {false, true}) {
    for (bool retry_limit : {false, true}) {
      total.add({saga(2, {false, timeout, retry_limit}), 2, true}, false);
      total.add({saga(2, {true, timeout, retry_limit}), 2, true}, false);
      total.add({saga(3, {false, timeout, retry_limit}), 1, true}, false);
    }
  }
  for (unsigned empty_rows = 1; empty_rows < 16; ++empty_rows) {
    CAPTURE(empty_rows);
    total.add({saga(2, {false, false, false, empty_rows}), 2, true}, false);
  }
}

}  // namespace
}  // namespace settle::core
