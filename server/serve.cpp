#include "server/serve.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <thread>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>

#include "server/event_loops.hpp"
#include "settle/dtm/api.hpp"
#include "settle/http/branch_caller.hpp"
#include "settle/http/server.hpp"
#include "settle/storage/memory.hpp"
#include "settle/storage/rocksdb.hpp"

namespace settle::server {
namespace {

namespace asio = boost::asio;

// Supervisors kill after 10 s (containers) or later: what is in flight must have been parked by then.
constexpr std::int64_t kDrainMs = 6'000;
constexpr std::int64_t kAnswersMs = 1'000;  // more, for answers to be read
constexpr std::size_t kShardsMax = 4;

Result<std::unique_ptr<Store>> open_store(const Config& config, bool reset) {
  if (config.store_driver == StoreDriver::memory) return make_memory_store();
  RocksdbOptions options;
  options.path = config.store_path;
  std::error_code unreadable;
  if (reset && std::filesystem::exists(options.path, unreadable)) {
    if (Result<Done> done = reset_rocksdb_store(options); !done) return std::move(done.error());
  }
  Result<std::unique_ptr<RocksdbStore>> opened = open_rocksdb_store(options);
  if (!opened) return std::move(opened.error());
  return std::unique_ptr<Store>(std::move(opened).value());
}

std::size_t shard_count(const Config& config) {
  if (config.shards > 0) return static_cast<std::size_t>(config.shards);
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kShardsMax);
}

EngineOptions engine_options(const Config& config, bool test_clock) {
  EngineOptions options;
  options.retry_interval_ms = config.retry_interval_s * 1'000;
  options.retry_interval_max_ms = config.retry_interval_max_s * 1'000;
  options.request_timeout_ms = config.request_timeout_s * 1'000;
  options.finished_expire_ms = config.finished_data_expire_s * 1'000;
  options.purged_expire_ms = config.data_expire_s * 1'000;
  if (test_clock) options.retry_jitter_max = 0;  // a test that moves the clock by an interval finds the retry due
  return options;
}

// The parts, in the order in which they need each other: the last one goes first.
class RunningServer {
 public:
  explicit RunningServer(Logger& logger) : logger_(logger) {}

  Result<Done> start(const Config& config, const ServeOptions& options) {
    Result<std::unique_ptr<Store>> store = open_store(config, options.reset);
    if (!store) return std::move(store.error());
    store_ = std::move(store).value();
    loops_ = std::make_unique<EventLoops>(shard_count(config));

    Ports ports{*store_, {http::caller_port()}};
    ports.shards = loops_->executors();
    ports.clock = options.test_clock ? &test_clock_ : nullptr;
    ports.log = [this](LogLevel level, std::string_view gid, std::string_view message) {
      logger_.write(level, gid, message);
    };
    ports.log_level = config.log_level;
    Result<std::unique_ptr<Engine>> engine = Engine::open(std::move(ports), engine_options(config, options.test_clock));
    if (!engine) return std::move(engine.error());
    engine_ = std::move(engine).value();

    dtm::ApiOptions api_options;
    api_options.version = SETTLE_VERSION;
    api_options.timeout_to_fail_s = config.timeout_to_fail_s;
    if (options.test_clock) api_options.test_clock = &test_clock_;
    api_ = std::make_unique<dtm::Api>(*engine_, std::move(api_options));

    http::ServerOptions http_options;
    http_options.address = config.http_address;
    http_options.port = static_cast<std::uint16_t>(config.http_port);
    Result<std::shared_ptr<http::Server>> http = http::Server::listen(
        loops_->contexts(), http_options,
        [this](http::Request request, http::Respond respond) { api_->handle(std::move(request), std::move(respond)); });
    if (!http) return std::move(http.error());
    http_ = std::move(http).value();
    return Done{};
  }

  std::uint16_t port() const { return http_->port(); }
  StoreTraits store_traits() const { return store_->traits(); }

  // `part_stopped` is invoked twice, by whatever threads.
  void stop(const std::function<void()>& part_stopped) {
    http_->stop(kDrainMs + kAnswersMs, part_stopped);
    engine_->stop(kDrainMs, part_stopped);
  }

 private:
  Logger& logger_;
  TestClock test_clock_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<EventLoops> loops_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<dtm::Api> api_;
  std::shared_ptr<http::Server> http_;
};

// The main thread's part: waits for signals.
class SignalWaiter {
 public:
  SignalWaiter(RunningServer& server, Logger& logger) : server_(server), logger_(logger) { wait(); }

  // Returns when the server was told to stop and has stopped.
  void run() { loop_.run(); }

 private:
  void wait() {
    signals_.async_wait([this](const boost::system::error_code& failed, int signal) {
      if (!failed) on_signal(signal);
    });
  }

  void on_signal(int signal) {
    if (stopping_) _exit(128 + signal);
    stopping_ = true;
    logger_.write(LogLevel::info, "", signal == SIGTERM ? "stopping, by SIGTERM" : "stopping, by SIGINT");
    server_.stop([this] { asio::post(loop_, [this] { on_part_stopped(); }); });
    wait();
  }

  void on_part_stopped() {
    if (--parts_running_ == 0) signals_.cancel();
  }

  RunningServer& server_;
  Logger& logger_;
  asio::io_context loop_{1};
  asio::signal_set signals_{loop_, SIGTERM, SIGINT};
  bool stopping_ = false;
  int parts_running_ = 2;  // see RunningServer::stop
};

void print_ready(const Config& config, const RunningServer& server) {
  const StoreTraits traits = server.store_traits();
  const bool is_v6 = config.http_address.find(':') != std::string::npos;
  const std::string host = is_v6 ? "[" + config.http_address + "]" : config.http_address;
  const std::string place = traits.durable ? " at " + traits.place : "";
  std::printf("settled %s listening on http://%s:%u, store %s%s\n", SETTLE_VERSION, host.c_str(),
              static_cast<unsigned>(server.port()), traits.name.c_str(), place.c_str());
  std::fflush(stdout);
}

}  // namespace

Result<Done> serve(const Config& config, const ServeOptions& options, Logger& logger) {
  RunningServer server(logger);
  if (Result<Done> started = server.start(config, options); !started) return started;
  SignalWaiter waiter(server, logger);
  print_ready(config, server);
  waiter.run();
  return Done{};
}

}  // namespace settle::server
