#include "settle/grpc/server.hpp"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <netinet/in.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "proto/dtm.grpc.pb.h"
#include "transports/grpc/answer.hpp"
#include "transports/grpc/clamped.hpp"
#include "transports/grpc/methods.hpp"
#include "transports/grpc/reflection.hpp"

namespace settle::rpc {
namespace {

using dtmgimp::Dtm;

constexpr int kKeepaliveTimeoutMs = 20'000;
constexpr std::chrono::milliseconds kLastAnswers(500);
constexpr int kClientPingMsMin = 10'000;  // clients that probe us more often are told to calm down

std::vector<std::string> service_names() {
  return {Dtm::service_full_name(), "grpc.health.v1.Health",
          grpc::reflection::v1::ServerReflection::service_full_name(), "grpc.reflection.v1alpha.ServerReflection"};
}

// What is being answered, and who wants to know of it. Every request keeps it, for what is told of one comes behind its
// answer, when the server may be gone already.
class Requests {
 public:
  explicit Requests(ServerOptions options) : options_(std::move(options)) {}

  // Why one more cannot be taken; ended() belongs to it all the same.
  std::optional<Error> begin() {
    const std::size_t others = count_.fetch_add(1);
    if (stopping_) return Error{Code::unavailable, "the server is stopping, ask again"};
    if (others < options_.requests_max) return std::nullopt;
    return Error{Code::overloaded, "more than " + std::to_string(options_.requests_max) +
                                       " requests are being answered, ask again later"};
  }

  // Behind the answer.
  void ended(std::string_view api, bool ok, std::chrono::steady_clock::time_point began) {
    if (count_.fetch_sub(1) == 1 && stopping_) {
      const std::lock_guard lock(mutex_);
      none_left_.notify_all();
    }
    if (!options_.request_ended) return;
    const auto took = std::chrono::steady_clock::now() - began;
    options_.request_ended(api, ok, std::chrono::duration_cast<std::chrono::microseconds>(took).count());
  }

  // Takes no more, and waits until none is left, at most so long.
  void stop(std::int64_t drain_ms) {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    none_left_.wait_for(lock, std::chrono::milliseconds(drain_ms), [this] { return count_ == 0; });
  }

  std::size_t count() const { return count_; }

 private:
  const ServerOptions options_;
  std::atomic<std::size_t> count_ = 0;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;  // of stop() alone
  std::condition_variable none_left_;
};

// The messages come as bytes, so that one that cannot be read gets an answer of ours.
using RawService = Dtm::WithRawCallbackMethod_NewGid<Dtm::WithRawCallbackMethod_Submit<
    Dtm::WithRawCallbackMethod_Prepare<Dtm::WithRawCallbackMethod_Abort<Dtm::WithRawCallbackMethod_RegisterBranch<
        Dtm::WithRawCallbackMethod_PrepareWorkflow<Dtm::WithRawCallbackMethod_Subscribe<
            Dtm::WithRawCallbackMethod_Unsubscribe<Dtm::WithRawCallbackMethod_DeleteTopic<Dtm::Service>>>>>>>>>;

class DtmService final : public RawService {
 public:
  DtmService(Engine& engine, std::shared_ptr<Requests> requests) : engine_(engine), requests_(std::move(requests)) {}

  using Context = grpc::CallbackServerContext;
  using Bytes = grpc::ByteBuffer;
  using Reactor = grpc::ServerUnaryReactor;

  Reactor* NewGid(Context* context, const Bytes* request, Bytes* response) override {
    return run(kNewGid, *context, *request, *response);
  }
  Reactor* Submit(Context* context, const Bytes* request, Bytes* response) override {
    return run(kSubmit, *context, *request, *response);
  }
  Reactor* Prepare(Context* context, const Bytes* request, Bytes* response) override {
    return run(kPrepare, *context, *request, *response);
  }
  Reactor* Abort(Context* context, const Bytes* request, Bytes* response) override {
    return run(kAbort, *context, *request, *response);
  }
  Reactor* RegisterBranch(Context* context, const Bytes* request, Bytes* response) override {
    return run(kRegisterBranch, *context, *request, *response);
  }
  Reactor* PrepareWorkflow(Context* context, const Bytes* request, Bytes* response) override {
    return run(kPrepareWorkflow, *context, *request, *response);
  }
  Reactor* Subscribe(Context* context, const Bytes* request, Bytes* response) override {
    return run(kSubscribe, *context, *request, *response);
  }
  Reactor* Unsubscribe(Context* context, const Bytes* request, Bytes* response) override {
    return run(kUnsubscribe, *context, *request, *response);
  }
  Reactor* DeleteTopic(Context* context, const Bytes* request, Bytes* response) override {
    return run(kDeleteTopic, *context, *request, *response);
  }

 private:
  // gRPC keeps context, response and reactor until the reactor's Finish, which is called once.
  Reactor* run(const Method& method, Context& context, const Bytes& request, Bytes& response) {
    Reactor* const reactor = context.DefaultReactor();
    std::optional<Error> refused = requests_->begin();
    Answer answer = [requests = requests_, &method, reactor, &response,
                     began = std::chrono::steady_clock::now()](Result<Bytes> result) mutable {
      const bool ok = static_cast<bool>(result);
      if (ok) {
        response = std::move(result).value();
        reactor->Finish(grpc::Status::OK);
      } else {
        reactor->Finish(status_of(result.error()));
      }
      requests->ended(method.name, ok, began);
    };
    if (refused) {
      answer(std::move(*refused));
    } else {
      method.run(engine_, request, std::move(answer));
    }
    return reactor;
  }

  Engine& engine_;
  const std::shared_ptr<Requests> requests_;
};

// Whatever no service of ours has.
class UnknownMethods final : public grpc::CallbackGenericService {
 public:
  explicit UnknownMethods(Requests& requests) : requests_(requests) {}

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    (void)requests_.begin();
    requests_.ended("other", false, std::chrono::steady_clock::now());
    return new Refusal(context->method());
  }

 private:
  struct Refusal final : grpc::ServerGenericBidiReactor {
    explicit Refusal(const std::string& method) {
      Finish({grpc::StatusCode::UNIMPLEMENTED,
              "unknown method " + method.substr(0, 256) + ": this server has " + Dtm::service_full_name() +
                  " (NewGid, Submit, Prepare, Abort, RegisterBranch, PrepareWorkflow, Subscribe, Unsubscribe, "
                  "DeleteTopic), health and reflection"});
    }
    void OnDone() override { delete this; }
  };

  Requests& requests_;
};

// gRPC does not tell why it could not listen.
Error why_not(const ServerOptions& options) {
  namespace asio = boost::asio;
  boost::system::error_code failed;
  const asio::ip::address address = asio::ip::make_address(options.address, failed);
  if (!failed) {
    asio::io_context loop;
    const asio::ip::tcp::endpoint endpoint(address, options.port);
    asio::ip::tcp::acceptor acceptor(loop);
    acceptor.open(endpoint.protocol(), failed);
    if (!failed) acceptor.bind(endpoint, failed);
    if (!failed) acceptor.listen(1, failed);
  }
  return {Code::unavailable, "cannot listen for gRPC on " + options.address + ":" + std::to_string(options.port) +
                                 ": " + (failed ? failed.message() : "gRPC refuses")};
}

class RunningServer final : public Server {
 public:
  RunningServer(Engine& engine, ServerOptions options)
      : options_(std::move(options)), requests_(std::make_shared<Requests>(options_)), service_(engine, requests_) {}

  ~RunningServer() override {
    if (stopper_.joinable()) {
      stopper_.join();
    } else if (server_) {
      server_->Shutdown();
    }
  }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;

  bool start() {
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(clamped(options_.message_bytes_max));
    builder.SetResourceQuota(grpc::ResourceQuota("settle").Resize(options_.memory_bytes_max));
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // two servers must not share a port without knowing
    builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0);  // answers are a few bytes
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, clamped(options_.keepalive_ms));
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kClientPingMsMin);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();  // v1alpha, on every server of the process
    grpc::EnableDefaultHealthCheckService(true);
    const bool is_v6 = options_.address.find(':') != std::string::npos;
    const std::string host = is_v6 ? "[" + options_.address + "]" : options_.address;
    int port = 0;
    builder.AddListeningPort(host + ":" + std::to_string(options_.port), grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    builder.RegisterService(&reflection_);
    builder.RegisterCallbackGenericService(&unknown_);
    server_ = builder.BuildAndStart();
    if (!server_ || port == 0) return false;
    port_ = static_cast<std::uint16_t>(port);
    set_serving(true);
    return true;
  }

  std::uint16_t port() const override { return port_; }
  std::size_t requests() const override { return requests_->count(); }

  void stop(std::int64_t drain_ms, Task stopped) override {
    set_serving(false);
    // Both block. What is left for the library is to send the last answers, and to end streams that never end by
    // themselves: of health, of reflection.
    stopper_ = std::thread([this, drain_ms, stopped = std::move(stopped)]() mutable {
      requests_->stop(drain_ms);
      server_->Shutdown(std::chrono::system_clock::now() + kLastAnswers);
      stopped();
    });
  }

 private:
  void set_serving(bool serving) {
    grpc::HealthCheckServiceInterface* const health = server_->GetHealthCheckService();
    if (health == nullptr) return;
    health->SetServingStatus(serving);  // of the whole server and of each service that was named
    health->SetServingStatus(Dtm::service_full_name(), serving);
  }

  const ServerOptions options_;
  const std::shared_ptr<Requests> requests_;
  DtmService service_;
  ReflectionService reflection_{service_names()};
  UnknownMethods unknown_{*requests_};
  std::uint16_t port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  std::thread stopper_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::listen(Engine& engine, ServerOptions options) {
  auto server = std::make_unique<RunningServer>(engine, options);
  if (!server->start()) return why_not(options);
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace settle::rpc
