// Where work runs, as a port: an event loop of the server's, a thread of ours, or the simulator's queue.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "settle/function.hpp"

namespace settle {

// A timer that can be set again and again. It fires at most once for each arm().
// Threads: only the executor's own. Destroying it disarms it: the task will not run after that.
class Timer {
 public:
  virtual ~Timer() = default;
  // Fires once, delay_ms from now (0: soon, never inline). Replaces an earlier arm() that has not fired.
  virtual void arm(std::int64_t delay_ms) = 0;
  virtual void disarm() = 0;
};

// Runs tasks one after another, never two at once, in the order they were posted.
class Executor {
 public:
  virtual ~Executor() = default;
  // Runs the task later, never inside this call. Any thread may call. The task must not throw.
  virtual void post(Task task) = 0;
  // A timer whose task runs on this executor. It must not outlive the executor.
  virtual std::unique_ptr<Timer> make_timer(Task on_fire) = 0;
};

// An executor with a thread of its own, for an embedded engine and for blocking work.
// The destructor runs what was posted before it, then joins the thread; timers that have not fired do not fire.
class ThreadExecutor final : public Executor {
 public:
  explicit ThreadExecutor(std::string name);  // the thread's name as tools show it, up to 15 characters
  ~ThreadExecutor() override;
  void post(Task task) override;
  std::unique_ptr<Timer> make_timer(Task on_fire) override;

 private:
  class Loop;
  class LoopTimer;
  std::shared_ptr<Loop> loop_;
};

}  // namespace settle
