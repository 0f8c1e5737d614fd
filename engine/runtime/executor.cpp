#include "settle/executor.hpp"

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace settle {

// Threads: post() from any; everything about timers only from the loop's own thread, so timers need no lock.
class ThreadExecutor::Loop : public std::enable_shared_from_this<Loop> {
 public:
  using Clock = std::chrono::steady_clock;
  using Timers = std::multimap<Clock::time_point, Task*>;

  void start(std::string name) {
    thread_ = std::thread([self = shared_from_this(), name = std::move(name)] {
      pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
      self->run();
    });
  }

  void post(Task task) {
    const std::lock_guard lock(mutex_);
    // Under the lock: once it is free, what was posted may have led to the end of this loop.
    if (tasks_.empty()) ready_.notify_one();
    tasks_.push_back(std::move(task));
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    ready_.notify_one();
    if (thread_.get_id() == std::this_thread::get_id()) {
      thread_.detach();  // destroyed by one of its own tasks: run() ends after it, the loop lives as long
    } else {
      thread_.join();
    }
  }

  Timers::iterator add_timer(std::int64_t delay_ms, Task* task) {
    return timers_.emplace(Clock::now() + std::chrono::milliseconds(delay_ms), task);
  }
  void remove_timer(Timers::iterator at) { timers_.erase(at); }
  Timers::iterator no_timer() { return timers_.end(); }

 private:
  void run() {
    std::vector<Task> batch;
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        const auto woken = [this] { return !tasks_.empty() || stopping_; };
        if (timers_.empty()) {
          ready_.wait(lock, woken);
        } else {
          ready_.wait_until(lock, timers_.begin()->first, woken);
        }
        if (tasks_.empty() && stopping_) return;
        batch.swap(tasks_);
      }
      for (Task& task : batch) task();
      batch.clear();
      // One reading of the clock: a timer that is armed again at once waits until tasks have had their turn.
      const Clock::time_point now = Clock::now();
      while (!timers_.empty() && timers_.begin()->first <= now) (*timers_.begin()->second)();
    }
  }

  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<Task> tasks_;
  bool stopping_ = false;
  Timers timers_;
  std::thread thread_;
};

class ThreadExecutor::LoopTimer final : public Timer {
 public:
  LoopTimer(std::shared_ptr<Loop> loop, Task on_fire) : loop_(std::move(loop)), at_(loop_->no_timer()) {
    fire_ = [this, task = std::move(on_fire)]() mutable {
      disarm();
      task();
    };
  }
  ~LoopTimer() override { disarm(); }

  void arm(std::int64_t delay_ms) override {
    disarm();
    at_ = loop_->add_timer(delay_ms, &fire_);
  }
  void disarm() override {
    if (at_ == loop_->no_timer()) return;
    loop_->remove_timer(at_);
    at_ = loop_->no_timer();
  }

 private:
  const std::shared_ptr<Loop> loop_;
  Task fire_;
  Loop::Timers::iterator at_;
};

ThreadExecutor::ThreadExecutor(std::string name) : loop_(std::make_shared<Loop>()) { loop_->start(std::move(name)); }

ThreadExecutor::~ThreadExecutor() { loop_->stop(); }

void ThreadExecutor::post(Task task) { loop_->post(std::move(task)); }

std::unique_ptr<Timer> ThreadExecutor::make_timer(Task on_fire) {
  return std::make_unique<LoopTimer>(loop_, std::move(on_fire));
}

}  // namespace settle
