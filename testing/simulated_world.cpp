// Invariants: an executor is in ready_ exactly where its process is alive and not paused, it is not busy and has a
// task. events_ holds nothing of a life that has ended.
#include "settle/testing/simulated_world.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace settle::testing {
namespace {

constexpr std::int64_t kWallStartMs = 1'700'000'000'000;
constexpr std::int64_t kMillion = 1'000'000;

constexpr auto kLater = [](const auto& one, const auto& other) {
  return one.at_ms != other.at_ms ? one.at_ms > other.at_ms : one.number > other.number;
};

}  // namespace

// ---- timers and executors ---------------------------------------------------------------------------------------

// What was armed may fire after the timer was destroyed: it finds an arming that is no longer the newest.
class SimulatedExecutor::SimulatedTimer final : public Timer {
 public:
  SimulatedTimer(SimulatedExecutor& executor, Task on_fire)
      : executor_(executor), core_(std::make_shared<Core>(Core{std::move(on_fire)})) {}
  ~SimulatedTimer() override { SimulatedTimer::disarm(); }
  void arm(std::int64_t delay_ms) override {
    const std::uint64_t arming = ++core_->arming;
    executor_.world_.schedule(executor_.process_.world_ms_after(delay_ms), &executor_, [core = core_, arming] {
      if (core->arming != arming) return;
      ++core->arming;
      core->on_fire();
    });
  }
  void disarm() override { ++core_->arming; }

 private:
  struct Core {
    Task on_fire;
    std::uint64_t arming = 0;
  };

  SimulatedExecutor& executor_;
  std::shared_ptr<Core> core_;
};

void SimulatedExecutor::post(Task task) {
  if (!process_.alive_) return;
  if (world_.offset_ms_ > 0) {
    world_.schedule(world_.now_ms(), this, std::move(task));
  } else {
    world_.enqueue(*this, std::move(task));
  }
}

std::unique_ptr<Timer> SimulatedExecutor::make_timer(Task on_fire) {
  return std::make_unique<SimulatedTimer>(*this, std::move(on_fire));
}

void SimulatedExecutor::post_later(std::int64_t delay_ms, Task task) {
  world_.schedule(world_.now_ms() + delay_ms, this, std::move(task));
}

void SimulatedExecutor::stall_ms(std::int64_t for_ms) {
  if (!process_.alive_) return;
  busy_until_ms_ = std::max(busy_until_ms_, world_.now_ms() + for_ms);
  world_.update_ready(*this);
  world_.schedule(busy_until_ms_, this, nullptr);
}

// ---- processes --------------------------------------------------------------------------------------------------

Moment SimulatedProcess::now() const {
  const std::int64_t steady_ms = local_ms(world_.now_ms());
  return {kWallStartMs + steady_ms + error_.wall_offset_ms, steady_ms};
}

SimulatedExecutor& SimulatedProcess::add_executor() {
  executors_.push_back(std::make_unique<SimulatedExecutor>(world_, *this));
  return *executors_.back();
}

void SimulatedProcess::kill() {
  alive_ = false;
  paused_ = false;
  ++lives_;
  for (const auto& executor : executors_) {
    const auto dropped = std::exchange(executor->tasks_, {});
    executor->busy_until_ms_ = 0;
    world_.update_ready(*executor);
  }
  world_.forget(*this);
}

void SimulatedProcess::pause() {
  paused_ = true;
  for (const auto& executor : executors_) world_.update_ready(*executor);
}

void SimulatedProcess::resume() {
  paused_ = false;
  for (const auto& executor : executors_) world_.update_ready(*executor);
}

bool SimulatedProcess::has_work() const {
  return std::any_of(executors_.begin(), executors_.end(), [](const auto& each) { return !each->tasks_.empty(); });
}

std::int64_t SimulatedProcess::local_ms(std::int64_t world_ms) const {
  return world_ms + world_ms * error_.drift_ppm / kMillion;
}

// When so much has passed by its own clock.
std::int64_t SimulatedProcess::world_ms_after(std::int64_t local_delay_ms) const {
  const std::int64_t now_ms = world_.now_ms();
  if (error_.drift_ppm == 0) return now_ms + local_delay_ms;
  const std::int64_t end_ms = local_ms(now_ms) + local_delay_ms;
  std::int64_t at_ms = now_ms + local_delay_ms * kMillion / (kMillion + error_.drift_ppm);
  while (local_ms(at_ms) < end_ms) ++at_ms;
  return at_ms;
}

// ---- the world --------------------------------------------------------------------------------------------------

SimulatedWorld::SimulatedWorld(std::optional<std::uint64_t> seed) {
  if (seed) random_.emplace(*seed);
}

SimulatedWorld::~SimulatedWorld() {
  for (const auto& process : processes_) process->kill();
  const auto dropped = std::exchange(events_, {});
}

SimulatedProcess& SimulatedWorld::add_process(ClockError error) {
  processes_.push_back(std::make_unique<SimulatedProcess>(*this, error));
  return *processes_.back();
}

void SimulatedWorld::run() {
  while (run_one()) {
  }
}

bool SimulatedWorld::run_one() {
  if (ready_.empty()) return false;
  auto next = ready_.begin();
  if (random_) {
    next += static_cast<std::ptrdiff_t>(ready_.size() > 1 ? random_->below(ready_.size()) : 0);
  } else {
    next = std::min_element(ready_.begin(), ready_.end(), [](const auto* one, const auto* other) {
      return one->tasks_.front().number < other->tasks_.front().number;
    });
  }
  SimulatedExecutor& executor = **next;
  Task task = std::move(executor.tasks_.front().task);
  executor.tasks_.pop_front();
  update_ready(executor);
  running_ = &executor;
  task();
  running_ = nullptr;
  offset_ms_ = 0;
  return true;
}

void SimulatedWorld::advance_ms(std::int64_t by_ms) {
  const std::int64_t end_ms = now_ms_ + by_ms;
  while (step(end_ms)) {
  }
  now_ms_ = end_ms;
}

bool SimulatedWorld::step(std::int64_t until_ms) {
  if (run_one()) return true;
  if (events_.empty() || events_.front().at_ms > until_ms) return false;
  next_event();
  return true;
}

void SimulatedWorld::after_ms(std::int64_t delay_ms, Task task) {
  schedule(now_ms() + delay_ms, nullptr, std::move(task));
}

void SimulatedWorld::block_ms(std::int64_t for_ms) {
  offset_ms_ += for_ms;
  running_->stall_ms(0);
}

void SimulatedWorld::schedule(std::int64_t at_ms, SimulatedExecutor* executor, Task task) {
  if (executor != nullptr && !executor->process_.alive_) return;
  const std::uint64_t life = executor != nullptr ? executor->process_.lives_ : 0;
  events_.push_back({at_ms, ++numbers_, executor, life, std::move(task)});
  std::push_heap(events_.begin(), events_.end(), kLater);
}

void SimulatedWorld::enqueue(SimulatedExecutor& executor, Task task) {
  executor.tasks_.push_back({++numbers_, std::move(task)});
  if (!executor.ready_) update_ready(executor);
}

void SimulatedWorld::update_ready(SimulatedExecutor& executor) {
  const SimulatedProcess& process = executor.process_;
  const bool ready =
      process.alive_ && !process.paused_ && !executor.tasks_.empty() && executor.busy_until_ms_ <= now_ms_;
  if (ready == executor.ready_) return;
  executor.ready_ = ready;
  if (ready) {
    ready_.push_back(&executor);
  } else {
    std::erase(ready_, &executor);
  }
}

// Drops what is to come for a process that has died.
void SimulatedWorld::forget(const SimulatedProcess& process) {
  const auto ended = std::partition(events_.begin(), events_.end(), [&process](const Event& event) {
    return event.executor == nullptr || &event.executor->process_ != &process;
  });
  // Destroyed last, for that may come back here.
  const std::vector<Event> dropped(std::make_move_iterator(ended), std::make_move_iterator(events_.end()));
  events_.erase(ended, events_.end());
  std::make_heap(events_.begin(), events_.end(), kLater);
}

void SimulatedWorld::next_event() {
  std::pop_heap(events_.begin(), events_.end(), kLater);
  Event event = std::move(events_.back());
  events_.pop_back();
  now_ms_ = std::max(now_ms_, event.at_ms);
  if (event.executor == nullptr) {
    event.task();
  } else if (event.task) {
    enqueue(*event.executor, std::move(event.task));
  } else {
    update_ready(*event.executor);
  }
}

}  // namespace settle::testing
