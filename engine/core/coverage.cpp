#include "engine/core/coverage.hpp"

namespace settle::core {

Plan::Plan(const Definition& definition)
    : step_count_(static_cast<std::uint32_t>(definition.branches.size() / 2)), sequential_(!definition.concurrent) {
  if (sequential_ || definition.orders.empty()) return;
  predecessors_.resize(step_count_);
  successors_.resize(step_count_);
  for (const auto& [step, before] : definition.orders) {
    predecessors_[step] = before;
    for (std::uint32_t other : before) successors_[other].push_back(step);
  }
}

}  // namespace settle::core
