#include "benches/grpc_submitters.hpp"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>

#include <chrono>
#include <optional>
#include <utility>

#include "benches/grpc_tag.hpp"
#include "benches/machine.hpp"

namespace settle::bench {
namespace {

constexpr std::chrono::seconds kConnectTimeout{5};
constexpr int kReconnectPauseMs = 100;

// `count` to each server, the servers by turns.
Result<std::vector<std::shared_ptr<grpc::Channel>>> connect(const std::vector<Address>& servers, std::size_t count) {
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  std::vector<std::string> targets;
  for (std::size_t i = 0; i < count * servers.size(); ++i) {
    const Address& server = servers[i % servers.size()];
    targets.push_back(server.host + ":" + std::to_string(server.port));
    grpc::ChannelArguments arguments;
    // Channels to one address would share a connection otherwise.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    // Neither is wanted here, and both cost CPU that the measured server could use.
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    arguments.SetInt(GRPC_ARG_MINIMAL_STACK, 1);
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectPauseMs);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kReconnectPauseMs);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectPauseMs);
    channels.push_back(grpc::CreateCustomChannel(targets.back(), grpc::InsecureChannelCredentials(), arguments));
  }
  const auto deadline = std::chrono::system_clock::now() + kConnectTimeout;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    if (!channels[i]->WaitForConnected(deadline)) {
      return Error{Code::unavailable, "cannot connect to " + targets[i] + " over gRPC"};
    }
  }
  return channels;
}

}  // namespace

class GrpcSubmitters::Client final : public GrpcTag {
 public:
  Client(GrpcSubmitters& all, std::size_t place, std::shared_ptr<grpc::Channel> channel)
      : all_(all), place_(place), stub_(std::move(channel)) {}

  void submit_next() {
    const std::optional<NextTransaction> next = all_.source_.next_transaction(place_);
    if (!next) {
      all_.idle_.push_back(this);
      return;
    }
    number_ = next->number;
    begin_ns_ = next->begin_ns;
    ++all_.busy_;
    part_ = 0;
    send_part();
  }

  void complete(bool) override {
    if (status_.ok() && part_ + 1 < all_.request_.parts()) {
      ++part_;
      send_part();
      return;
    }
    --all_.busy_;
    TransactionAnswer answer{.client = place_, .number = number_, .begin_ns = begin_ns_, .end_ns = now_ns()};
    if (!status_.ok()) answer.failure = std::to_string(status_.error_code()) + " " + status_.error_message();
    all_.source_.on_answer(answer);
    submit_next();
  }

  void cancel() {
    if (context_) context_->TryCancel();
  }

 private:
  void send_part() {
    const std::string_view message = all_.request_.numbered(number_, part_);
    const grpc::Slice slice(message.data(), message.size());
    const grpc::ByteBuffer bytes(&slice, 1);
    call_.reset();
    context_.emplace();
    call_ = stub_.PrepareUnaryCall(&*context_, all_.request_.method(part_), bytes, &all_.queue_);
    call_->StartCall();
    call_->Finish(&reply_, &status_, this);
  }

  GrpcSubmitters& all_;
  const std::size_t place_;
  grpc::GenericStub stub_;
  std::optional<grpc::ClientContext> context_;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> call_;
  grpc::ByteBuffer reply_;
  grpc::Status status_;
  std::uint64_t number_ = 0;
  std::int64_t begin_ns_ = 0;
  std::size_t part_ = 0;
};

Result<std::unique_ptr<GrpcSubmitters>> GrpcSubmitters::start(grpc::CompletionQueue& queue, GrpcRequest& request,
                                                              TransactionSource& source,
                                                              const std::vector<Address>& servers, std::size_t clients,
                                                              std::size_t channels) {
  const Result<std::vector<std::shared_ptr<grpc::Channel>>> connected = connect(servers, channels);
  if (!connected) return connected.error();
  std::unique_ptr<GrpcSubmitters> all(new GrpcSubmitters(queue, request, source));
  for (std::size_t place = 0; place < clients; ++place) {
    all->clients_.push_back(std::make_unique<Client>(*all, place, connected.value()[place % connected.value().size()]));
  }
  for (const auto& client : all->clients_) client->submit_next();
  return all;
}

GrpcSubmitters::GrpcSubmitters(grpc::CompletionQueue& queue, GrpcRequest& request, TransactionSource& source)
    : queue_(queue), request_(request), source_(source) {}

GrpcSubmitters::~GrpcSubmitters() = default;

void GrpcSubmitters::wake() {
  for (std::size_t tries = idle_.size(); tries > 0; --tries) {
    Client& client = *idle_.back();
    idle_.pop_back();
    client.submit_next();
    if (!idle_.empty() && idle_.back() == &client) return;
  }
}

void GrpcSubmitters::cancel() {
  for (const auto& client : clients_) client->cancel();
}

}  // namespace settle::bench
