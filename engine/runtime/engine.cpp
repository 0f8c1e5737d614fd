#include "settle/engine.hpp"

#include <algorithm>
#include <array>
#include <future>
#include <mutex>
#include <utility>

#include "engine/runtime/committer.hpp"
#include "engine/runtime/shard.hpp"

namespace settle {
namespace {

using runtime::Committer;
using runtime::Shard;
using runtime::Surroundings;

constexpr std::size_t kPurgeBatch = 1'000;

// What the caller of open() left out.
struct OwnPorts {
  SystemClock clock;
  std::vector<std::unique_ptr<ThreadExecutor>> executors;

  Executor* add(const char* name) {
    executors.push_back(std::make_unique<ThreadExecutor>(name));
    return executors.back().get();
  }
};

class RunningEngine final : public Engine {
 public:
  RunningEngine(Ports ports, EngineOptions options) : ports_(std::move(ports)), options_(options) {
    if (ports_.clock == nullptr) ports_.clock = &own_.clock;
    if (ports_.shards.empty()) ports_.shards.push_back(own_.add("settle-shard"));
    if (ports_.committer == nullptr) ports_.committer = own_.add("settle-commit");
    if (ports_.reader == nullptr) ports_.reader = own_.add("settle-read");
    if (!ports_.make_random) ports_.make_random = make_system_random;
    if (!ports_.log) ports_.log = [](LogLevel, std::string_view, std::string_view) {};
    gid_random_ = ports_.make_random();

    surroundings_ =
        std::make_shared<const Surroundings>(Surroundings{ports_.store,
                                                          *ports_.clock,
                                                          *ports_.reader,
                                                          options_,
                                                          {options_.retry_interval_ms, options_.retry_interval_max_ms},
                                                          ports_.log,
                                                          ports_.log_level});
    const std::size_t count = ports_.shards.size();
    committer_ = std::make_shared<Committer>(
        ports_.store, *ports_.committer, count,
        [this](std::size_t shard, std::uint64_t epoch, std::vector<runtime::Committed> results) {
          shards_[shard]->deliver(epoch, std::move(results));
        },
        ports_.log);
    for (std::size_t i = 0; i < count; ++i) {
      shards_.push_back(
          std::make_shared<Shard>(i, count, *ports_.shards[i], committer_, surroundings_, ports_.make_random()));
    }
  }

  ~RunningEngine() override {
    if (stopped_ || own_.executors.empty()) return;
    std::promise<void> stopped;
    stop(0, [&stopped] { stopped.set_value(); });
    stopped.get_future().wait();
  }

  Result<Done> start() {
    Result<Done> read = ports_.store.visit_unfinished(
        [this](StoredTransaction stored) {
          Shard& owner = shard(stored.definition->gid);
          owner.adopt(std::move(stored));
          return true;
        },
        [this](Error damaged) { ports_.log(LogLevel::error, "", damaged.message); });
    if (!read) return read;
    for (const auto& each : shards_) {
      each->post([each = each.get(), callers = ports_.callers] { each->start(callers); });
    }
    if (options_.finished_expire_ms > 0) {
      ports_.reader->post([this] {
        purge_timer_ = ports_.reader->make_timer([this] { purge(); });
        purge_timer_->arm(options_.purge_interval_ms);
      });
    }
    return Done{};
  }

  void submit(Definition definition, Completion<Done> completion) override {
    if (Result<Done> ok = check(definition); !ok) {
      refuse(definition.gid, std::move(ok.error()), std::move(completion));
      return;
    }
    Shard& owner = shard(definition.gid);
    owner.post([&owner, definition = std::move(definition), completion = std::move(completion)]() mutable {
      owner.submit(std::move(definition), std::move(completion));
    });
  }

  void prepare(Definition definition, Completion<Done> completion) override {
    if (Result<Done> ok = check(definition); !ok) {
      refuse(definition.gid, std::move(ok.error()), std::move(completion));
      return;
    }
    Shard& owner = shard(definition.gid);
    owner.post([&owner, definition = std::move(definition), completion = std::move(completion)]() mutable {
      owner.prepare(std::move(definition), std::move(completion));
    });
  }

  void abort(std::string gid, std::optional<TransType> type, std::string reason, Completion<Done> completion) override {
    Shard& owner = shard(gid);
    owner.post(
        [&owner, gid = std::move(gid), type, reason = std::move(reason), completion = std::move(completion)]() mutable {
          owner.abort(std::move(gid), type, std::move(reason), std::move(completion));
        });
  }

  void force_stop(std::string gid, Completion<Done> completion) override {
    Shard& owner = shard(gid);
    owner.post([&owner, gid = std::move(gid), completion = std::move(completion)]() mutable {
      owner.force_stop(std::move(gid), std::move(completion));
    });
  }

  void make_due(std::string gid, Completion<Done> completion) override {
    Shard& owner = shard(gid);
    owner.post([&owner, gid = std::move(gid), completion = std::move(completion)]() mutable {
      owner.make_due(std::move(gid), std::move(completion));
    });
  }

  void make_all_due(std::int64_t later_than_ms, std::size_t limit, Completion<MadeDue> completion) override {
    make_due_from(0, later_than_ms, limit, {}, std::move(completion));
  }

  void query(std::string gid, Completion<std::optional<StoredTransaction>> completion) override {
    Shard& owner = shard(gid);
    owner.post([&owner, gid = std::move(gid), completion = std::move(completion)]() mutable {
      owner.query(std::move(gid), std::move(completion));
    });
  }

  void list(ScanFilter filter, std::string position, std::size_t limit, Completion<ScanPage> completion) override {
    ports_.reader->post(
        [this, filter, position = std::move(position), limit, completion = std::move(completion)]() mutable {
          auto page = ports_.store.scan(filter, position, limit);
          shards_.front()->post(
              [page = std::move(page), completion = std::move(completion)]() mutable { completion(std::move(page)); });
        });
  }

  void wait(std::string gid, Completion<GlobalStatus> completion) override {
    Shard& owner = shard(gid);
    owner.post([&owner, gid = std::move(gid), completion = std::move(completion)]() mutable {
      owner.wait(std::move(gid), std::move(completion));
    });
  }

  void watch(std::string gid, UniqueFunction<void(Result<GlobalStatus>)> observer) override {
    Shard& owner = shard(gid);
    owner.post([&owner, gid = std::move(gid), observer = std::move(observer)]() mutable {
      owner.watch(std::move(gid), std::move(observer));
    });
  }

  std::string new_gid() override {
    // 22 characters of 62 hold more than the 128 bits that are drawn.
    static constexpr std::string_view kLetters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    std::array<std::uint64_t, 2> bits;
    {
      const std::lock_guard lock(gid_mutex_);
      bits = {gid_random_->next(), gid_random_->next()};
    }
    std::string gid;
    for (std::uint64_t half : bits) {
      for (int i = 0; i < 11; ++i, half /= kLetters.size()) gid.push_back(kLetters[half % kLetters.size()]);
    }
    return gid;
  }

  void clock_advanced(UniqueFunction<void()> settled) override {
    const auto done = when_all(shards_.size(), std::move(settled));
    for (const auto& each : shards_) {
      each->post([each = each.get(), done] { each->when_settled([done] { (*done)(); }); });
    }
  }

  void stop(std::int64_t drain_ms, UniqueFunction<void()> stopped) override {
    {
      const std::lock_guard lock(stop_mutex_);
      if (stopped_) {
        ports_.committer->post(std::move(stopped));
        return;
      }
      stop_waiters_.push_back(std::move(stopped));
      if (stop_waiters_.size() > 1) return;
    }
    const auto halted = when_all(shards_.size(), [this] { close(); });
    for (const auto& each : shards_) {
      each->post([each = each.get(), drain_ms, halted] { each->halt(drain_ms, [halted] { (*halted)(); }); });
    }
  }

  EngineStatistics statistics() const override {
    EngineStatistics sum;
    for (const auto& each : shards_) {
      const Shard::Counters& counters = each->counters();
      sum.accepted += counters.accepted.load(std::memory_order_relaxed);
      sum.succeeded += counters.succeeded.load(std::memory_order_relaxed);
      sum.failed += counters.failed.load(std::memory_order_relaxed);
      sum.calls += counters.calls.load(std::memory_order_relaxed);
      sum.active += counters.active.load(std::memory_order_relaxed);
      sum.parked += counters.parked.load(std::memory_order_relaxed);
    }
    sum.groups = committer_->groups();
    sum.changes = committer_->changes();
    return sum;
  }

 private:
  Shard& shard(const std::string& gid) { return *shards_[std::hash<std::string>()(gid) % shards_.size()]; }

  // A function that runs `done` when it was called `count` times, by whatever threads.
  static std::shared_ptr<Task> when_all(std::size_t count, Task done) {
    auto left = std::make_shared<std::atomic<std::size_t>>(count);
    return std::make_shared<Task>([left, done = std::move(done)]() mutable {
      if (--*left == 0) done();
    });
  }

  Result<Done> check(const Definition& definition) const {
    if (Result<Done> ok = validate(definition); !ok) return ok;
    for (std::size_t row = 0; row < definition.branches.size(); ++row) {
      const BranchDefinition& branch = definition.branches[row];
      if (branch.url.empty()) continue;
      const std::string_view scheme = std::string_view(branch.url).substr(0, branch.url.find("://"));
      const bool known = std::any_of(ports_.callers.begin(), ports_.callers.end(), [&](const CallerPort& port) {
        return std::find(port.schemes.begin(), port.schemes.end(), scheme) != port.schemes.end();
      });
      if (known && scheme.size() < branch.url.size()) continue;
      return Error{Code::invalid, "steps[" + std::to_string(row / 2) + "]." + std::string(to_string(branch.operation)) +
                                      ": the scheme of this url is not known: " + branch.url};
    }
    return Done{};
  }

  void refuse(const std::string& gid, Error error, Completion<Done> completion) {
    shard(gid).post(
        [error = std::move(error), completion = std::move(completion)]() mutable { completion(std::move(error)); });
  }

  void make_due_from(std::size_t index, std::int64_t later_than_ms, std::size_t limit, MadeDue sum,
                     Completion<MadeDue> completion) {
    Shard& each = *shards_[index];
    each.post([this, &each, index, later_than_ms, limit, sum, completion = std::move(completion)]() mutable {
      const MadeDue made = each.make_all_due(later_than_ms, limit - sum.count);
      sum.count += made.count;
      sum.remaining = sum.remaining || made.remaining;
      if (index + 1 == shards_.size()) {
        completion(sum);
      } else {
        make_due_from(index + 1, later_than_ms, limit, sum, std::move(completion));
      }
    });
  }

  // On the reader, a batch at a time, so that reads get their turn.
  void purge() {
    const std::int64_t now_ms = ports_.clock->now().wall_ms;
    const Result<PurgeResult> purged = ports_.store.purge(now_ms - options_.finished_expire_ms,
                                                          now_ms - options_.purged_expire_ms, now_ms, kPurgeBatch);
    if (!purged) ports_.log(LogLevel::error, "", "finished transactions cannot be purged: " + purged.error().message);
    purge_timer_->arm(purged && purged.value().more ? 0 : options_.purge_interval_ms);
  }

  // All shards have halted: waits for the reads and the writes that are under way.
  void close() {
    ports_.reader->post([this] {
      purge_timer_.reset();
      committer_->close([this] {
        std::vector<Task> waiters;
        {
          const std::lock_guard lock(stop_mutex_);
          stopped_ = true;
          waiters = std::move(stop_waiters_);
        }
        for (Task& waiter : waiters) waiter();
      });
    });
  }

  OwnPorts own_;
  Ports ports_;
  const EngineOptions options_;
  std::mutex gid_mutex_;
  std::unique_ptr<Random> gid_random_;
  std::shared_ptr<const Surroundings> surroundings_;
  std::shared_ptr<Committer> committer_;
  std::vector<std::shared_ptr<Shard>> shards_;
  std::unique_ptr<Timer> purge_timer_;  // the reader's

  std::mutex stop_mutex_;  // guards the two that follow
  std::vector<Task> stop_waiters_;
  bool stopped_ = false;
};

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(Ports ports, EngineOptions options) {
  auto engine = std::make_unique<RunningEngine>(std::move(ports), options);
  if (Result<Done> started = engine->start(); !started) return std::move(started.error());
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace settle
