// A single-threaded world for tests: a clock that stands still until it is moved, and executors whose tasks run when
// the test says so. Everything happens in a fixed order.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "settle/branch_caller.hpp"
#include "settle/clock.hpp"
#include "settle/engine.hpp"
#include "settle/executor.hpp"
#include "settle/random.hpp"
#include "settle/store.hpp"

namespace settle::testing {

// Clock and executor in one.
class SimulatedWorld final : public Clock, public Executor {
 public:
  Moment now() const override { return {1'700'000'000'000 + now_ms_ + wall_offset_ms_, now_ms_}; }
  void post(Task task) override { tasks_.push_back(std::move(task)); }
  std::unique_ptr<Timer> make_timer(Task on_fire) override {
    return std::make_unique<SimulatedTimer>(*this, std::move(on_fire));
  }

  // Runs what was posted, and what that posts, until nothing is left. No time passes.
  void run() {
    while (!tasks_.empty()) run_one();
  }
  // Runs one task; false where there is none.
  bool run_one() {
    if (tasks_.empty()) return false;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
    return true;
  }
  // Lets time pass, firing each timer at its time.
  void advance_ms(std::int64_t by_ms) {
    const std::int64_t end_ms = now_ms_ + by_ms;
    run();
    while (!timers_.empty() && timers_.begin()->first.first <= end_ms) {
      now_ms_ = std::max(now_ms_, timers_.begin()->first.first);
      timers_.begin()->second->fire();
      run();
    }
    now_ms_ = end_ms;
    run();
  }
  // The clock jumps; nothing runs.
  void jump_ms(std::int64_t by_ms) { now_ms_ += by_ms; }
  // Runs `end`, and drops every task that was posted before or by it, unrun.
  template <class F>
  void forget_everything(F end) {
    tasks_.clear();
    end();
    tasks_.clear();
  }
  // The wall clock steps; the steady one does not.
  void step_wall_clock_ms(std::int64_t by_ms) { wall_offset_ms_ += by_ms; }

 private:
  class SimulatedTimer;
  using TimerKey = std::pair<std::int64_t, std::uint64_t>;

  class SimulatedTimer final : public Timer {
   public:
    SimulatedTimer(SimulatedWorld& world, Task on_fire) : world_(world), on_fire_(std::move(on_fire)) {}
    ~SimulatedTimer() override { disarm(); }
    void arm(std::int64_t delay_ms) override {
      disarm();
      key_ = {world_.now_ms_ + delay_ms, ++world_.armed_};
      world_.timers_.emplace(key_, this);
    }
    void disarm() override { world_.timers_.erase(key_); }
    void fire() {
      disarm();
      on_fire_();
    }

   private:
    SimulatedWorld& world_;
    Task on_fire_;
    TimerKey key_{-1, 0};
  };

  std::int64_t now_ms_ = 1'000;
  std::int64_t wall_offset_ms_ = 0;
  std::uint64_t armed_ = 0;
  std::deque<Task> tasks_;
  std::map<TimerKey, SimulatedTimer*> timers_;
};

class CountingRandom final : public Random {
 public:
  std::uint64_t next() override { return value_ += 0x9E3779B97F4A7C15ull; }

 private:
  std::uint64_t value_ = 0;
};

// A participant that a test scripts: replies by "branch_id operation" ("01 action"), in turn; SUCCESS where nothing is
// said. Keeps a record of all calls. The answer to a call whose script says `hold` is kept back until release().
class ScriptedParticipant {
 public:
  struct Script {
    CallResult result = CallResult::success;
    std::string text;
    bool hold = false;
  };

  void reply(const std::string& call, Script script) { scripts_[call].push_back(std::move(script)); }

  CallerPort port(std::string scheme = "test") {
    return {{std::move(scheme)}, [this](Executor&) { return std::make_unique<Caller>(*this); }};
  }

  // Answers the oldest call that is held back, as given.
  bool release(CallResult result, std::string text = {}) {
    if (held_.empty()) return false;
    BranchCompletion completion = std::move(held_.front());
    held_.pop_front();
    completion({result, std::move(text)});
    return true;
  }
  // Those who wait for the answers that are held back have gone.
  void drop_held() { held_.clear(); }

  // The calls since the last take, as "gid branch_id operation".
  std::vector<std::string> take_calls() { return std::exchange(calls_, {}); }

 private:
  class Caller final : public BranchCaller {
   public:
    explicit Caller(ScriptedParticipant& participant) : participant_(participant) {}
    void call(BranchCall call, BranchCompletion completion) override {
      participant_.called(std::move(call), std::move(completion));
    }

   private:
    ScriptedParticipant& participant_;
  };

  void called(BranchCall call, BranchCompletion completion) {
    const std::string name = call.branch_id + " " + call.operation;
    calls_.push_back(call.gid + " " + name);
    auto& scripts = scripts_[name];
    if (scripts.empty()) {
      completion({CallResult::success, "ok"});
      return;
    }
    Script script = std::move(scripts.front());
    scripts.pop_front();
    if (script.hold) {
      held_.push_back(std::move(completion));
    } else {
      completion({script.result, std::move(script.text)});
    }
  }

  std::map<std::string, std::deque<Script>> scripts_;
  std::deque<BranchCompletion> held_;
  std::vector<std::string> calls_;
};

// A store in front of another one, whose writes a test can make fail.
class FaultyStore final : public Store {
 public:
  explicit FaultyStore(Store& store) : store_(store) {}

  bool fail_writes = false;          // apply() fails without doing anything
  bool fail_after_applying = false;  // apply() does it, and says that it failed
  bool fail_repairs = false;
  bool fail_reads = false;
  std::size_t repairs = 0;
  std::vector<Change> applied;  // everything that apply() was given

  StoreTraits traits() const override { return store_.traits(); }
  void apply(std::span<const Change> group, std::span<ChangeOutcome> outcomes) override {
    applied.insert(applied.end(), group.begin(), group.end());
    if (!fail_writes) store_.apply(group, outcomes);
    if (fail_writes || fail_after_applying) {
      for (ChangeOutcome& outcome : outcomes) outcome = {ChangeResult::failed, 0};
    }
  }
  ChangeResult apply_key_value(const KeyValueChange& change) override {
    const ChangeResult result = fail_writes ? ChangeResult::failed : store_.apply_key_value(change);
    return fail_after_applying ? ChangeResult::failed : result;
  }
  Result<std::optional<KeyValue>> load_key_value(const std::string& category, const std::string& key) override {
    if (fail_reads) return Error{Code::internal, "cannot be read"};
    return store_.load_key_value(category, key);
  }
  Result<KeyValuePage> scan_key_values(const std::string& category, const std::string& position,
                                       std::size_t limit) override {
    return store_.scan_key_values(category, position, limit);
  }
  Result<Done> repair() override {
    ++repairs;
    if (fail_repairs) return Error{Code::internal, "still broken"};
    fail_writes = fail_after_applying = false;
    return store_.repair();
  }
  Result<std::optional<StoredTransaction>> load(const std::string& gid) override {
    if (fail_reads) return Error{Code::internal, "cannot be read"};
    return store_.load(gid);
  }
  Result<std::optional<GlobalStatus>> purged_status(const std::string& gid) override {
    return store_.purged_status(gid);
  }
  Result<ScanPage> scan(const ScanFilter& filter, const std::string& position, std::size_t limit) override {
    return store_.scan(filter, position, limit);
  }
  Result<Done> visit_unfinished(UniqueFunction<bool(StoredTransaction)> visit,
                                UniqueFunction<void(Error)> damaged) override {
    return store_.visit_unfinished(std::move(visit), std::move(damaged));
  }
  Result<PurgeResult> purge(std::int64_t finished_before_ms, std::int64_t forgotten_before_ms, std::int64_t now_ms,
                            std::size_t limit) override {
    return store_.purge(finished_before_ms, forgotten_before_ms, now_ms, limit);
  }
  Result<Claimed> claim(const ClaimRequest& request, std::size_t limit, UniqueFunction<void(Error)> damaged) override {
    if (fail_reads) return Error{Code::internal, "cannot be read"};
    return store_.claim(request, limit, std::move(damaged));
  }
  Result<ClaimedOne> claim_one(const std::string& gid, const ClaimRequest& request) override {
    if (fail_reads) return Error{Code::internal, "cannot be read"};
    return store_.claim_one(gid, request);
  }
  Result<std::size_t> make_due(std::int64_t later_than_ms, std::int64_t now_ms, std::size_t limit) override {
    return store_.make_due(later_than_ms, now_ms, limit);
  }
  Result<std::size_t> end_leases(const std::function<bool(const std::string& owner)>& is_gone,
                                 std::int64_t now_ms) override {
    if (fail_reads) return Error{Code::internal, "cannot be read"};
    return store_.end_leases(is_gone, now_ms);
  }

 private:
  Store& store_;
};

}  // namespace settle::testing
