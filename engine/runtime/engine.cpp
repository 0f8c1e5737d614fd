#include "settle/engine.hpp"

#include <algorithm>
#include <array>
#include <future>
#include <mutex>
#include <utility>

#include "engine/runtime/committer.hpp"
#include "engine/runtime/refusals.hpp"
#include "engine/runtime/request_checks.hpp"
#include "engine/runtime/shard.hpp"

namespace settle {
namespace {

using runtime::Claimer;
using runtime::Committer;
using runtime::RequestChecks;
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
  RunningEngine(Ports ports, EngineOptions options)
      : ports_(with_clock(std::move(ports), own_.clock)), options_(options), topics_(ports_.store, *ports_.clock) {
    if (ports_.shards.empty()) ports_.shards.push_back(own_.add("settle-shard"));
    const StoreTraits traits = ports_.store.traits();
    readers_ = threads_for("settle-read", ports_.reader, traits.readers);
    const std::vector<Executor*> lanes = threads_for("settle-commit", ports_.committer, traits.lanes);
    if (!ports_.make_random) ports_.make_random = make_system_random;
    if (!ports_.log) ports_.log = [](LogLevel, std::string_view, std::string_view) {};
    gid_random_ = ports_.make_random();

    auto surroundings = std::make_shared<Surroundings>(Surroundings{
        ports_.store,
        *ports_.clock,
        readers_,
        options_,
        {options_.retry_interval_ms, options_.retry_interval_max_ms, options_.timeout_to_fail_ms, options_.run_ahead},
        topics_,
        ports_.telemetry,
        ports_.alert,
        ports_.log,
        ports_.log_level,
        traits,
        nullptr,
        nullptr});
    if (traits.shared) {
      surroundings->owners = std::make_shared<runtime::Owners>(ports_.process.name, new_gid());
      // A claim takes long where the database does, so nobody else waits behind it.
      Executor& lane = *threads_for("settle-claim", ports_.reader, 1).front();
      surroundings->claimer = std::make_shared<Claimer>(
          ports_.store, *ports_.clock, lane, *surroundings->owners, options_, ports_.make_random(),
          [this](StoredTransaction claimed, const std::string& owner, const runtime::AskedLease& lease) {
            Shard& to = shard(claimed.definition->gid);
            to.post([&to, claimed = std::move(claimed), owner, lease]() mutable {
              to.adopt_claimed(std::move(claimed), owner, lease);
            });
          },
          ports_.log);
    }
    surroundings_ = std::move(surroundings);
    const std::size_t count = ports_.shards.size();
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
      committers_.push_back(std::make_shared<Committer>(
          ports_.store, *lanes[lane], count,
          [this, lane](std::size_t shard, std::uint64_t epoch, std::vector<runtime::Committed> results) {
            if (results.empty() && shard == 0) read_topics();
            shards_[shard]->deliver(lane, epoch, std::move(results));
          },
          ports_.log, ports_.telemetry));
    }
    for (std::size_t i = 0; i < count; ++i) {
      shards_.push_back(
          std::make_shared<Shard>(i, count, *ports_.shards[i], committers_, surroundings_, ports_.make_random()));
    }
  }

  ~RunningEngine() override {
    if (stopped_) {
      for (const auto& each : shards_) each->drop_inbox();
      return;
    }
    if (own_.executors.empty()) {
      for (const auto& each : shards_) each->abandon();
      for (const auto& each : committers_) each->abandon();
      return;
    }
    std::promise<void> stopped;
    stop(0, [&stopped] { stopped.set_value(); });
    stopped.get_future().wait();
  }

  Result<Done> start() {
    if (!surroundings_->claimer) {
      Result<Done> read = ports_.store.visit_unfinished(
          [this](StoredTransaction stored) {
            Shard& owner = shard(stored.definition->gid);
            owner.adopt(std::move(stored));
            return true;
          },
          [this](Error damaged) { ports_.log(LogLevel::error, "", damaged.message); });
      if (!read) return read;
    }
    if (Result<Done> known = topics_.read(ports_.log); !known) return known;
    for (const auto& each : shards_) {
      each->post([each = each.get(), callers = ports_.callers] { each->start(callers); });
    }
    if (surroundings_->claimer) surroundings_->claimer->start(ports_.process);
    readers_.front()->post([this] {
      if (options_.finished_expire_ms > 0) {
        purge_timer_ = readers_.front()->make_timer([this] { purge(); });
        purge_timer_->arm(options_.purge_interval_ms);
      }
      if (surroundings_->claimer) {
        topics_timer_ = readers_.front()->make_timer([this] { read_topics_of_others(); });
        topics_timer_->arm(options_.topics_interval_ms);
      }
    });
    return Done{};
  }

  void submit(Definition definition, Completion<Done> completion) override {
    create(std::move(definition), GlobalStatus::submitted, std::move(completion));
  }

  void prepare(Definition definition, Completion<Done> completion) override {
    create(std::move(definition), GlobalStatus::prepared, std::move(completion));
  }

  void abort(std::string gid, std::optional<TransType> type, std::string reason, Completion<Done> completion) override {
    Shard& owner = shard(gid);
    owner.post(
        [&owner, gid = std::move(gid), type, reason = std::move(reason), completion = std::move(completion)]() mutable {
          owner.abort(std::move(gid), type, std::move(reason), std::move(completion));
        });
  }

  void prepare_workflow(Definition definition, Completion<StoredTransaction> completion) override {
    if (Result<Done> ok = checks_.workflow(definition); !ok) {
      refuse(definition.gid, std::move(ok.error()), std::move(completion));
      return;
    }
    Shard& owner = shard(definition.gid);
    owner.post([&owner, definition = std::move(definition), completion = std::move(completion)]() mutable {
      owner.prepare_workflow(std::move(definition), std::move(completion));
    });
  }

  void register_branch(std::string gid, TransType type, Registration registration, BranchStatus status,
                       Completion<Done> completion) override {
    if (Result<Done> ok = checks_.registration(type, registration, status); !ok) {
      refuse(gid, std::move(ok.error()), std::move(completion));
      return;
    }
    Shard& owner = shard(gid);
    owner.post([&owner, gid = std::move(gid), type, registration = std::move(registration), status,
                completion = std::move(completion)]() mutable {
      owner.register_branch(std::move(gid), type, std::move(registration), status, std::move(completion));
    });
  }

  void finish_workflow(std::string gid, GlobalStatus status, std::string rollback_reason, std::string result,
                       Completion<Done> completion) override {
    if (Result<Done> ok = checks_.workflow_result(status, result); !ok) {
      refuse(gid, std::move(ok.error()), std::move(completion));
      return;
    }
    Shard& owner = shard(gid);
    core::Finished finished{status, std::move(rollback_reason), std::move(result)};
    owner.post(
        [&owner, gid = std::move(gid), finished = std::move(finished), completion = std::move(completion)]() mutable {
          owner.finish_workflow(std::move(gid), std::move(finished), std::move(completion));
        });
  }

  void subscribe(std::string topic, std::string url, std::string remark, Completion<Done> completion) override {
    Subscriber subscriber{std::move(url), std::move(remark)};
    if (Result<Done> ok = checks_.subscriber(topic, subscriber); !ok) {
      return refuse(topic, std::move(ok.error()), std::move(completion));
    }
    change_topics(
        [this, topic = std::move(topic), subscriber = std::move(subscriber)] {
          return topics_.subscribe(*committers_.front(), topic, subscriber);
        },
        std::move(completion));
  }

  void unsubscribe(std::string topic, std::string url, Completion<Done> completion) override {
    Result<Done> ok = checks_.topic(topic);
    if (ok && url.empty()) ok = Error{Code::invalid, "empty url"};
    if (!ok) return refuse(topic, std::move(ok.error()), std::move(completion));
    change_topics([this, topic = std::move(topic),
                   url = std::move(url)] { return topics_.unsubscribe(*committers_.front(), topic, url); },
                  std::move(completion));
  }

  void delete_topic(std::string topic, Completion<Done> completion) override {
    if (Result<Done> ok = checks_.topic(topic); !ok) {
      return refuse(topic, std::move(ok.error()), std::move(completion));
    }
    change_topics([this, topic = std::move(topic)] { return topics_.remove(*committers_.front(), topic); },
                  std::move(completion));
  }

  void query_key_value(std::string category, std::string key, Completion<std::optional<KeyValue>> completion) override {
    read([this, category = std::move(category),
          key = std::move(key)] { return ports_.store.load_key_value(category, key); },
         std::move(completion));
  }

  void list_key_values(std::string category, std::string position, std::size_t limit,
                       Completion<KeyValuePage> completion) override {
    read([this, category = std::move(category), position = std::move(position),
          limit] { return ports_.store.scan_key_values(category, position, limit); },
         std::move(completion));
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
    if (surroundings_->claimer) {
      make_due_in_store(later_than_ms, limit, std::move(completion));
    } else {
      make_due_from(0, later_than_ms, limit, 0, std::move(completion));
    }
  }

  void query(std::string gid, Completion<std::optional<StoredTransaction>> completion) override {
    Shard& owner = shard(gid);
    owner.post([&owner, gid = std::move(gid), completion = std::move(completion)]() mutable {
      owner.query(std::move(gid), std::move(completion));
    });
  }

  void list(ScanFilter filter, std::string position, std::size_t limit, Completion<ScanPage> completion) override {
    read([this, filter, position = std::move(position), limit] { return ports_.store.scan(filter, position, limit); },
         std::move(completion));
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
    if (!surroundings_->claimer) {
      settle_shards(std::move(settled));
      return;
    }
    surroundings_->claimer->look_until_empty(
        [this, settled = std::move(settled)]() mutable { settle_shards(std::move(settled)); });
  }

  void settle_shards(Task settled) {
    const auto done = when_all(shards_.size(), std::move(settled));
    for (const auto& each : shards_) {
      each->post([each = each.get(), done] { each->when_settled([done] { (*done)(); }); });
    }
  }

  void stop(std::int64_t drain_ms, UniqueFunction<void()> stopped) override {
    {
      const std::lock_guard lock(stop_mutex_);
      if (stopped_) {
        readers_.front()->post(std::move(stopped));
        return;
      }
      stopping_ = true;
      stop_waiters_.push_back(std::move(stopped));
      if (stop_waiters_.size() > 1) return;
    }
    if (surroundings_->claimer) {
      surroundings_->claimer->stop([this, drain_ms] { halt_shards(drain_ms); });
    } else {
      halt_shards(drain_ms);
    }
  }

  void halt_shards(std::int64_t drain_ms) {
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
      sum.due += counters.due.load(std::memory_order_relaxed);
      sum.calls_in_flight += counters.calls_in_flight.load(std::memory_order_relaxed);
      sum.calls_waiting += counters.calls_waiting.load(std::memory_order_relaxed);
      sum.leases_lost += counters.leases_lost.load(std::memory_order_relaxed);
    }
    for (const auto& each : committers_) {
      sum.groups += each->groups();
      sum.changes += each->changes();
      sum.changes_waiting += each->waiting();
      sum.store_broken = sum.store_broken || each->broken();
    }
    if (surroundings_->claimer) sum.claimed = surroundings_->claimer->claimed();
    return sum;
  }

 private:
  void create(Definition&& definition, GlobalStatus status, Completion<Done>&& completion) {
    if (Result<Done> ok = checks_.definition(definition, status); !ok) {
      refuse(definition.gid, std::move(ok.error()), std::move(completion));
      return;
    }
    Shard& owner = shard(definition.gid);
    auto request = std::make_unique<runtime::CreateRequest>();
    request->definition = std::make_shared<Definition>(std::move(definition));
    request->status = status;
    request->completion = std::move(completion);
    owner.post([&owner, request = std::move(request)]() mutable { owner.create_or_update(std::move(request)); });
  }

  static Ports with_clock(Ports ports, Clock& clock) {
    if (ports.clock == nullptr) ports.clock = &clock;
    return ports;
  }

  // The caller's executor for that work, where there is one; otherwise so many threads of our own.
  std::vector<Executor*> threads_for(const char* name, Executor* given, std::size_t count) {
    if (given != nullptr) return std::vector<Executor*>(std::max<std::size_t>(1, count), given);
    std::vector<Executor*> threads;
    for (std::size_t i = 0; i < std::max<std::size_t>(1, count); ++i) threads.push_back(own_.add(name));
    return threads;
  }

  Shard& shard(const std::string& gid) { return *shards_[std::hash<std::string>()(gid) % shards_.size()]; }

  // A function that runs `done` when it was called `count` times, by whatever threads.
  static std::shared_ptr<Task> when_all(std::size_t count, Task done) {
    auto left = std::make_shared<std::atomic<std::size_t>>(count);
    return std::make_shared<Task>([left, done = std::move(done)]() mutable {
      if (--*left == 0) done();
    });
  }

  void read_topics() {
    const Result<Done> read = topics_.read(ports_.log);
    if (!read) ports_.log(LogLevel::error, "", "topics cannot be read again: " + read.error().message);
  }

  // On the lane of the committer, so that there is one change at a time.
  void change_topics(UniqueFunction<Result<Done>()> change, Completion<Done> completion) {
    if (stopping_) return refuse("", runtime::stopping(), std::move(completion));
    committers_.front()->run_between([this, change = std::move(change), completion = std::move(completion)]() mutable {
      Result<Done> result = change();
      shards_.front()->post([result = std::move(result), completion = std::move(completion)]() mutable {
        completion(std::move(result));
      });
    });
  }

  // A read of the store, off the shards.
  template <class Read, class Value>
  void read(Read read_store, Completion<Value> completion) {
    if (stopping_) return refuse("", runtime::stopping(), std::move(completion));
    Executor& reader = *readers_[next_reader_++ % readers_.size()];
    reader.post([this, read_store = std::move(read_store), completion = std::move(completion)]() mutable {
      auto found = read_store();
      shards_.front()->post(
          [found = std::move(found), completion = std::move(completion)]() mutable { completion(std::move(found)); });
    });
  }

  template <class Value>
  void refuse(const std::string& gid, Error error, Completion<Value> completion) {
    shard(gid).post(
        [error = std::move(error), completion = std::move(completion)]() mutable { completion(std::move(error)); });
  }

  void make_due_from(std::size_t index, std::int64_t later_than_ms, std::size_t limit, std::size_t count,
                     Completion<MadeDue> completion) {
    Shard& each = *shards_[index];
    each.post([this, &each, index, later_than_ms, limit, count, completion = std::move(completion)]() mutable {
      count += each.make_all_due(later_than_ms, limit - count);
      if (index + 1 == shards_.size()) {
        completion(MadeDue{count, count == limit});
      } else {
        make_due_from(index + 1, later_than_ms, limit, count, std::move(completion));
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
    const auto closed = when_all(committers_.size(), [this] {
      std::vector<Task> waiters;
      {
        const std::lock_guard lock(stop_mutex_);
        stopped_ = true;
        waiters = std::move(stop_waiters_);
      }
      for (Task& waiter : waiters) waiter();
    });
    const auto read = when_all(readers_.size(), [this, closed] {
      for (const auto& each : committers_) each->close([closed] { (*closed)(); });
    });
    for (Executor* const reader : readers_) {
      reader->post([this, reader, read] {
        if (reader == readers_.front()) {
          purge_timer_.reset();
          topics_timer_.reset();
        }
        (*read)();
      });
    }
  }

  // Makes due what nobody works on, here or elsewhere.
  void make_due_in_store(std::int64_t later_than_ms, std::size_t limit, Completion<MadeDue> completion) {
    const auto make = [this, later_than_ms, limit]() -> Result<MadeDue> {
      const std::int64_t now_ms = ports_.clock->now().wall_ms;
      const Result<std::size_t> made = ports_.store.make_due(now_ms + later_than_ms, now_ms, limit);
      if (!made) return made.error();
      if (made.value() > 0) surroundings_->claimer->poke();
      return MadeDue{made.value(), made.value() == limit};
    };
    read(make, std::move(completion));
  }

  // On the reader: other servers may have changed them. While the store is broken they stay as they are.
  void read_topics_of_others() {
    topics_timer_->arm(options_.topics_interval_ms);
    committers_.front()->run_between([this] {
      if (!committers_.front()->broken() && !stopping_) read_topics();
    });
  }

  OwnPorts own_;
  Ports ports_;
  const RequestChecks checks_{ports_};
  const EngineOptions options_;
  runtime::TopicBook topics_;
  std::mutex gid_mutex_;
  std::unique_ptr<Random> gid_random_;
  std::shared_ptr<const Surroundings> surroundings_;
  std::vector<std::shared_ptr<Committer>> committers_;
  std::vector<Executor*> readers_;  // the first one also does what is done from time to time
  std::atomic<std::size_t> next_reader_ = 0;
  std::vector<std::shared_ptr<Shard>> shards_;
  std::unique_ptr<Timer> purge_timer_;   // the reader's
  std::unique_ptr<Timer> topics_timer_;  // the reader's

  std::mutex stop_mutex_;  // guards the two that follow
  std::vector<Task> stop_waiters_;
  bool stopped_ = false;
  std::atomic<bool> stopping_ = false;
};

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(Ports ports, EngineOptions options) {
  auto engine = std::make_unique<RunningEngine>(std::move(ports), options);
  if (Result<Done> started = engine->start(); !started) return std::move(started.error());
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace settle
