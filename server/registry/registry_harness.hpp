// What the tests of registries share: waiting for what is to come, a registry with its log, and a follower.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/registry/drivers.hpp"
#include "server/registry/registry.hpp"

namespace settle::server {

// Whether it comes true; looks again and again for up to two minutes.
inline bool eventually(const std::function<bool()>& condition) {
  for (int looked = 0; looked < 12'000; ++looked) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return condition();
}

// In a hurry: pauses of milliseconds. Calls and leases keep their time, for a loaded machine is slow.
inline EtcdPatience hurried() {
  EtcdPatience patience;
  patience.pause_ms_min = 10;
  patience.pause_ms_max = 50;
  return patience;
}

// Keeps what is logged, as "level text".
class LoggedLines {
 public:
  Log log() {
    return [this](LogLevel level, std::string_view, std::string_view message) {
      const std::lock_guard lock(mutex_);
      lines_.push_back((level == LogLevel::warn ? "warn " : "info ") + std::string(message));
    };
  }
  std::vector<std::string> all() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  // Those that have this in them.
  std::vector<std::string> with(const std::string& part) const {
    std::vector<std::string> found;
    for (const std::string& line : all()) {
      if (line.find(part) != std::string::npos) found.push_back(line);
    }
    return found;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

// A registry of dtm-driver-gozero, with its log.
class TestRegistry {
 public:
  explicit TestRegistry(const std::string& target, EtcdPatience patience = hurried(),
                        const std::string& endpoint = "10.0.0.1:36790") {
    auto opened = open_gozero_registry({"dtm-driver-gozero", target, endpoint}, lines_.log(), patience);
    REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
    registry_ = std::move(opened.value());
  }

  Registry& operator*() { return *registry_; }
  Registry* operator->() { return registry_.get(); }
  const LoggedLines& lines() const { return lines_; }
  void start_and_wait() {
    registry_->start();
    REQUIRE(eventually([this] { return registry_->statistics().registered; }));
  }
  // Deregisters, and waits for its end.
  void deregister(std::int64_t timeout_ms = 60'000) {
    const auto ended = std::make_shared<std::atomic<int>>(0);
    registry_->deregister(timeout_ms, [ended] { ++*ended; });
    REQUIRE(eventually([&] { return *ended == 1; }));
  }
  void destroy() { registry_.reset(); }

 private:
  LoggedLines lines_;
  std::unique_ptr<Registry> registry_;
};

// Follows a target, and keeps what it is told.
class TestFollower {
 public:
  TestFollower(Resolver& resolver, const std::string& target)
      : following_(resolver.follow(target, [told = told_](const AddressList& list) {
          const std::lock_guard lock(told->mutex);
          told->lists.push_back(list);
        })) {}

  std::vector<AddressList> all() const {
    const std::lock_guard lock(told_->mutex);
    return told_->lists;
  }
  AddressList newest() const {
    const std::vector<AddressList> lists = all();
    return lists.empty() ? AddressList{} : lists.back();
  }
  bool comes_to(const std::vector<std::string>& addresses) const {
    return eventually([&] { return newest().addresses == addresses && newest().problem.empty() && !all().empty(); });
  }
  bool comes_to_problem(const std::string& part) const {
    return eventually([&] {
      const AddressList list = newest();
      return list.addresses.empty() && list.problem.find(part) != std::string::npos;
    });
  }
  void stop() { following_.reset(); }

 private:
  struct Told {
    std::mutex mutex;
    std::vector<AddressList> lists;
  };
  const std::shared_ptr<Told> told_ = std::make_shared<Told>();
  std::unique_ptr<Following> following_;
};

}  // namespace settle::server
