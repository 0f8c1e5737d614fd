// A world on one thread, for tests and simulators of whatever takes its clock and its executors as ports: time passes
// only when the test says so, and what was posted runs in an order that a seed decides.
//
//   settle::testing::SimulatedWorld world;
//   settle::testing::SimulatedProcess& server = world.add_process();
//   settle::testing::SimulatedExecutor& loop = server.add_executor();
//   ports.clock = &server;
//   ports.shards = {&loop};
//   …
//   world.advance_ms(3'000);
//
// A process is what can be killed, paused and started again, with clocks that may differ from those of others. Its
// executors are its threads. Nothing takes time by itself: see advance_ms() and block_ms().
//
// Threads: everything belongs to one thread. Lifetime: the world owns its processes, a process its executors; none is
// ever destroyed before the world. A timer may outlive the world, and does nothing then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "settle/clock.hpp"
#include "settle/executor.hpp"
#include "settle/testing/seeded_random.hpp"

namespace settle::testing {

class SimulatedProcess;
class SimulatedWorld;

// One thread of a process: runs tasks one after another, in the order in which they were posted.
class SimulatedExecutor final : public Executor {
 public:
  SimulatedExecutor(SimulatedWorld& world, SimulatedProcess& process) : world_(world), process_(process) {}

  // Dropped unrun where the process is dead, or dies before it ran; here and below.
  void post(Task task) override;
  std::unique_ptr<Timer> make_timer(Task on_fire) override;
  // Posts it so much later, by the world's time: what a network or another machine brings.
  void post_later(std::int64_t delay_ms, Task task);
  // Runs nothing for so long, as a thread that gets no processor. Ends with the life of the process.
  void stall_ms(std::int64_t for_ms);

  SimulatedProcess& process() { return process_; }

 private:
  friend class SimulatedProcess;
  friend class SimulatedWorld;
  class SimulatedTimer;
  struct Posted {
    std::uint64_t number = 0;
    Task task;
  };

  SimulatedWorld& world_;
  SimulatedProcess& process_;
  std::deque<Posted> tasks_;
  std::int64_t busy_until_ms_ = 0;
  bool ready_ = false;  // one of the world's ready ones
};

// How the clocks of a process differ from the world's time.
struct ClockError {
  std::int64_t wall_offset_ms = 0;
  std::int64_t drift_ppm = 0;  // so many microseconds a second faster, both clocks and all timers; above -1'000'000
};

// A process is alive from the beginning. It is a Clock, the one of its machine: it goes on whatever becomes of it.
class SimulatedProcess final : public Clock {
 public:
  SimulatedProcess(SimulatedWorld& world, ClockError error) : world_(world), error_(error) {}

  Moment now() const override;
  SimulatedExecutor& add_executor();

  // SIGKILL: drops all its tasks, and what is posted to it until start(); its timers never fire. Objects that belong to
  // the process are the caller's to destroy, before or after. May be called inside one of its tasks, which then runs
  // to its end, with nobody to hear of it.
  void kill();
  // It may run again, with the executors that it has.
  void start() { alive_ = true; }
  bool alive() const { return alive_; }
  // How often it was killed. What was meant for an earlier life must not reach a later one.
  std::uint64_t lives() const { return lives_; }

  // SIGSTOP and SIGCONT: nothing runs, but time passes. What was due meanwhile runs at once after resume().
  void pause();
  void resume();
  bool paused() const { return paused_; }
  // Whether anything that was posted has not run yet: its executor stands still, or the process does.
  bool has_work() const;

  // The wall clock steps; the steady one does not.
  void step_wall_clock_ms(std::int64_t by_ms) { error_.wall_offset_ms += by_ms; }

 private:
  friend class SimulatedExecutor;
  friend class SimulatedWorld;

  std::int64_t local_ms(std::int64_t world_ms) const;
  std::int64_t world_ms_after(std::int64_t local_delay_ms) const;

  SimulatedWorld& world_;
  ClockError error_;
  std::vector<std::unique_ptr<SimulatedExecutor>> executors_;
  bool alive_ = true;
  bool paused_ = false;
  std::uint64_t lives_ = 0;
};

class SimulatedWorld {
 public:
  // Without a seed tasks run in the order in which they were posted, whatever their executor. With one, the executor
  // that runs next is drawn among those that have something to do.
  explicit SimulatedWorld(std::optional<std::uint64_t> seed = std::nullopt);
  ~SimulatedWorld();
  SimulatedWorld(const SimulatedWorld&) = delete;
  SimulatedWorld& operator=(const SimulatedWorld&) = delete;

  SimulatedProcess& add_process(ClockError error = {});

  // Since the beginning, which is 1'000. The wall clock of a process without error shows 1'700'000'000'000 and this.
  std::int64_t now_ms() const { return now_ms_ + offset_ms_; }

  // Runs what was posted, and what that posts, until nothing is left. No time passes, no timer fires.
  void run();
  // Runs one task; false where there is none.
  bool run_one();
  // Lets time pass; each timer fires at its time, and everything that is posted runs before the next does.
  void advance_ms(std::int64_t by_ms);
  // One task, or where there is none, the next thing that comes with time, not later than that. False: there is none.
  bool step(std::int64_t until_ms);
  // The clock jumps; nothing runs.
  void jump_ms(std::int64_t by_ms) { now_ms_ += by_ms; }

  // Runs it so much later, on nobody's behalf: it belongs to no process.
  void after_ms(std::int64_t delay_ms, Task task);

  // The task that runs now blocks for so long, as in a slow call: for the rest of it the clocks show the later time,
  // what it posts and arms counts from then, and its executor runs nothing before. What it changes directly is seen by
  // others at once. Only inside a task of an executor.
  void block_ms(std::int64_t for_ms);

 private:
  friend class SimulatedExecutor;
  friend class SimulatedProcess;

  // What comes with time: a task for an executor, or for nobody.
  struct Event {
    std::int64_t at_ms = 0;
    std::uint64_t number = 0;
    SimulatedExecutor* executor = nullptr;  // null where `task` runs on nobody's behalf
    std::uint64_t life = 0;                 // of the process
    Task task;                              // empty: the executor is no longer busy
  };

  void schedule(std::int64_t at_ms, SimulatedExecutor* executor, Task task);
  void enqueue(SimulatedExecutor& executor, Task task);
  void update_ready(SimulatedExecutor& executor);
  void forget(const SimulatedProcess& process);
  void next_event();

  std::optional<SeededRandom> random_;
  std::int64_t now_ms_ = 1'000;
  std::int64_t offset_ms_ = 0;  // of the task that runs and has blocked
  std::uint64_t numbers_ = 0;
  SimulatedExecutor* running_ = nullptr;
  std::vector<SimulatedExecutor*> ready_;
  std::vector<Event> events_;  // a heap, the next one first
  std::vector<std::unique_ptr<SimulatedProcess>> processes_;
};

}  // namespace settle::testing
