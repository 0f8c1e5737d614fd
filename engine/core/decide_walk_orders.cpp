#include <utility>

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

}  // namespace

OrdersReport walk_every_order(bool timeout, bool retry_limit) {
  OrdersReport report;
  for (unsigned edges = 0; edges < 64; ++edges) {
    const auto definition = ordered_saga(edges, timeout, retry_limit);
    if (!validate(*definition)) continue;  // a circle
    WalkReport one = walk({definition, 1, true}, sound_core());
    ++report.orders;
    report.sum.states += one.states;
    report.sum.transitions += one.transitions;
    if (!one.violation.empty()) report.sum.violation = "edges " + std::to_string(edges) + ": " + one.violation;
  }
  return report;
}

}  // namespace settle::core
