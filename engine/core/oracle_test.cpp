// Plays random sagas against a naive evaluator, which knows nothing of writes, restarts or events: it just runs step
// after step by recursion and undoes what it did on the way back.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "engine/core/decide_script.hpp"

namespace settle::core {
namespace {

// What the participants answer: the results of each row's calls in order, then success for ever.
struct Participants {
  std::vector<std::vector<CallResult>> results;
  std::vector<std::size_t> calls_made;

  CallResult next(std::size_t row) {
    const std::size_t call = calls_made[row]++;
    return call < results[row].size() ? results[row][call] : CallResult::success;
  }
};

struct Plot {
  Definition definition;
  Participants participants;
  int parkings_before_timeout = -1;  // the timeout passes while the saga is parked for this time; -1: never
};

struct Outcome {
  std::string status;
  std::string calls;
  std::string rows;
  std::string reason;
  std::int64_t interval_s = 0;
  bool operator==(const Outcome&) const = default;
};

class Oracle {
 public:
  explicit Oracle(Plot plot) : plot_(std::move(plot)), first_s_(first_interval_s()), interval_s_(first_s_) {
    rows_.assign(plot_.definition.branches.size(), 'p');
  }

  Outcome run() {
    const bool succeeded = step(0);
    return {succeeded ? "succeed" : "failed", calls_, rows_, reason_, interval_s_};
  }

 private:
  std::int64_t first_interval_s() const {
    const Options& options = plot_.definition.options;
    if (options.retry_interval_s > 0) return options.retry_interval_s;
    return options.timeout_to_fail_s > 0 ? std::min<std::int64_t>(10, options.timeout_to_fail_s) : 10;
  }

  // Whether this step and all after it succeeded; if not, what they did is undone.
  bool step(std::size_t number) {
    if (2 * number == rows_.size()) return true;
    if (!act(2 * number + 1)) {
      undo(2 * number);
      return false;
    }
    if (step(number + 1)) return true;
    undo(2 * number);
    return false;
  }

  bool act(std::size_t row) {
    for (std::int64_t tries = 1;; ++tries) {
      const std::optional<CallResult> result = call(row, 'A');
      if (!result || *result == CallResult::success) return done(row, 's');
      if (*result == CallResult::failure) {
        reason_ = "url:" + plot_.definition.branches[row].url + " return failed: no FAILURE";
        done(row, 'f');
        return false;
      }
      if (*result == CallResult::unknown) back_off();
      const std::int64_t limit = plot_.definition.options.retry_limit;
      if (limit > 0 && tries > limit) {
        reason_ = "RetryCount is greater than RetryLimit, RetryLimit: " + std::to_string(limit);
        return false;
      }
      if (limit > 0) continue;
      if (parkings_++ == plot_.parkings_before_timeout) {
        reason_ = "Timeout after " + std::to_string(plot_.definition.options.timeout_to_fail_s) + " seconds";
        return false;
      }
    }
  }

  void undo(std::size_t row) {
    for (;;) {
      const std::optional<CallResult> result = call(row, 'C');
      if (!result || *result == CallResult::success) break;
      if (*result != CallResult::ongoing) back_off();
    }
    done(row, 's');
  }

  std::optional<CallResult> call(std::size_t row, char letter) {
    if (plot_.definition.branches[row].url.empty()) return std::nullopt;
    calls_ += (calls_.empty() ? "" : " ") + std::string(1, letter) + std::to_string(row / 2);
    return plot_.participants.next(row);
  }

  bool done(std::size_t row, char status) {
    rows_[row] = status;
    interval_s_ = first_s_;
    return true;
  }

  void back_off() { interval_s_ = std::min<std::int64_t>(2 * interval_s_, 3'600); }

  Plot plot_;
  const std::int64_t first_s_;
  std::int64_t interval_s_;
  std::string rows_;
  std::string calls_;
  std::string reason_;
  int parkings_ = 0;
};

// The same by the core. Writes become durable at random moments; a restart may come where the saga is parked.
Outcome play(Plot plot, std::mt19937_64& random) {
  Script script(plot.definition, false);
  script.submit();
  std::string calls;
  std::vector<std::string> open;
  int parkings = 0;
  const auto note = [&] {
    const std::string names = script.started();
    if (names.empty()) return;
    calls += (calls.empty() ? "" : " ") + names;
    open.push_back(names);  // a sequential saga starts one at a time
  };
  while (!is_final(script.transaction.state.status) || !script.transaction.settled()) {
    if (!script.transaction.settled() && (open.empty() || random() % 2 == 0)) {
      script.durable();
    } else if (!open.empty()) {
      const std::string name = open.back();
      open.pop_back();
      const auto row = 2 * static_cast<std::size_t>(std::stoul(name.substr(1))) + (name[0] == 'A' ? 1 : 0);
      script.reply(name, plot.participants.next(row));
    } else {
      if (random() % 4 == 0) script.restart();
      const bool acting = script.transaction.state.status == GlobalStatus::submitted;
      if (acting && parkings++ == plot.parkings_before_timeout) {
        script.timeout();
      } else {
        script.retry();
      }
    }
    note();
  }
  return {script.status(), calls, script.rows(), script.reason(), script.interval_s()};
}

Plot random_plot(std::mt19937_64& random) {
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  Plot plot;
  plot.definition = make_saga(2 + below(5));
  Options& options = plot.definition.options;
  if (below(3) == 0) options.retry_limit = 1 + below(3);
  if (below(3) == 0) options.retry_interval_s = 1 + below(30);
  if (below(3) == 0) {
    options.timeout_to_fail_s = 1 + below(100);
    plot.parkings_before_timeout = static_cast<int>(below(4));
  }
  const std::size_t rows = plot.definition.branches.size();
  plot.participants.results.resize(rows);
  plot.participants.calls_made.resize(rows);
  for (std::size_t row = 0; row < rows; ++row) {
    if (below(10) == 0) plot.definition.branches[row].url.clear();
    for (unsigned left = below(2) * below(5); left > 0; --left) {
      const CallResult results[] = {CallResult::ongoing, CallResult::unknown, CallResult::unknown, CallResult::failure};
      plot.participants.results[row].push_back(results[below(4)]);
    }
  }
  return plot;
}

TEST_CASE(
    "core/oracle: random sequential sagas -> calls, rows, status, reason and interval as the naive evaluator says") {
  std::size_t failed = 0;
  for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
    std::mt19937_64 random(seed);
    const Plot plot = random_plot(random);
    const Outcome expected = Oracle(plot).run();
    const Outcome real = play(plot, random);
    failed += expected.status == "failed" ? 1 : 0;
    if (real == expected) continue;
    CAPTURE(seed);
    CHECK(real.calls == expected.calls);
    CHECK(real.rows == expected.rows);
    CHECK(real.status == expected.status);
    CHECK(real.reason == expected.reason);
    REQUIRE(real.interval_s == expected.interval_s);
  }
  CHECK(failed > 5'000);
  CHECK(failed < 15'000);
}

}  // namespace
}  // namespace settle::core
