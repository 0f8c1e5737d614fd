#include "settle/asio_executor.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace settle {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

// Far enough for every caller, near enough that no time point overflows.
constexpr std::int64_t kDelayMsMax = std::int64_t{10} * 365 * 24 * 3'600 * 1'000;

// Arming later than a wait that is under way only notes the new time, because cancelling and waiting anew costs far
// more than waking once too early.
class AsioTimer final : public Timer {
 public:
  AsioTimer(boost::asio::io_context& loop, Task on_fire) : state_(std::make_shared<State>(loop, std::move(on_fire))) {}
  ~AsioTimer() override { disarm(); }
  AsioTimer(const AsioTimer&) = delete;
  AsioTimer& operator=(const AsioTimer&) = delete;

  void arm(std::int64_t delay_ms) override {
    const auto delay = std::chrono::milliseconds(std::clamp<std::int64_t>(delay_ms, 0, kDelayMsMax));
    state_->due = std::chrono::steady_clock::now() + delay;
    if (!state_->waits_until || *state_->due < *state_->waits_until) wait(state_);
  }

  void disarm() override {
    state_->due.reset();
    if (state_->waits_until) stop_waiting(*state_);
  }

 private:
  struct State {
    State(boost::asio::io_context& loop, Task task) : timer(loop), on_fire(std::move(task)) {}
    boost::asio::steady_timer timer;
    Task on_fire;
    std::optional<SteadyTime> due;
    std::optional<SteadyTime> waits_until;
    std::uint64_t wait_number = 0;  // tells the wait that counts from one that was cancelled too late
  };

  static void stop_waiting(State& state) {
    state.waits_until.reset();
    ++state.wait_number;
    state.timer.cancel();
  }

  static void wait(const std::shared_ptr<State>& state) {
    state->waits_until = state->due;
    const std::uint64_t number = ++state->wait_number;
    state->timer.expires_at(*state->due);
    state->timer.async_wait([state, number](const boost::system::error_code&) {
      if (state->wait_number != number) return;
      state->waits_until.reset();
      if (!state->due) return;
      if (std::chrono::steady_clock::now() < *state->due) {
        wait(state);
        return;
      }
      state->due.reset();
      state->on_fire();
    });
  }

  // Shared with the wait under way, so that the task may destroy its own timer.
  std::shared_ptr<State> state_;
};

}  // namespace

void AsioExecutor::post(Task task) {
  auto run = [held = std::move(task)]() mutable { held(); };
  boost::asio::post(loop_, std::move(run));
}

std::unique_ptr<Timer> AsioExecutor::make_timer(Task on_fire) {
  return std::make_unique<AsioTimer>(loop_, std::move(on_fire));
}

}  // namespace settle
