// What a client waits for: a value that something else gives, once.
#pragma once

#include <coroutine>
#include <memory>
#include <optional>
#include <utility>

namespace settle::sim {

// A copy is the same promise. Only the first value counts; who waits goes on inside of give().
template <class T>
class Awaited {
 public:
  void give(T value) const {
    if (state_->given) return;
    state_->given = true;
    state_->value = std::move(value);
    if (state_->waiter) std::exchange(state_->waiter, {}).resume();
  }

  bool await_ready() const noexcept { return state_->given; }
  void await_suspend(std::coroutine_handle<> waiter) const noexcept { state_->waiter = waiter; }
  T await_resume() const { return std::move(*state_->value); }

 private:
  struct State {
    bool given = false;
    std::optional<T> value;
    std::coroutine_handle<> waiter;
  };

  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace settle::sim
