// Somebody who follows a target.
#pragma once

#include <mutex>
#include <utility>

#include "settle/resolver.hpp"

namespace settle::server {

// Holds a lock while the listener runs, so that stop() can promise that it does not.
// Threads: any.
class Follower {
 public:
  explicit Follower(AddressListener listener) : listener_(std::move(listener)) {}

  void tell(const AddressList& list) {
    const std::lock_guard lock(mutex_);
    if (listener_) listener_(list);
  }
  // When this has returned the listener is not running, and will not be called again.
  void stop() {
    const std::lock_guard lock(mutex_);
    listener_ = nullptr;
  }

 private:
  std::mutex mutex_;
  AddressListener listener_;  // empty: stopped
};

}  // namespace settle::server
