// settle-bench engine: a closed loop. A fixed number of sagas is in flight all the time; each waits for its result,
// and its end starts the next one. Their branches are functions of this process that complete at once.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include <boost/program_options/value_semantic.hpp>

#include "benches/command_line.hpp"
#include "benches/commands.hpp"
#include "benches/latency_histogram.hpp"
#include "benches/machine.hpp"
#include "benches/opened_store.hpp"
#include "benches/progress_bar.hpp"
#include "benches/report.hpp"
#include "settle/engine.hpp"
#include "settle/local_branches.hpp"

namespace settle::bench {
namespace {

struct EnginePlan {
  std::string store;
  std::string path;
  std::size_t in_flight = 512;
  std::size_t shards = 1;
  unsigned steps = 2;
  std::size_t payload_bytes = 64;
  double seconds = 5;
  double warm_up_seconds = 1;
};

Definition make_definition(const EnginePlan& plan) {
  Definition definition;
  definition.options.wait_result = true;
  append_saga_steps(definition,
                    std::vector<SagaStep>(plan.steps, SagaStep{.action = "local://do",
                                                               .compensate = "local://undo",
                                                               .payload = std::string(plan.payload_bytes, 'x')}));
  return definition;
}

// Counters at one moment; the difference of two is a window.
struct Reading {
  std::int64_t time_ns = 0;
  std::int64_t cpu_us = 0;
  EngineStatistics engine;
  RocksdbStatistics rocksdb;
};

// Keeps the sagas going. Threads: completions come on the shards' threads; the members above them from one other.
class Load {
 public:
  Load(Engine& engine, const EnginePlan& plan)
      : engine_(engine),
        definition_(make_definition(plan)),
        gid_prefix_(engine.new_gid() + "-"),
        running_(plan.in_flight) {
    for (std::size_t i = 0; i < plan.in_flight; ++i) submit_next();
  }

  void begin_window() { measuring_ = true; }
  void end_window() { measuring_ = false; }

  // Starts no more, and waits for those in flight.
  void finish() {
    stopping_ = true;
    std::unique_lock lock(mutex_);
    all_ended_.wait(lock, [this] { return running_ == 0; });
  }

  // After finish().
  const LatencyHistogram& latencies() const { return latencies_; }
  std::uint64_t ended() const { return ended_; }
  const std::string& trouble() const { return trouble_; }

 private:
  void submit_next() {
    Definition definition = definition_;
    definition.gid = gid_prefix_ + std::to_string(next_number_.fetch_add(1, std::memory_order_relaxed));
    const std::int64_t begin_ns = now_ns();
    engine_.submit(std::move(definition), [this, begin_ns](Result<Done> answer) { on_end(begin_ns, answer); });
  }

  void on_end(std::int64_t begin_ns, Result<Done>& answer) {
    if (!answer) return give_up(answer.error().message);
    ended_.fetch_add(1, std::memory_order_relaxed);
    if (measuring_.load(std::memory_order_relaxed)) latencies_.record(now_ns() - begin_ns);
    if (stopping_.load(std::memory_order_relaxed)) return leave();
    submit_next();
  }

  void give_up(const std::string& why) {
    {
      const std::lock_guard lock(mutex_);
      if (trouble_.empty()) trouble_ = why;
    }
    leave();
  }

  void leave() {
    const std::lock_guard lock(mutex_);
    if (--running_ == 0) all_ended_.notify_all();
  }

  Engine& engine_;
  const Definition definition_;
  const std::string gid_prefix_;
  std::atomic<std::uint64_t> next_number_ = 0;
  std::atomic<std::uint64_t> ended_ = 0;
  std::atomic<bool> measuring_ = false;
  std::atomic<bool> stopping_ = false;
  LatencyHistogram latencies_;
  std::mutex mutex_;
  std::condition_variable all_ended_;
  std::size_t running_;
  std::string trouble_;
};

void wait(double seconds, ProgressBar& bar, const char* what) {
  constexpr double kShowEvery = 0.1;
  for (double waited = 0; waited < seconds; waited += kShowEvery) {
    bar.show(what, waited / seconds);
    std::this_thread::sleep_for(std::chrono::duration<double>(std::min(kShowEvery, seconds - waited)));
  }
}

// Runs the plan on a store that is open.
Result<Measurement> measure(const EnginePlan& plan, OpenedStore& opened) {
  std::atomic<std::uint64_t> undone = 0;
  LocalBranches branches;
  branches.add("do", [](const BranchCall&, BranchCompletion completion) { completion({CallResult::success, {}}); });
  branches.add("undo", [&undone](const BranchCall&, BranchCompletion completion) {
    undone.fetch_add(1, std::memory_order_relaxed);
    completion({CallResult::success, {}});
  });
  std::vector<std::unique_ptr<ThreadExecutor>> shards;
  Ports ports{.store = *opened.store, .callers = {branches.port()}};
  for (std::size_t i = 0; i < plan.shards; ++i) {
    shards.push_back(std::make_unique<ThreadExecutor>("shard " + std::to_string(i)));
    ports.shards.push_back(shards.back().get());
  }
  Result<std::unique_ptr<Engine>> engine = Engine::open(std::move(ports), {});
  if (!engine) return engine.error();

  const auto read = [&engine, &opened] {
    return Reading{.time_ns = now_ns(),
                   .cpu_us = own_cpu_us(),
                   .engine = engine.value()->statistics(),
                   .rocksdb = opened.statistics()};
  };
  Load load(*engine.value(), plan);
  ProgressBar bar(plan.store);
  wait(plan.warm_up_seconds, bar, "warm up");
  const Reading before = read();
  load.begin_window();
  wait(plan.seconds, bar, "measure");
  load.end_window();
  const Reading after = read();
  load.finish();

  const EngineStatistics all = engine.value()->statistics();
  if (!load.trouble().empty()) return Error{Code::internal, "a saga failed: " + load.trouble()};
  if (undone != 0 || all.calls != load.ended() * plan.steps) {
    return Error{Code::internal, std::to_string(load.ended()) + " sagas made " + std::to_string(all.calls) +
                                     " calls, of them compensations: " + std::to_string(undone)};
  }
  const auto transactions = static_cast<std::int64_t>(load.latencies().count());
  if (transactions == 0) return Error{Code::internal, "no saga ended within the measured time"};

  const double count = static_cast<double>(transactions);
  const double seconds = static_cast<double>(after.time_ns - before.time_ns) / 1e9;
  const auto groups = static_cast<double>(std::max<std::uint64_t>(after.engine.groups - before.engine.groups, 1));
  const auto changes = static_cast<double>(after.engine.changes - before.engine.changes);
  return Measurement{
      {"store", "store", plan.store},
      {"durable", "durable", opened.durable()},
      {"file_system", "file system", opened.file_system.name},
      {"in_flight", "in flight", static_cast<std::int64_t>(plan.in_flight)},
      {"steps", "steps", std::int64_t{plan.steps}},
      {"seconds", "measured, s", seconds},
      {"transactions", "transactions", transactions},
      {"per_second", "transactions/s", count / seconds},
      {"p50_ms", "median, ms", load.latencies().percentile_ms(0.5)},
      {"p99_ms", "99 %, ms", load.latencies().percentile_ms(0.99)},
      {"p999_ms", "99.9 %, ms", load.latencies().percentile_ms(0.999)},
      {"cpu_us", "CPU/transaction, us", static_cast<double>(after.cpu_us - before.cpu_us) / count},
      {"group_size", "changes/group", changes / groups},
      {"changes_per_transaction", "changes/transaction", changes / count},
      {"syncs", "WAL syncs", static_cast<std::int64_t>(after.rocksdb.syncs - before.rocksdb.syncs)},
      {"wal_bytes_per_transaction", "WAL bytes/transaction",
       static_cast<double>(after.rocksdb.bytes_written - before.rocksdb.bytes_written) / count},
  };
}

}  // namespace

int run_engine(const std::vector<std::string>& arguments) {
  namespace po = boost::program_options;
  EnginePlan plan;
  std::vector<std::string> stores;
  const std::size_t processors = std::max(1U, std::thread::hardware_concurrency());
  po::options_description options("settle-bench engine");
  // clang-format off
  options.add_options()
      ("store", po::value(&stores)->multitoken()->default_value({"rocksdb"}, "rocksdb"), "memory, rocksdb and/or mysql")
      ("path", po::value(&plan.path)->default_value("."), "where the store's temporary folder is made")
      ("in-flight", po::value(&plan.in_flight)->default_value(512), "sagas at once")
      ("shards", po::value(&plan.shards)->default_value(processors), "event loops; without it one for each processor")
      ("steps", po::value(&plan.steps)->default_value(2), "of a saga")
      ("payload-bytes", po::value(&plan.payload_bytes)->default_value(64), "of a step")
      ("seconds", po::value(&plan.seconds)->default_value(5), "measured time")
      ("warm-up-seconds", po::value(&plan.warm_up_seconds)->default_value(1), "before it")
      ("allow-volatile", "exit with 0 although a durable store is on a file system in memory");
  // clang-format on
  const CommandLine parsed = parse_command_line(arguments, options);
  if (const int* status = std::get_if<int>(&parsed)) return *status;
  const auto& values = std::get<po::variables_map>(parsed);
  if (plan.in_flight == 0 || plan.steps == 0 || plan.shards == 0) {
    return fail("--in-flight, --steps and --shards must be 1 or more", kExitUsage);
  }
  for (const std::string& store : stores) {
    if (!is_store_kind(store)) return fail("no such store: " + store, kExitUsage);
  }

  std::vector<Measurement> measurements;
  bool in_memory_only = false;
  for (const std::string& store : stores) {
    plan.store = store;
    Result<OpenedStore> opened = open_empty_store(store, plan.path);
    if (!opened) return fail(opened.error().message, kExitFailed);
    in_memory_only |= opened.value().is_volatile();
    Result<Measurement> measurement = measure(plan, opened.value());
    if (!measurement) return fail(store + ": " + measurement.error().message, kExitFailed);
    measurements.push_back(std::move(measurement).value());
  }
  print(measurements, values.count("json") > 0);
  return status_after(in_memory_only, values);
}

}  // namespace settle::bench
