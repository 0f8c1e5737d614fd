#include "benches/recovery.hpp"

#include <algorithm>
#include <utility>

#include "benches/event_loop.hpp"
#include "benches/http_request.hpp"
#include "benches/machine.hpp"
#include "benches/measured_server.hpp"
#include "benches/participant.hpp"
#include "benches/report.hpp"
#include "benches/submitters.hpp"
#include "benches/transaction_query.hpp"

namespace settle::bench {
namespace {

constexpr std::int64_t kRetryIntervalS = 1;
constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::int64_t kPauseUs = 100'000;
constexpr unsigned kSteps = 2;
constexpr std::size_t kClients = 16;

// Sagas numbered from 0, what became of them during the outage, and what after it.
class StuckSagas final : public TransactionSource, public CallObserver {
 public:
  StuckSagas(const GidSeries& gids, std::size_t count) : gids_(gids), sagas_(count) {}
  void end_outage() { outage_ = false; }

  bool all_stuck() const { return stuck_ == sagas_.size(); }
  bool all_called() const { return called_ == sagas_.size(); }
  std::size_t called() const { return called_; }
  std::int64_t first_call_ns() const { return first_call_ns_; }
  std::int64_t last_call_ns() const { return last_call_ns_; }
  std::int64_t repeated_calls() const { return repeated_calls_; }
  const std::string& failure() const { return failure_; }

  // When the last of them is overdue: each error doubles the interval, and jitter adds up to a tenth.
  std::int64_t all_due_ns() const {
    std::int64_t due_ns = 0;
    for (const Saga& saga : sagas_) {
      const std::int64_t interval_ns = (kRetryIntervalS << std::min(saga.errors, 20U)) * kNsPerSecond;
      due_ns = std::max(due_ns, saga.last_error_ns + interval_ns + interval_ns / 10);
    }
    return due_ns;
  }

  std::optional<NextTransaction> next_transaction(std::size_t) override {
    if (submitted_ == sagas_.size()) return std::nullopt;
    return NextTransaction{submitted_++, now_ns()};
  }

  void on_answer(const TransactionAnswer& answer) override {
    if (!answer.failure.empty()) failure_ = "submit was answered " + answer.failure;
  }

  bool on_call(const CalledBranch& call) override {
    const std::optional<std::uint64_t> number = gids_.number_of(call.gid);
    if (!number || *number >= sagas_.size()) return true;
    Saga& saga = sagas_[*number];
    return outage_ ? fail_call(saga) : succeed_call(saga, call);
  }

 private:
  struct Saga {
    unsigned errors = 0;
    std::int64_t last_error_ns = 0;
    bool first_done = false;
    bool second_done = false;
  };

  bool fail_call(Saga& saga) {
    if (saga.errors++ == 0) ++stuck_;
    saga.last_error_ns = now_ns();
    return false;
  }

  bool succeed_call(Saga& saga, const CalledBranch& call) {
    if (call.operation != "action") failure_ = "a saga was compensated that must go on";
    last_call_ns_ = now_ns();
    if (first_call_ns_ == 0) first_call_ns_ = last_call_ns_;
    bool& done = call.branch_id == "01" ? saga.first_done : saga.second_done;
    if (done)
      ++repeated_calls_;
    else if (saga.first_done != saga.second_done)
      ++called_;
    done = true;
    return true;
  }

  const GidSeries& gids_;
  std::vector<Saga> sagas_;
  bool outage_ = true;
  std::size_t submitted_ = 0;
  std::size_t stuck_ = 0;   // were called during the outage
  std::size_t called_ = 0;  // had both actions called after it
  std::int64_t first_call_ns_ = 0;
  std::int64_t last_call_ns_ = 0;
  std::int64_t repeated_calls_ = 0;
  std::string failure_;
};

// Submits all of them, and waits until each has failed once.
Result<Done> get_stuck(EventLoop& loop, StuckSagas& sagas, HttpRequest& request, const Address& server,
                       std::int64_t limit_ns) {
  Result<std::unique_ptr<Submitters>> submitters = Submitters::start(loop, request, sagas, {server}, kClients);
  if (!submitters) return submitters.error();
  const std::int64_t end_ns = now_ns() + limit_ns;
  while (submitters.value()->busy() > 0 || !sagas.all_stuck()) {
    loop.run_once(kPauseUs);
    if (!sagas.failure().empty()) return Error{Code::internal, sagas.failure()};
    if (!submitters.value()->trouble().empty()) return Error{Code::internal, submitters.value()->trouble()};
    if (now_ns() > end_ns) return Error{Code::unavailable, "not every saga was called before the kill"};
  }
  return Done{};
}

// Serves the restarted server's calls until each saga had both, or nothing has come for limit_ns.
Result<Done> drain(EventLoop& loop, const StuckSagas& sagas, ServerProcess& server, std::int64_t limit_ns) {
  const std::int64_t begin_ns = now_ns();
  while (!sagas.all_called()) {
    loop.run_once(kPauseUs);
    if (!sagas.failure().empty()) return Error{Code::internal, sagas.failure()};
    const std::int64_t time_ns = now_ns();
    if (time_ns - std::max(begin_ns, sagas.last_call_ns()) <= limit_ns) continue;
    if (server.ended()) return Error{Code::unavailable, "the server ended after its restart"};
    return Done{};
  }
  return Done{};
}

// How many of them the server knows as succeeded. Those that were called last get some time for it.
Result<std::int64_t> count_succeeded(EventLoop& loop, const GidSeries& gids, const ServerProcess& server,
                                     std::size_t count, std::int64_t limit_ns) {
  const std::int64_t end_ns = now_ns() + limit_ns;
  std::int64_t succeeded = 0;
  for (std::size_t number = 0; number < count; ++number) {
    for (;;) {
      const Result<bool> done = has_succeeded(server.address(), gids.gid(number));
      if (!done) return done.error();
      if (done.value()) ++succeeded;
      if (done.value() || now_ns() > end_ns) break;
      loop.run_once(kPauseUs / 10);
    }
  }
  return succeeded;
}

}  // namespace

Result<Measurement> measure_recovery(const ServerChoice& choice, std::size_t count, std::int64_t limit_ns) {
  Result<std::unique_ptr<EventLoop>> loop = EventLoop::make();
  if (!loop) return loop.error();
  const GidSeries gids;
  StuckSagas sagas(gids, count);
  Result<std::unique_ptr<Participant>> participant = Participant::listen(*loop.value(), sagas);
  if (!participant) return participant.error();
  HttpRequest request({.steps = kSteps, .retry_interval_s = kRetryIntervalS}, gids, participant.value()->port());
  Result<MeasuredServer> server = start_server(choice);
  if (!server) return server.error();

  StartedServer& first = server.value().servers.front();
  Result<Done> stuck = get_stuck(*loop.value(), sagas, request, first.process->address(), limit_ns);
  if (!stuck) return stuck.error();
  first.process->kill();
  const std::int64_t kill_ns = now_ns();
  const std::int64_t due_ns = sagas.all_due_ns();
  for (std::int64_t time_ns = now_ns(); time_ns < due_ns; time_ns = now_ns()) {
    loop.value()->run_once((due_ns - time_ns) / 1'000 + 1);
  }
  sagas.end_outage();

  const std::int64_t start_ns = now_ns();
  Result<std::unique_ptr<ServerProcess>> restarted = ServerProcess::start(first.setting);
  if (!restarted) return restarted.error();
  ServerProcess& process = *restarted.value();
  Result<Done> drained = drain(*loop.value(), sagas, process, limit_ns);
  if (!drained) return drained.error();
  // Also ends at once a server that does all its work before it listens.
  Result<Done> ready = process.wait_until_ready(kServerReadyTimeoutMs);
  if (!ready) return ready.error();
  Result<std::int64_t> succeeded = count_succeeded(*loop.value(), gids, process, count, limit_ns);
  if (!succeeded) return succeeded.error();
  const ProcessUsage usage = usage_of(process.pid()).value_or(ProcessUsage{});
  Result<Done> stopped = process.stop(kServerStopTimeoutMs);
  if (!stopped) return stopped.error();

  const auto seconds = [](std::int64_t from_ns, std::int64_t to_ns) {
    return static_cast<double>(std::max<std::int64_t>(to_ns - from_ns, 1)) / static_cast<double>(kNsPerSecond);
  };
  const auto called = static_cast<double>(sagas.called());
  return Measurement{
      {"server", "server", first.setting.program.filename().string()},
      {"store", "store", choice.store},
      {"durable", "durable", server.value().durable},
      {"file_system", "file system", server.value().file_system.name},
      {"transactions", "stuck transactions", static_cast<std::int64_t>(count)},
      {"left_behind", "left behind", static_cast<std::int64_t>(count) - succeeded.value()},
      {"per_second", "finished/s, from the first call on",
       called / seconds(sagas.first_call_ns(), sagas.last_call_ns())},
      {"per_second_from_start", "finished/s, from the start on", called / seconds(start_ns, sagas.last_call_ns())},
      {"down_seconds", "was down, s", seconds(kill_ns, start_ns)},
      {"first_call_seconds", "first call after the start, s", seconds(start_ns, sagas.first_call_ns())},
      {"last_call_seconds", "last call after the start, s", seconds(start_ns, sagas.last_call_ns())},
      {"repeated_calls", "repeated branch calls", sagas.repeated_calls()},
      {"server_cpu_us", "server CPU/transaction, us", static_cast<double>(usage.cpu_us) / static_cast<double>(count)},
  };
}

}  // namespace settle::bench
