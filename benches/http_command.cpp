// settle-bench http: clients that run transactions with wait_result in a closed loop, each over one kept connection,
// and the participant that their branches call, on one thread. Works unchanged with any server that speaks DTM's API.
#include <algorithm>
#include <cmath>

#include <boost/program_options/value_semantic.hpp>

#include "benches/command_line.hpp"
#include "benches/commands.hpp"
#include "benches/event_loop.hpp"
#include "benches/latency_histogram.hpp"
#include "benches/machine.hpp"
#include "benches/measured_server.hpp"
#include "benches/participant.hpp"
#include "benches/report.hpp"
#include "benches/submitters.hpp"
#include "benches/transaction_request.hpp"

namespace settle::bench {
namespace {

// Beyond this without a sign of life the run is given up.
constexpr std::int64_t kSilenceMaxNs = 30'000'000'000;

struct HttpPlan {
  Address server;
  pid_t pid = 0;  // 0: not known
  std::size_t clients = 64;
  Mode mode = Mode::saga;
  unsigned steps = 2;
  double seconds = 5;
  double warm_up_seconds = 1;
};

// Numbers the transactions, and checks that each that is answered has called all its branches and nothing else.
// Number n belongs to client n mod clients.
class CheckedTransactions final : public TransactionSource, public CallObserver {
 public:
  CheckedTransactions(std::size_t clients, Mode mode, unsigned steps)
      : operation_(operation_of(mode)), all_called_(~std::uint64_t{0} >> (kStepsMax - steps)), slots_(clients) {
    for (std::size_t client = 0; client < clients; ++client) slots_[client].number = client;
  }

  void set_request(const TransactionRequest& request) { request_ = &request; }
  void begin_window() { measuring_ = true; }
  void end_window() { measuring_ = false; }
  void stop() { stopping_ = true; }

  const LatencyHistogram& latencies() const { return latencies_; }
  std::uint64_t answers() const { return answers_; }
  std::int64_t failures() const { return failures_; }
  std::int64_t repeated_calls() const { return repeated_calls_; }
  const std::string& first_failure() const { return first_failure_; }

  std::optional<std::uint64_t> next_transaction(std::size_t client) override {
    if (stopping_) return std::nullopt;
    Slot& slot = slots_[client];
    if (slot.used) slot.number += slots_.size();
    slot.used = true;
    slot.called = 0;
    return slot.number;
  }

  void on_answer(const TransactionAnswer& answer) override {
    ++answers_;
    if (answer.status != 200 || answer.body.find("SUCCESS") == std::string_view::npos) {
      count_failure("it was answered " + std::to_string(answer.status) + " " + std::string(answer.body));
    } else if (slots_[answer.client].called != all_called_) {
      count_failure("a success was answered before all branches were called");
    }
    if (measuring_) latencies_.record(answer.end_ns - answer.begin_ns);
  }

  bool on_call(const CalledBranch& call) override {
    const std::optional<std::uint64_t> number = request_->number_of(call.gid);
    if (!number) return true;  // left over from an earlier run against the same server
    if (call.operation != operation_) {
      count_failure("a transaction that succeeds was undone");
      return true;
    }
    unsigned step = 0;
    for (const char digit : call.branch_id) step = step * 10 + static_cast<unsigned>(digit - '0');
    if (step < 1 || step > kStepsMax) {
      count_failure("a branch was called that does not exist: " + std::string(call.branch_id));
      return true;
    }
    Slot& slot = slots_[*number % slots_.size()];
    const std::uint64_t mark = std::uint64_t{1} << (step - 1);
    if (slot.number != *number || (slot.called & mark) != 0) {
      ++repeated_calls_;
    } else {
      slot.called |= mark;
    }
    return true;
  }

 private:
  struct Slot {
    std::uint64_t number = 0;
    std::uint64_t called = 0;  // a bit for each step
    bool used = false;
  };

  void count_failure(const std::string& what) {
    ++failures_;
    if (first_failure_.empty()) first_failure_ = what;
  }

  const std::string_view operation_;
  const std::uint64_t all_called_;
  std::vector<Slot> slots_;
  const TransactionRequest* request_ = nullptr;
  LatencyHistogram latencies_;
  std::uint64_t answers_ = 0;
  std::int64_t failures_ = 0;
  std::int64_t repeated_calls_ = 0;
  std::string first_failure_;
  bool measuring_ = false;
  bool stopping_ = false;
};

// What was used up at one moment; the difference of two is a window.
struct Reading {
  std::int64_t time_ns = 0;
  std::int64_t own_cpu_us = 0;
  ProcessUsage server;
};

Reading take_reading(const HttpPlan& plan) {
  return Reading{.time_ns = now_ns(),
                 .own_cpu_us = own_cpu_us(),
                 .server = plan.pid != 0 ? usage_of(plan.pid).value_or(ProcessUsage{}) : ProcessUsage{}};
}

// Runs the loop until the time has come or no client waits any more. An Error where nothing moves.
Result<Done> run_until(EventLoop& loop, const Submitters& submitters, const CheckedTransactions& transactions,
                       std::int64_t end_ns) {
  std::uint64_t answers_seen = transactions.answers();
  std::int64_t moved_ns = now_ns();
  while (submitters.busy() > 0) {
    const std::int64_t time_ns = now_ns();
    if (time_ns >= end_ns) return Done{};
    if (transactions.answers() != answers_seen) {
      answers_seen = transactions.answers();
      moved_ns = time_ns;
    } else if (time_ns - moved_ns > kSilenceMaxNs) {
      return Error{Code::unavailable, "the server has stopped answering"};
    }
    loop.run_once(std::min<std::int64_t>((end_ns - time_ns) / 1'000'000 + 1, 1000));
    if (!submitters.trouble().empty()) return Error{Code::unavailable, submitters.trouble()};
  }
  return Done{};
}

struct HttpFigures {
  Reading before;
  Reading after;
};

Result<HttpFigures> run_load(const HttpPlan& plan, EventLoop& loop, CheckedTransactions& transactions,
                             const Submitters& submitters) {
  const auto nanoseconds = [](double seconds) { return static_cast<std::int64_t>(std::llround(seconds * 1e9)); };
  HttpFigures figures;
  Result<Done> ran = run_until(loop, submitters, transactions, now_ns() + nanoseconds(plan.warm_up_seconds));
  if (!ran) return ran.error();
  figures.before = take_reading(plan);
  transactions.begin_window();
  ran = run_until(loop, submitters, transactions, figures.before.time_ns + nanoseconds(plan.seconds));
  if (!ran) return ran.error();
  transactions.end_window();
  figures.after = take_reading(plan);
  transactions.stop();
  ran = run_until(loop, submitters, transactions, INT64_MAX);
  if (!ran) return ran.error();
  return figures;
}

Result<Measurement> measure(const HttpPlan& plan, std::string server_name) {
  const ProcessUsage idle = take_reading(plan).server;
  Result<std::unique_ptr<EventLoop>> loop = EventLoop::make();
  if (!loop) return loop.error();
  CheckedTransactions transactions(plan.clients, plan.mode, plan.steps);
  Result<std::unique_ptr<Participant>> participant = Participant::listen(*loop.value(), transactions);
  if (!participant) return participant.error();
  TransactionRequest request({.mode = plan.mode, .steps = plan.steps, .wait_result = true},
                             participant.value()->port());
  transactions.set_request(request);
  Result<std::unique_ptr<Submitters>> submitters =
      Submitters::start(*loop.value(), request, transactions, plan.server, plan.clients);
  if (!submitters) return submitters.error();
  Result<HttpFigures> figures = run_load(plan, *loop.value(), transactions, *submitters.value());
  if (!transactions.first_failure().empty()) {
    return Error{Code::internal,
                 std::to_string(transactions.failures()) + " failures, the first: " + transactions.first_failure()};
  }
  if (!figures) return figures.error();
  if (participant.value()->unreadable() > 0) {
    return Error{Code::internal, "requests came to the participant that are no branch calls"};
  }
  const Reading& before = figures.value().before;
  const Reading& after = figures.value().after;
  const auto ended = static_cast<std::int64_t>(transactions.latencies().count());
  if (ended == 0) return Error{Code::internal, "no transaction ended within the measured time"};
  const double count = static_cast<double>(ended);
  const double seconds = static_cast<double>(after.time_ns - before.time_ns) / 1e9;
  return Measurement{
      {"server", "server", std::move(server_name)},
      {"clients", "clients", static_cast<std::int64_t>(plan.clients)},
      {"mode", "mode", std::string(to_string(plan.mode))},
      {"steps", "steps", std::int64_t{plan.steps}},
      {"seconds", "measured, s", seconds},
      {"transactions", "transactions", ended},
      {"per_second", "transactions/s", count / seconds},
      {"p50_ms", "median, ms", transactions.latencies().percentile_ms(0.5)},
      {"p99_ms", "99 %, ms", transactions.latencies().percentile_ms(0.99)},
      {"p999_ms", "99.9 %, ms", transactions.latencies().percentile_ms(0.999)},
      {"server_cpu_us", "server CPU/transaction, us",
       static_cast<double>(after.server.cpu_us - before.server.cpu_us) / count},
      {"bench_cpu_us", "bench CPU/transaction, us", static_cast<double>(after.own_cpu_us - before.own_cpu_us) / count},
      {"server_idle_rss_mib", "server memory before, MiB", static_cast<double>(idle.resident_bytes) / (1 << 20)},
      {"server_rss_mib", "server memory after, MiB", static_cast<double>(after.server.resident_bytes) / (1 << 20)},
      {"repeated_calls", "repeated branch calls", transactions.repeated_calls()},
  };
}

}  // namespace

int run_http(const std::vector<std::string>& arguments) {
  namespace po = boost::program_options;
  HttpPlan plan;
  ServerChoice choice;
  std::string url;
  std::string mode;
  po::options_description options("settle-bench http");
  // clang-format off
  options.add_options()
      ("url", po::value(&url), "of a server that runs already: http://host:port")
      ("pid", po::value(&plan.pid), "its process, for CPU and memory");
  add_server_options(options, choice);
  options.add_options()
      ("clients", po::value(&plan.clients)->default_value(64), "kept connections, each with one transaction at a time")
      ("mode", po::value(&mode)->default_value("saga"), "saga, tcc or msg")
      ("steps", po::value(&plan.steps)->default_value(2), "of a saga or msg, branches of a tcc")
      ("seconds", po::value(&plan.seconds)->default_value(5), "measured time")
      ("warm-up-seconds", po::value(&plan.warm_up_seconds)->default_value(1), "before it")
      ("allow-volatile", "exit with 0 although the server's folder is on a file system in memory");
  // clang-format on
  const CommandLine parsed = parse_command_line(arguments, options);
  if (const int* status = std::get_if<int>(&parsed)) return *status;
  const auto& values = std::get<po::variables_map>(parsed);
  if (url.empty() == choice.program.empty()) return fail("give either --url or --server", kExitUsage);
  if (const std::optional<Mode> known = parse_mode(mode)) {
    plan.mode = *known;
  } else {
    return fail("--mode must be saga, tcc or msg, is '" + mode + "'", kExitUsage);
  }
  if (plan.clients == 0 || plan.steps == 0 || plan.steps > kStepsMax) {
    return fail("--clients must be 1 or more, --steps 1 to " + std::to_string(kStepsMax), kExitUsage);
  }

  std::optional<MeasuredServer> started;
  std::string name = url;
  if (url.empty()) {
    Result<MeasuredServer> server = start_server(choice);
    if (!server) return fail(server.error().message, kExitFailed);
    started.emplace(std::move(server).value());
    plan.server = started->process->address();
    plan.pid = started->process->pid();
    name = started->setting.program.filename().string();
  } else {
    Result<Address> address = parse_address(url);
    if (!address) return fail(address.error().message, kExitUsage);
    plan.server = std::move(address).value();
  }

  Result<Measurement> measurement = measure(plan, name);
  if (!measurement) return fail(measurement.error().message, kExitFailed);
  if (started) {
    const std::vector<Figure> place{{"store", "store", choice.store},
                                    {"durable", "durable", started->durable},
                                    {"file_system", "file system", started->file_system.name}};
    measurement.value().insert(measurement.value().begin() + 1, place.begin(), place.end());
  }
  print({measurement.value()}, values.count("json") > 0);
  if (!started) return kExitFine;
  const Result<Done> stopped = started->process->stop(kServerStopTimeoutMs);
  if (!stopped) return fail(stopped.error().message, kExitFailed);
  if (started->file_system.in_memory && kept_in_folder(choice.store) && values.count("allow-volatile") == 0) {
    return fail("the folder is on a file system in memory: no figure of a durable store. See --path.", kExitVolatile);
  }
  return kExitFine;
}

}  // namespace settle::bench
