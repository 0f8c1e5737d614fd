// Walks concurrent sagas of three steps under every order that steps can have among each other.
#include <doctest/doctest.h>

#include <string>

#include "engine/core/decide_script.hpp"
#include "engine/core/decide_walk.hpp"

namespace settle::core {
namespace {

// The orders whose edges are these bits, of the six that three steps can have.
std::shared_ptr<const Definition> ordered_saga(unsigned edges, bool timeout, bool retry_limit) {
  static constexpr std::uint32_t kEdges[6][2] = {{0, 1}, {0, 2}, {1, 0}, {1, 2}, {2, 0}, {2, 1}};
  Definition definition = make_saga(3);
  definition.concurrent = true;
  definition.options.timeout_to_fail_s = timeout ? 1 : 0;
  definition.options.retry_limit = retry_limit ? 1 : 0;
  for (unsigned edge = 0; edge < 6; ++edge) {
    if ((edges >> edge & 1u) != 0) definition.orders[kEdges[edge][0]].push_back(kEdges[edge][1]);
  }
  return std::make_shared<const Definition>(std::move(definition));
}

void walk_all(bool timeout, bool retry_limit, unsigned first_edges) {
  std::size_t orders = 0;
  std::size_t states = 0;
  std::size_t transitions = 0;
  for (unsigned edges = first_edges; edges < 64; ++edges) {
    const auto definition = ordered_saga(edges, timeout, retry_limit);
    if (!validate(*definition)) continue;  // a circle
    CAPTURE(edges);
    const WalkReport report = walk({definition, 1, true}, sound_core());
    CHECK(report.violation == "");
    ++orders;
    states += report.states;
    transitions += report.transitions;
  }
  CHECK(orders == (first_edges == 0 ? 25 : 24));
  MESSAGE(orders << " orders, " << states << " states, " << transitions << " transitions");
}

TEST_CASE("core/walk: three steps under every order -> the invariants hold") { walk_all(false, false, 0); }

// These take minutes: the program is registered a second time, as a slow test, with --no-skip.
TEST_CASE("core/walk: three steps under every order, with a timeout -> the invariants hold" * doctest::skip()) {
  walk_all(true, false, 0);
}

TEST_CASE("core/walk: three steps under every order, with a retry limit -> the invariants hold" * doctest::skip()) {
  walk_all(false, true, 0);
}

}  // namespace
}  // namespace settle::core
