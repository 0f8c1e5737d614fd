#include "benches/load.hpp"

#include <algorithm>
#include <cmath>

#include "benches/machine.hpp"
#include "benches/progress_bar.hpp"
#include "benches/server_groups.hpp"
#include "benches/transaction_query.hpp"

namespace settle::bench {
namespace {

constexpr std::int64_t kShowEveryNs = 100'000'000;
constexpr std::int64_t kPauseMaxUs = 1'000'000;
// Beyond this without a sign of life the run is given up.
constexpr std::int64_t kSilenceMaxNs = 30'000'000'000;
// Whose first and last transaction are asked for at the end.
constexpr std::size_t kSampledClients = 50;

// What was used up at one moment; the difference of two is a window.
struct Reading {
  std::int64_t time_ns = 0;
  std::int64_t own_cpu_us = 0;
  ProcessUsage server;  // all of them
  ProcessUsage store;
  GroupCounts groups;  // of all servers
};

ProcessUsage usage_or_nothing(pid_t pid) { return pid != 0 ? usage_of(pid).value_or(ProcessUsage{}) : ProcessUsage{}; }

Reading take_reading(const LoadPlan& plan) {
  Reading reading{.time_ns = now_ns(), .own_cpu_us = own_cpu_us(), .store = usage_or_nothing(plan.store_pid)};
  for (const LoadedServer& server : plan.servers) {
    const ProcessUsage usage = usage_or_nothing(server.pid);
    reading.server.cpu_us += usage.cpu_us;
    reading.server.resident_bytes += usage.resident_bytes;
    const GroupCounts groups = groups_of(server.http);
    reading.groups.groups += groups.groups;
    reading.groups.changes += groups.changes;
  }
  return reading;
}

// Runs the load until the time has come, or no client waits any more and none will. An Error where nothing moves.
Result<Done> run_until(const LoadPlan& plan, Load& load, const CheckedTransactions& transactions, std::int64_t end_ns,
                       ProgressBar& bar, const char* what) {
  const std::int64_t begin_ns = now_ns();
  std::int64_t shown_ns = 0;
  std::uint64_t answers_seen = transactions.answers();
  std::int64_t moved_ns = now_ns();
  while (load.busy() > 0 || transactions.next_due_ns()) {
    const std::int64_t time_ns = now_ns();
    if (time_ns >= end_ns) return Done{};
    if (time_ns - shown_ns > kShowEveryNs) {
      shown_ns = time_ns;
      bar.show(what, static_cast<double>(time_ns - begin_ns) / static_cast<double>(end_ns - begin_ns));
    }
    if (transactions.answers() != answers_seen || load.busy() == 0) {
      answers_seen = transactions.answers();
      moved_ns = time_ns;
    } else if (time_ns - moved_ns > kSilenceMaxNs) {
      return Error{Code::unavailable, "the server has stopped answering"};
    }
    // Where all clients are busy, an answer is what lets one start what is due.
    const bool some_idle = load.busy() < plan.clients;
    const std::int64_t due_ns = some_idle ? transactions.next_due_ns().value_or(INT64_MAX) : INT64_MAX;
    load.run_once(std::clamp<std::int64_t>((std::min(end_ns, due_ns) - time_ns) / 1'000 + 1, 0, kPauseMaxUs));
    if (transactions.next_due_ns()) load.wake();
    if (!load.trouble().empty()) return Error{Code::unavailable, std::string(load.trouble())};
  }
  return Done{};
}

struct Window {
  Reading before;
  Reading after;
  std::int64_t waiting = 0;  // transactions that were due at its end and had not begun
};

Result<Window> run_window(const LoadPlan& plan, Load& load, CheckedTransactions& transactions) {
  const auto nanoseconds = [](double seconds) { return static_cast<std::int64_t>(std::llround(seconds * 1e9)); };
  Window window;
  ProgressBar bar(std::to_string(plan.clients) + " clients");
  Result<Done> ran = run_until(plan, load, transactions, now_ns() + nanoseconds(plan.warm_up_seconds), bar, "warm up");
  if (!ran) return ran.error();
  window.before = take_reading(plan);
  transactions.begin_window();
  ran = run_until(plan, load, transactions, window.before.time_ns + nanoseconds(plan.seconds), bar, "measure");
  if (!ran) return ran.error();
  transactions.end_window();
  window.after = take_reading(plan);
  window.waiting = transactions.waiting(window.after.time_ns);
  transactions.stop();
  ran = run_until(plan, load, transactions, INT64_MAX, bar, "finish");
  if (!ran) return ran.error();
  return window;
}

// Asks for a sample of what was answered, each of another server than the one before. Returns how many were asked for.
Result<std::int64_t> check_sample(const std::vector<LoadedServer>& servers, const GidSeries& gids,
                                  const CheckedTransactions& transactions) {
  const std::vector<std::uint64_t> numbers = transactions.sample(kSampledClients);
  std::size_t asked = 0;
  for (const std::uint64_t number : numbers) {
    const Result<bool> succeeded = has_succeeded(servers[asked++ % servers.size()].http, gids.gid(number));
    if (!succeeded) return succeeded.error();
    if (!succeeded.value()) {
      return Error{Code::internal, gids.gid(number) + " was answered with success, but is not shown as succeeded"};
    }
  }
  return static_cast<std::int64_t>(numbers.size());
}

Measurement measurement_of(const LoadPlan& plan, const Window& window, const CheckedTransactions& transactions) {
  const LatencyHistogram& latencies = transactions.latencies();
  const double count = static_cast<double>(latencies.count());
  const double seconds = static_cast<double>(window.after.time_ns - window.before.time_ns) / 1e9;
  const auto each = [count](std::int64_t before, std::int64_t after) {
    return static_cast<double>(after - before) / count;
  };
  const Reading& before = window.before;
  const Reading& after = window.after;
  const double groups = after.groups.groups - before.groups.groups;
  const double changes = after.groups.changes - before.groups.changes;
  return Measurement{
      {"servers", "servers", static_cast<std::int64_t>(plan.servers.size())},
      {"clients", "clients", static_cast<std::int64_t>(plan.clients)},
      {"mode", "mode", std::string(to_string(plan.mode))},
      {"steps", "steps", std::int64_t{plan.steps}},
      {"rate", "due/s; 0: a closed loop", plan.rate},
      {"seconds", "measured, s", seconds},
      {"transactions", "transactions", static_cast<std::int64_t>(latencies.count())},
      {"per_second", "transactions/s", count / seconds},
      {"p50_ms", "median, ms", latencies.percentile_ms(0.5)},
      {"p99_ms", "99 %, ms", latencies.percentile_ms(0.99)},
      {"p999_ms", "99.9 %, ms", latencies.percentile_ms(0.999)},
      {"groups_per_transaction", "groups written/transaction", groups / count},
      {"group_size", "changes/group", groups > 0 ? changes / groups : 0},
      {"server_cpu_us", "server CPU/transaction, us", each(before.server.cpu_us, after.server.cpu_us)},
      {"store_cpu_us", "store process CPU, us", each(before.store.cpu_us, after.store.cpu_us)},
      {"bench_cpu_us", "bench CPU/transaction, us", each(before.own_cpu_us, after.own_cpu_us)},
  };
}

}  // namespace

Result<Measurement> measure_load(const LoadPlan& plan, const StartLoad& start) {
  const auto mebibytes = [](const ProcessUsage& usage) {
    return static_cast<double>(usage.resident_bytes) / (1 << 20);
  };
  const double idle_mib = mebibytes(take_reading(plan).server);
  const GidSeries gids;
  CheckedTransactions transactions(gids, plan.clients, plan.mode, plan.steps, plan.rate);
  Result<std::unique_ptr<Load>> load = start(plan, gids, transactions);
  if (!load) return load.error();
  const Result<Window> window = run_window(plan, *load.value(), transactions);
  if (!transactions.first_failure().empty()) {
    return Error{Code::internal,
                 std::to_string(transactions.failures()) + " failures, the first: " + transactions.first_failure()};
  }
  if (!window) return window.error();
  if (transactions.latencies().count() == 0) {
    return Error{Code::internal, "no transaction ended within the measured time"};
  }
  const Result<std::int64_t> sampled = check_sample(plan.servers, gids, transactions);
  if (!sampled) return sampled.error();

  Measurement measurement = measurement_of(plan, window.value(), transactions);
  const Measurement more{
      {"waiting", "due and not begun at the end", window.value().waiting},
      {"server_idle_rss_mib", "server memory before, MiB", idle_mib},
      {"server_rss_mib", "server memory after, MiB", mebibytes(window.value().after.server)},
      {"repeated_calls", "repeated branch calls", transactions.repeated_calls()},
      {"checked", "found succeeded by a query", sampled.value()},
  };
  measurement.insert(measurement.end(), more.begin(), more.end());
  return measurement;
}

}  // namespace settle::bench
