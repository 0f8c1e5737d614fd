#include "settle/executor.hpp"

#include <doctest/doctest.h>

#include <future>
#include <memory>
#include <thread>
#include <vector>

using namespace settle;

TEST_CASE("executor/post: in order, on one thread, never inside post; the destructor runs what is left") {
  std::vector<int> seen;
  {
    ThreadExecutor executor("test");
    std::promise<void> inner;
    executor.post([&] {
      executor.post([&] {
        seen.push_back(2);
        inner.set_value();
      });
      seen.push_back(1);
    });
    inner.get_future().wait();
    for (int i = 3; i < 100; ++i) executor.post([&seen, i] { seen.push_back(i); });
  }
  REQUIRE(seen.size() == 99);
  for (int i = 1; i < 100; ++i) CHECK(seen[static_cast<std::size_t>(i - 1)] == i);
}

TEST_CASE("executor/timer: fires once for each arm, the newest arm counts, none after disarm or destruction") {
  ThreadExecutor executor("test");
  std::promise<void> done;
  int fired = 0, never = 0;
  std::unique_ptr<Timer> timer, disarmed, destroyed;
  executor.post([&] {
    disarmed = executor.make_timer([&] { ++never; });
    disarmed->arm(0);
    disarmed->disarm();
    destroyed = executor.make_timer([&] { ++never; });
    destroyed->arm(0);
    destroyed.reset();
    timer = executor.make_timer([&] {
      if (++fired < 3) {
        timer->arm(1);
      } else {
        done.set_value();
      }
    });
    timer->arm(1'000'000);
    timer->arm(0);
  });
  done.get_future().wait();
  std::promise<void> cleared;
  executor.post([&] {
    timer.reset();
    disarmed.reset();
    cleared.set_value();
  });
  cleared.get_future().wait();
  CHECK(fired == 3);
  CHECK(never == 0);
}
