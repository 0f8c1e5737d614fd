#include "sim/sweep.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "sim/checks/checks.hpp"

namespace settle::sim {
namespace {

constexpr int kBarWidth = 40;

class Sweep {
 public:
  explicit Sweep(const SimOptions& options) : options_(options), next_(options.first_seed) {}

  SweepResult go() {
    const auto begin = std::chrono::steady_clock::now();
    std::vector<std::thread> threads;
    for (std::size_t i = 1; i < options_.jobs; ++i) threads.emplace_back([this] { work(); });
    work();
    for (std::thread& thread : threads) thread.join();
    if (shows_) std::fputs("\r\033[K", stderr);
    std::sort(result_.failures.begin(), result_.failures.end(),
              [](const Failure& one, const Failure& other) { return one.seed < other.seed; });
    result_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return std::move(result_);
  }

 private:
  void work() {
    while (!ended_) {
      const std::uint64_t seed = next_++;
      if (seed > options_.last_seed) return;
      RunPlan plan = plan_of(seed);
      narrow(plan, options_.selection);
      const RunResult ran = run_seed(seed, options_);
      const std::lock_guard lock(mutex_);
      ++result_.seeds;
      result_.transactions += plan.transactions.size();
      result_.steps += ran.steps;
      for (std::size_t i = 0; i < kFaultCount; ++i) result_.faults[i] += ran.faults[i];
      if (!ran.violations.empty()) {
        result_.failures.push_back({seed, ran.violations.front()});
        if (options_.first_only) ended_ = true;
      }
      show();
    }
  }

  void show() {
    if (!shows_) return;
    const double part =
        static_cast<double>(result_.seeds) / static_cast<double>(options_.last_seed - options_.first_seed + 1);
    const auto percent = static_cast<int>(100 * part);
    if (percent == std::exchange(percent_, percent)) return;
    const auto full = static_cast<std::size_t>(kBarWidth * part);
    std::fprintf(stderr, "\r[%s%s] %3d %%, %zu found", std::string(full, '#').c_str(),
                 std::string(kBarWidth - full, '.').c_str(), percent, result_.failures.size());
  }

  const SimOptions& options_;
  const bool shows_ = isatty(STDERR_FILENO) == 1;
  std::atomic<std::uint64_t> next_;
  std::atomic<bool> ended_ = false;
  std::mutex mutex_;  // guards what comes next
  SweepResult result_;
  int percent_ = -1;
};

}  // namespace

RunResult run_seed(std::uint64_t seed, const SimOptions& options) {
  RunPlan plan = plan_of(seed);
  narrow(plan, options.selection);
  RunResult result = run(plan, options.plant);
  if (options.twice) {
    const RunResult again = run(plan, options.plant);
    if (again.hash != result.hash) result.violations.push_back({"replay", -1, "a second run went another way"});
  }
  return result;
}

SweepResult sweep(const SimOptions& options) { return Sweep(options).go(); }

void print_summary(const SweepResult& result, const SimOptions& options) {
  std::printf("%llu seeds, %llu transactions, %llu steps in %.1f s (%.0f transactions/s)\n",
              static_cast<unsigned long long>(result.seeds), static_cast<unsigned long long>(result.transactions),
              static_cast<unsigned long long>(result.steps), result.seconds,
              static_cast<double>(result.transactions) / std::max(result.seconds, 0.001));
  std::puts("faults injected:");
  for (std::size_t i = 0; i < kFaultCount; ++i) {
    std::printf("  %-16s%llu\n", std::string(to_string(static_cast<Fault>(i))).c_str(),
                static_cast<unsigned long long>(result.faults[i]));
  }
  for (const Failure& failure : result.failures) {
    std::printf("found: %s by t%d: %s\n  %s --minimise\n", failure.violation.rule.c_str(), failure.violation.tx,
                failure.violation.what.c_str(),
                replay_command(failure.seed, options.selection, options.plant_name).c_str());
  }
  std::printf("%zu seeds found something\n", result.failures.size());
}

}  // namespace settle::sim
