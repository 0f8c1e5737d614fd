#include "settle/testing/simulated_world.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

using namespace settle;
using namespace settle::testing;

namespace {

struct Fixture {
  Task note(std::string text) {
    return [this, text = std::move(text)] { seen.push_back(text); };
  }

  std::vector<std::string> seen;
  SimulatedWorld world;
  SimulatedProcess& process = world.add_process();
  SimulatedExecutor& one = process.add_executor();
  SimulatedExecutor& other = process.add_executor();
};

using Seen = std::vector<std::string>;

// Which of two executors runs when, as 0 and 1.
std::string order_of(std::uint64_t seed) {
  std::string order;
  SimulatedWorld world(seed);
  SimulatedProcess& process = world.add_process();
  for (int executor = 0; executor < 2; ++executor) {
    SimulatedExecutor& each = process.add_executor();
    for (int i = 0; i < 8; ++i) each.post([&order, executor] { order += std::to_string(executor); });
  }
  world.run();
  return order;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "world/order: without a seed as posted, over all executors; no time passes") {
  one.post(note("a"));
  other.post(note("b"));
  one.post(note("c"));
  world.run();
  CHECK(seen == Seen{"a", "b", "c"});
  CHECK(world.now_ms() == 1'000);
}

TEST_CASE("world/order: with a seed the same for the same seed, and another one for others") {
  CHECK(order_of(1) == order_of(1));
  CHECK(order_of(1).size() == 16);
  CHECK((order_of(1) != order_of(2) || order_of(1) != order_of(3)));
}

TEST_CASE_FIXTURE(Fixture, "world/timer: fires at its time, once for each arming; a later arming replaces it") {
  const auto timer = one.make_timer([this] { seen.push_back(std::to_string(world.now_ms())); });
  timer->arm(100);
  timer->arm(200);
  world.advance_ms(150);
  CHECK(seen.empty());
  world.advance_ms(1'000);
  CHECK(seen == Seen{"1200"});
  timer->arm(10);
  timer->disarm();
  world.advance_ms(100);
  CHECK(seen.size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "world/timer: destroyed -> never fires; may be destroyed by its own task") {
  auto first = one.make_timer(note("first"));
  first->arm(1);
  first.reset();
  std::unique_ptr<Timer> second;
  second = one.make_timer([this, &second] {
    second.reset();
    seen.push_back("second");
  });
  second->arm(1);
  world.advance_ms(10);
  CHECK(seen == Seen{"second"});
}

TEST_CASE_FIXTURE(Fixture, "world/kill: drops tasks, timers and what comes later, of this process alone") {
  SimulatedProcess& survivor = world.add_process();
  SimulatedExecutor& loop = survivor.add_executor();
  const auto timer = one.make_timer(note("timer"));
  timer->arm(10);
  one.post(note("task"));
  one.post_later(10, note("later"));
  loop.post(note("survivor"));
  loop.post_later(10, note("survivor later"));
  process.kill();
  one.post(note("to the dead"));
  world.advance_ms(5);
  process.start();
  one.post(note("to the living"));
  world.advance_ms(100);
  CHECK(seen == Seen{"survivor", "to the living", "survivor later"});
  CHECK(process.lives() == 1);
}

TEST_CASE_FIXTURE(Fixture, "world/kill: inside of its own task -> the rest of it is heard by nobody") {
  one.post([this] {
    process.kill();
    other.post(note("posted"));
    one.post_later(1, note("sent"));
    world.block_ms(60'000);
  });
  world.advance_ms(10);
  CHECK(seen.empty());
  process.start();
  one.post(note("next life"));
  world.run();
  CHECK(seen == Seen{"next life"});
}

TEST_CASE_FIXTURE(Fixture, "world/pause: nothing runs, time passes; then what was due runs, each timer once") {
  const auto timer = one.make_timer(note("timer"));
  timer->arm(10);
  process.pause();
  one.post(note("task"));
  world.advance_ms(60'000);
  CHECK(seen.empty());
  CHECK(process.now().steady_ms == 61'000);
  process.resume();
  world.run();
  CHECK(seen == Seen{"task", "timer"});
}

TEST_CASE_FIXTURE(Fixture, "world/block: the rest of the task is later, and so is what it posts; its executor waits") {
  one.post([this] {
    seen.push_back("before " + std::to_string(process.now().steady_ms));
    world.block_ms(50);
    seen.push_back("behind " + std::to_string(process.now().steady_ms));
    other.post([this] { seen.push_back("posted " + std::to_string(process.now().steady_ms)); });
  });
  one.post([this] { seen.push_back("next " + std::to_string(process.now().steady_ms)); });
  other.post([this] { seen.push_back("meanwhile " + std::to_string(process.now().steady_ms)); });
  world.advance_ms(10);
  CHECK(seen == Seen{"before 1000", "behind 1050", "meanwhile 1000"});
  world.advance_ms(100);
  CHECK(seen.size() == 5);
  CHECK(seen.back() != seen[2]);
  CHECK(world.now_ms() == 1'110);
}

TEST_CASE("world/clocks: offset and drift show, and timers follow the clock of their process") {
  SimulatedWorld world;
  SimulatedProcess& fast = world.add_process({.wall_offset_ms = 5'000, .drift_ppm = 100'000});
  const Moment begin = fast.now();
  std::int64_t fired_at_ms = 0;
  const auto timer = fast.add_executor().make_timer([&] { fired_at_ms = fast.now().steady_ms; });
  timer->arm(1'100);
  world.advance_ms(999);
  CHECK(fired_at_ms == 0);
  world.advance_ms(2);
  CHECK(fired_at_ms >= begin.steady_ms + 1'100);
  CHECK(fast.now().steady_ms - begin.steady_ms == 1'101);
  CHECK(fast.now().wall_ms - begin.wall_ms == 1'101);
  CHECK(begin.wall_ms == 1'700'000'000'000 + begin.steady_ms + 5'000);
}

TEST_CASE_FIXTURE(Fixture, "world/after: belongs to no process, so none takes it along") {
  world.after_ms(10, note("network"));
  process.kill();
  world.advance_ms(9);
  CHECK(seen.empty());
  world.advance_ms(1);
  CHECK(seen == Seen{"network"});
}
