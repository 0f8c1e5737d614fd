// A move-only callable, for tasks and completions. std::move_only_function comes with C++23.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace settle {

template <class Signature>
class UniqueFunction;

// Holds any callable, copyable or not; small ones (64 bytes, movable without throwing) without an allocation.
// Calling an empty one is undefined. A moved-from one is empty.
template <class R, class... Args>
class UniqueFunction<R(Args...)> {
 public:
  UniqueFunction() = default;
  UniqueFunction(std::nullptr_t) {}

  template <class F>
  requires(!std::is_same_v<std::decay_t<F>, UniqueFunction> && std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
      UniqueFunction(F&& function) {
    using Held = std::decay_t<F>;
    if constexpr (sizeof(Held) <= kRoom && alignof(Held) <= alignof(std::max_align_t) &&
                  std::is_nothrow_move_constructible_v<Held>) {
      ::new (static_cast<void*>(room_)) Held(std::forward<F>(function));
      table_ = &kInPlace<Held>;
    } else {
      ::new (static_cast<void*>(room_)) std::unique_ptr<Held>(std::make_unique<Held>(std::forward<F>(function)));
      table_ = &kOnHeap<Held>;
    }
  }

  UniqueFunction(UniqueFunction&& other) noexcept { take(other); }
  UniqueFunction& operator=(UniqueFunction&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  UniqueFunction(const UniqueFunction&) = delete;
  UniqueFunction& operator=(const UniqueFunction&) = delete;
  ~UniqueFunction() { reset(); }

  explicit operator bool() const { return table_ != nullptr; }
  R operator()(Args... args) { return table_->call(room_, std::forward<Args>(args)...); }

 private:
  static constexpr std::size_t kRoom = 64;

  struct Table {
    R (*call)(void*, Args&&...);
    void (*move)(void* from, void* to) noexcept;
    void (*destroy)(void*) noexcept;
  };

  template <class Held>
  static Held& in_place(void* room) {
    return *std::launder(reinterpret_cast<Held*>(room));
  }

  template <class Held>
  static void relocate(void* from, void* to) noexcept {
    ::new (to) Held(std::move(in_place<Held>(from)));
    in_place<Held>(from).~Held();
  }

  template <class Held>
  static constexpr Table kInPlace{
      [](void* room, Args&&... args) -> R { return in_place<Held>(room)(std::forward<Args>(args)...); },
      &relocate<Held>, [](void* room) noexcept { in_place<Held>(room).~Held(); }};

  template <class Held>
  static constexpr Table kOnHeap{[](void* room, Args&&... args) -> R {
                                   return (*in_place<std::unique_ptr<Held>>(room))(std::forward<Args>(args)...);
                                 },
                                 &relocate<std::unique_ptr<Held>>,
                                 [](void* room) noexcept { in_place<std::unique_ptr<Held>>(room).~unique_ptr(); }};

  void take(UniqueFunction& other) noexcept {
    table_ = std::exchange(other.table_, nullptr);
    if (table_ != nullptr) table_->move(other.room_, room_);
  }

  void reset() noexcept {
    if (table_ != nullptr) std::exchange(table_, nullptr)->destroy(room_);
  }

  alignas(std::max_align_t) std::byte room_[kRoom];
  const Table* table_ = nullptr;
};

using Task = UniqueFunction<void()>;

}  // namespace settle
