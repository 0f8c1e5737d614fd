// As decide_walk_orders_test.cpp, with what multiplies the states.
#include <doctest/doctest.h>

#include "engine/core/decide_walk.hpp"

namespace settle::core {
namespace {

TEST_CASE("core/walk: three steps under every order, with a timeout -> the invariants hold") {
  const OrdersReport report = walk_every_order(true, false);
  CHECK(report.sum.violation == "");
  CHECK(report.orders == 25);
  MESSAGE(report.sum.states << " states, " << report.sum.transitions << " transitions");
}

TEST_CASE("core/walk: three steps under every order, with a retry limit -> the invariants hold") {
  const OrdersReport report = walk_every_order(false, true);
  CHECK(report.sum.violation == "");
  CHECK(report.orders == 25);
  MESSAGE(report.sum.states << " states, " << report.sum.transitions << " transitions");
}

}  // namespace
}  // namespace settle::core
