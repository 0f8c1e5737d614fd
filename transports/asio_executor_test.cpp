#include "settle/asio_executor.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>

namespace settle {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::int64_t kHourMs = 3'600'000;

TEST_CASE("asio executor: tasks of several threads -> each runs, those of one thread in order") {
  boost::asio::io_context loop;
  AsioExecutor executor(loop);
  constexpr int kThreads = 3;
  constexpr int kTasks = 200;
  std::vector<std::vector<int>> seen(kThreads);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&executor, &seen, thread] {
      for (int task = 0; task < kTasks; ++task) {
        executor.post([&seen, thread, task] { seen[static_cast<std::size_t>(thread)].push_back(task); });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(seen[0].empty());
  loop.run();
  for (const auto& tasks : seen) {
    REQUIRE(tasks.size() == kTasks);
    for (int task = 0; task < kTasks; ++task) CHECK(tasks[static_cast<std::size_t>(task)] == task);
  }
}

TEST_CASE("asio executor: a move-only task is destroyed unrun -> with the loop") {
  const auto held = std::make_shared<int>(1);
  {
    boost::asio::io_context loop;
    AsioExecutor executor(loop);
    executor.post([copy = std::make_unique<std::shared_ptr<int>>(held)] {});
    CHECK(held.use_count() == 2);
  }
  CHECK(held.use_count() == 1);
}

TEST_CASE("asio timer: armed -> fires once, not inside arm() and not before its time") {
  boost::asio::io_context loop;
  AsioExecutor executor(loop);
  int fired = 0;
  const auto timer = executor.make_timer([&fired] { ++fired; });
  const auto begin = steady_clock::now();
  timer->arm(20);
  CHECK(fired == 0);
  loop.run();
  CHECK(fired == 1);
  CHECK(steady_clock::now() - begin >= milliseconds(20));
}

TEST_CASE("asio timer: armed again -> only the last arm() counts, earlier or later") {
  boost::asio::io_context loop;
  AsioExecutor executor(loop);
  int fired = 0;
  const auto timer = executor.make_timer([&fired] { ++fired; });
  timer->arm(kHourMs);
  timer->arm(5);
  loop.run();
  CHECK(fired == 1);

  loop.restart();
  const auto begin = steady_clock::now();
  timer->arm(5);
  timer->arm(30);
  loop.run();
  CHECK(fired == 2);
  CHECK(steady_clock::now() - begin >= milliseconds(30));
}

TEST_CASE("asio timer: disarmed or destroyed -> does not fire, and the loop is out of work") {
  boost::asio::io_context loop;
  AsioExecutor executor(loop);
  int fired = 0;
  auto disarmed = executor.make_timer([&fired] { ++fired; });
  auto destroyed = executor.make_timer([&fired] { ++fired; });
  auto never_armed = executor.make_timer([&fired] { ++fired; });
  disarmed->arm(kHourMs);
  destroyed->arm(0);
  disarmed->disarm();
  destroyed.reset();
  never_armed->disarm();
  loop.run();
  CHECK(fired == 0);
}

TEST_CASE("asio timer: disarmed and armed again before the loop runs -> fires once") {
  boost::asio::io_context loop;
  AsioExecutor executor(loop);
  int fired = 0;
  const auto timer = executor.make_timer([&fired] { ++fired; });
  timer->arm(0);
  timer->disarm();
  timer->arm(1);
  loop.run();
  CHECK(fired == 1);
}

TEST_CASE("asio timer: its task arms it again, then destroys it -> both work") {
  boost::asio::io_context loop;
  AsioExecutor executor(loop);
  int fired = 0;
  std::unique_ptr<Timer> timer;
  timer = executor.make_timer([&fired, &timer] {
    if (++fired < 3) {
      timer->arm(0);
    } else {
      timer.reset();
    }
  });
  timer->arm(-7);
  loop.run();
  CHECK(fired == 3);
  CHECK(timer == nullptr);
}

TEST_CASE("asio timer: a delay beyond all bounds -> is only long") {
  boost::asio::io_context loop;
  AsioExecutor executor(loop);
  int fired = 0;
  const auto timer = executor.make_timer([&fired] { ++fired; });
  timer->arm(INT64_MAX);
  loop.poll();
  CHECK(fired == 0);
  timer->disarm();
  loop.run();
  CHECK(fired == 0);
}

}  // namespace
}  // namespace settle
