#include "engine/core/coverage.hpp"

#include <utility>

namespace settle::core {

Plan::Plan(const Definition& definition)
    : step_count_(static_cast<std::uint32_t>(definition.branches.size() / 2)), sequential_(!definition.concurrent) {
  if (sequential_ || definition.orders.empty()) return;
  Orders orders;
  orders.predecessors.resize(step_count_);
  orders.successors.resize(step_count_);
  for (const auto& [step, before] : definition.orders) {
    orders.predecessors[step] = before;
    for (std::uint32_t other : before) orders.successors[other].push_back(step);
  }
  orders_ = std::make_shared<const Orders>(std::move(orders));
}

}  // namespace settle::core
