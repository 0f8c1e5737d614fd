// Which actions may have been started, as far as a stored state can tell (design.md §2).
//
// A process starts calls ahead of the disk: the success of an action is written without waiting, and the next action
// starts meanwhile. The run-ahead is bounded by one rule, which the core obeys when it starts an action and which
// everybody who reads a stored state may rely on:
//
//   An action starts only where the durable state already says that it may have been started.
//
// A durable state says so of an action that carries the `started` mark; and, unless the state is `exact`, of every
// action whose predecessors are each either a durable success or have nothing but durable successes before them. In a
// sequential saga the predecessor of a step is the step before it, so that is the durable prefix and the next two
// steps.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "settle/transaction.hpp"

namespace settle::core {

// Which steps wait for which, prepared for quick look-ups. Steps are counted from 0. Copies are cheap.
class Plan {
 public:
  explicit Plan(const Definition& definition);

  std::uint32_t step_count() const { return step_count_; }
  bool sequential() const { return sequential_; }

  // Calls f(step) for each direct predecessor until f returns false; whether all returned true.
  template <class F>
  bool all_predecessors(std::uint32_t step, F f) const {
    if (sequential_) return step == 0 || f(step - 1);
    return orders_ == nullptr || all_of(orders_->predecessors[step], f);
  }
  template <class F>
  bool all_successors(std::uint32_t step, F f) const {
    if (sequential_) return step + 1 == step_count_ || f(step + 1);
    return orders_ == nullptr || all_of(orders_->successors[step], f);
  }

 private:
  struct Orders {
    std::vector<std::vector<std::uint32_t>> predecessors;
    std::vector<std::vector<std::uint32_t>> successors;
  };

  template <class F>
  static bool all_of(const std::vector<std::uint32_t>& steps, F f) {
    for (std::uint32_t other : steps) {
      if (!f(other)) return false;
    }
    return true;
  }

  std::uint32_t step_count_;
  bool sequential_;
  std::shared_ptr<const Orders> orders_;  // null: none
};

constexpr std::uint32_t compensate_row(std::uint32_t step) { return 2 * step; }
constexpr std::uint32_t action_row(std::uint32_t step) { return 2 * step + 1; }
constexpr bool is_action_row(std::uint32_t row) { return row % 2 == 1; }
constexpr std::uint32_t step_of(std::uint32_t row) { return row / 2; }

// Whether a state that is not exact, in which `succeeded(step)` tells the durable successes, allows for this action
// having been started.
template <class Succeeded>
bool may_have_started(const Plan& plan, std::uint32_t step, Succeeded succeeded) {
  return plan.all_predecessors(
      step, [&](std::uint32_t before) { return succeeded(before) || plan.all_predecessors(before, succeeded); });
}

}  // namespace settle::core
