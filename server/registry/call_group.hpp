// What gRPC holds of ours: calls that it has not let go of yet.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

#include "settle/executor.hpp"

namespace settle::server {

// A call or a stream under way. Destroying it cancels it, and then nothing of it is invoked any more.
// Threads: the executor's of its group.
class PendingCall {
 public:
  virtual ~PendingCall() = default;
};

// The calls that post to one executor. The executor may go once wait() has returned.
// Threads: enter() and leave() from any.
class CallGroup {
 public:
  explicit CallGroup(Executor& executor) : executor_(executor) {}

  Executor& executor() const { return executor_; }
  void enter() {
    const std::lock_guard lock(mutex_);
    ++held_;
  }
  // The last thing that a call does.
  void leave() {
    const std::lock_guard lock(mutex_);
    if (--held_ == 0) none_.notify_all();
  }
  // Blocks until no call is held. Cancelled ones are let go without an answer from the other side.
  void wait() {
    std::unique_lock lock(mutex_);
    none_.wait(lock, [this] { return held_ == 0; });
  }

 private:
  Executor& executor_;
  std::mutex mutex_;
  std::condition_variable none_;
  std::size_t held_ = 0;
};

}  // namespace settle::server
