// Clients are written as coroutines: they run at once up to the first wait, on the one thread that there is.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace settle::sim {

// A coroutine that gives a T to whoever awaits it, once. It starts when it is called. It is destroyed with this object,
// finished or not; whatever would resume it must be gone by then.
template <class T>
class Coroutine {
 public:
  // The name that the language looks for.
  struct promise_type {  // NOLINT(readability-identifier-naming)
    Coroutine get_return_object() { return Coroutine(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_never initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct Resume {
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) noexcept {
          const std::coroutine_handle<> next = self.promise().waiter;
          return next ? next : std::noop_coroutine();
        }
        void await_resume() noexcept {}
      };
      return Resume{};
    }
    void return_value(T given) { value = std::move(given); }
    [[noreturn]] void unhandled_exception() { std::terminate(); }

    std::optional<T> value;
    std::coroutine_handle<> waiter;
  };

  explicit Coroutine(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Coroutine(Coroutine&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Coroutine(const Coroutine&) = delete;
  Coroutine& operator=(const Coroutine&) = delete;
  Coroutine& operator=(Coroutine&&) = delete;
  ~Coroutine() {
    if (handle_) handle_.destroy();
  }

  bool done() const { return handle_.done(); }

  bool await_ready() const noexcept { return handle_.done(); }
  void await_suspend(std::coroutine_handle<> waiter) noexcept { handle_.promise().waiter = waiter; }
  T await_resume() { return std::move(*handle_.promise().value); }

 private:
  std::coroutine_handle<promise_type> handle_;
};

}  // namespace settle::sim
