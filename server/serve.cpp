#include "server/serve.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <functional>
#include <future>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>

#include "server/alerts.hpp"
#include "server/event_loops.hpp"
#include "server/grpc_log.hpp"
#include "server/metrics.hpp"
#include "server/open_store.hpp"
#include "server/registry/registry.hpp"
#include "settle/dtm/api.hpp"
#include "settle/grpc/branch_caller.hpp"
#include "settle/grpc/server.hpp"
#include "settle/http/branch_caller.hpp"
#include "settle/http/server.hpp"

namespace settle::server {
namespace {

namespace asio = boost::asio;

// Supervisors kill after 10 s (containers) or later: what is in flight must have been parked by then.
constexpr std::int64_t kDrainMs = 6'000;
constexpr std::int64_t kAnswersMs = 1'000;     // more, for answers to be read
constexpr std::int64_t kDeregisterMs = 1'000;  // before that
constexpr std::size_t kShardsMax = 4;

std::size_t shard_count(const Config& config) {
  if (config.shards > 0) return static_cast<std::size_t>(config.shards);
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kShardsMax);
}

EngineOptions engine_options(const Config& config, bool test_clock) {
  EngineOptions options;
  options.retry_interval_ms = config.retry_interval_s * 1'000;
  options.retry_interval_max_ms = config.retry_interval_max_s * 1'000;
  options.request_timeout_ms = config.request_timeout_s * 1'000;
  options.timeout_to_fail_ms = config.timeout_to_fail_s * 1'000;
  options.alert_retry_limit = static_cast<std::uint32_t>(config.alert_retry_limit);
  options.finished_expire_ms = config.finished_data_expire_s * 1'000;
  options.purged_expire_ms = config.data_expire_s * 1'000;
  options.claim_interval_ms = config.trans_cron_interval_s * 1'000;
  options.topics_interval_ms = config.config_update_interval_s * 1'000;
  options.run_ahead = config.store_driver != StoreDriver::mysql || !config.update_branch_sync;
  if (test_clock) options.retry_jitter_max = 0;  // a test that moves the clock by an interval finds the retry due
  return options;
}

// The parts, in the order in which they need each other: the last one goes first.
class RunningServer {
 public:
  explicit RunningServer(Logger& logger) : logger_(logger) {}

  Result<Done> start(const Config& config, const ServeOptions& options) {
    const Log log = [this](LogLevel level, std::string_view gid, std::string_view message) {
      logger_.write(level, gid, message);
    };
    Result<std::unique_ptr<Store>> store = open_store(config, options.reset, log);
    if (!store) return std::move(store.error());
    store_ = std::move(store).value();
    loops_ = std::make_unique<EventLoops>(shard_count(config));
    Result<std::unique_ptr<Registry>> registry = Registry::open(config.registry, log);
    if (!registry) return std::move(registry.error());
    registry_ = std::move(registry).value();

    Ports ports{*store_, {http::caller_port(), rpc::caller_port(registry_->resolver())}};
    ports.shards = loops_->executors();
    ports.process = this_process();
    ports.clock = options.test_clock ? &test_clock_ : nullptr;
    ports.log = log;
    ports.log_level = config.log_level;
    ports.telemetry = &metrics_;
    if (!config.alert_web_hook.empty()) {
      alerts_ = std::make_unique<AlertSender>(loops_->first(), config.alert_web_hook, logger_);
      ports.alert = [this](Alert alert) { alerts_->send(std::move(alert)); };
    }
    Result<std::unique_ptr<Engine>> engine = Engine::open(std::move(ports), engine_options(config, options.test_clock));
    if (!engine) return std::move(engine.error());
    engine_ = std::move(engine).value();

    dtm::ApiOptions api_options;
    api_options.version = SETTLE_VERSION;
    api_options.timeout_to_fail_s = config.timeout_to_fail_s;
    if (options.test_clock) api_options.test_clock = &test_clock_;
    api_options.metrics = [this] { return metrics_.text(readings()); };
    api_options.request_ended = [this](std::string_view transport, std::string_view api, bool ok, std::int64_t us) {
      metrics_.request_ended(transport, api, ok, us);
    };
    api_ = std::make_unique<dtm::Api>(*engine_, std::move(api_options));

    Result<Done> listening = listen(config);
    if (listening) {
      complete_ = true;
      registry_->start();
    } else {
      stop_and_wait();
    }
    return listening;
  }

  // Those of HTTP: that of the API, and then that for JSON-RPC alone where there is one.
  std::vector<std::uint16_t> http_ports() const {
    std::vector<std::uint16_t> ports;
    for (const auto& server : servers_) ports.push_back(server->port());
    return ports;
  }
  std::uint16_t grpc_port() const { return grpc_server_->port(); }
  StoreTraits store_traits() const { return store_->traits(); }

  // How often stop() invokes part_stopped.
  int parts() const { return static_cast<int>(servers_.size()) + 2; }
  // `part_stopped` may be invoked by whatever threads. Nobody is to be sent here any more before we refuse requests.
  void stop(std::function<void()> part_stopped) {
    registry_->deregister(kDeregisterMs, [this, part_stopped = std::move(part_stopped)] {
      for (const auto& server : servers_) server->stop(kDrainMs + kAnswersMs, part_stopped);
      grpc_server_->stop(kDrainMs + kAnswersMs, part_stopped);
      engine_->stop(kDrainMs, part_stopped);
    });
  }

 private:
  // gRPC before HTTP: who sees the API answer may rely on both.
  Result<Done> listen(const Config& config) {
    Result<Done> done = listen_for_grpc(config);
    if (done) done = listen(config, config.http_port, &dtm::Api::handle);
    if (done && config.json_rpc_port) {
      done = listen(config, *config.json_rpc_port, &dtm::Api::handle_json_rpc_alone);
    }
    return done;
  }

  Result<Done> listen_for_grpc(const Config& config) {
    rpc::ServerOptions options;
    options.address = config.grpc_address;
    options.port = static_cast<std::uint16_t>(config.grpc_port);
    options.request_ended = [this](std::string_view api, bool ok, std::int64_t us) {
      metrics_.request_ended("grpc", api, ok, us);
    };
    Result<std::unique_ptr<rpc::Server>> server = rpc::Server::listen(*engine_, std::move(options));
    if (!server) return std::move(server.error());
    grpc_server_ = std::move(server).value();
    return Done{};
  }

  Result<Done> listen(const Config& config, std::int64_t port,
                      void (dtm::Api::*handle)(http::Request request, http::Respond respond) const) {
    http::ServerOptions options;
    options.address = config.http_address;
    options.port = static_cast<std::uint16_t>(port);
    auto server =
        http::Server::listen(loops_->contexts(), options, [this, handle](http::Request request, http::Respond respond) {
          (*api_.*handle)(std::move(request), std::move(respond));
        });
    if (!server) return std::move(server.error());
    servers_.push_back(std::move(server).value());
    return Done{};
  }

  // Those that listen already may have requests, which need the rest of us.
  void stop_and_wait() {
    const auto wait_for = [](const std::function<void(Task)>& stop) {
      std::promise<void> stopped;
      stop([&stopped] { stopped.set_value(); });
      stopped.get_future().wait();
    };
    wait_for([this](Task stopped) { engine_->stop(0, std::move(stopped)); });
    if (grpc_server_) wait_for([this](Task stopped) { grpc_server_->stop(0, std::move(stopped)); });
    for (const auto& server : servers_) {
      wait_for([&server](Task stopped) { server->stop(0, std::move(stopped)); });
    }
  }

  Readings readings() const {
    Readings now;
    now.engine = engine_->statistics();
    if (alerts_) now.alerts = alerts_->statistics();
    if (complete_) {
      for (const auto& server : servers_) now.http_connections += server->connections();
      now.grpc_requests = grpc_server_->requests();
    }
    now.registry = registry_->statistics();
    return now;
  }

  Logger& logger_;
  Metrics metrics_{SETTLE_VERSION};
  TestClock test_clock_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<EventLoops> loops_;
  std::unique_ptr<AlertSender> alerts_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<dtm::Api> api_;
  std::vector<std::shared_ptr<http::Server>> servers_;
  std::unique_ptr<rpc::Server> grpc_server_;
  std::atomic<bool> complete_ = false;  // the servers do not change any more
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
  int parts_running_ = server_.parts();
};

void print_ready(const Config& config, const RunningServer& server) {
  const StoreTraits traits = server.store_traits();
  const bool is_v6 = config.http_address.find(':') != std::string::npos;
  const std::string host = is_v6 ? "[" + config.http_address + "]" : config.http_address;
  const std::string place = traits.durable ? " at " + traits.place : "";
  const std::vector<std::uint16_t> ports = server.http_ports();
  const std::string json_rpc = ports.size() > 1 ? ", JSON-RPC on port " + std::to_string(ports[1]) : "";
  std::printf("settled %s listening on http://%s:%u, gRPC on port %u, store %s%s%s\n", SETTLE_VERSION, host.c_str(),
              static_cast<unsigned>(ports[0]), static_cast<unsigned>(server.grpc_port()), traits.name.c_str(),
              place.c_str(), json_rpc.c_str());
  std::fflush(stdout);
}

}  // namespace

Result<Done> serve(const Config& config, const ServeOptions& options, Logger& logger) {
  const GrpcLog grpc_log(logger);
  RunningServer server(logger);
  if (Result<Done> started = server.start(config, options); !started) return started;
  SignalWaiter waiter(server, logger);
  print_ready(config, server);
  waiter.run();
  return Done{};
}

}  // namespace settle::server
