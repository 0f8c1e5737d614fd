// Walks concurrent sagas of three steps; decide_walk_slow_test.cpp does it with timeouts and retry limits.
#include <doctest/doctest.h>

#include "engine/core/decide_walk.hpp"

namespace settle::core {
namespace {

TEST_CASE("core/walk: three steps under every order -> the invariants hold") {
  const OrdersReport report = walk_every_order(false, false);
  CHECK(report.sum.violation == "");
  CHECK(report.orders == 25);
  MESSAGE(report.sum.states << " states, " << report.sum.transitions << " transitions");
}

}  // namespace
}  // namespace settle::core
