#include "settle/grpc/branch_caller.hpp"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <atomic>
#include <unordered_map>
#include <utility>

#include "proto/workflow.pb.h"
#include "transports/grpc/answer.hpp"
#include "transports/grpc/clamped.hpp"
#include "transports/grpc/metadata.hpp"
#include "transports/grpc/target.hpp"

namespace settle::rpc {
namespace {

constexpr int kKeepaliveTimeoutMs = 20'000;
// A service that comes back is found again within a second of its first answer.
constexpr int kReconnectMsMin = 100;
constexpr int kReconnectMsMax = 1'000;
constexpr int kConnectTimeoutMs = 5'000;
// What a call that finds nobody gives a connection to be made. gRPC fails it at once between two attempts to connect,
// and the service may have come back since the last one.
constexpr int kConnectionWaitMs = 100;
constexpr int kLookUpAgainMs = 5'000;  // host names, where a connection failed

std::shared_ptr<grpc::Channel> make_channel(const std::string& address, const CallerOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(clamped(options.answer_bytes_max));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, clamped(options.keepalive_ms));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMsMin);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMsMax);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectTimeoutMs);
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, kLookUpAgainMs);
  arguments.SetInt(GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0);  // a message is sent as it is
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);               // services are called directly
  arguments.SetLoadBalancingPolicyName("round_robin");           // over the addresses of a host name
  // The scheme, so that no host's name is taken for one.
  return grpc::CreateCustomChannel("dns:///" + address, grpc::InsecureChannelCredentials(), arguments);
}

// The bytes, handed to gRPC without a copy.
grpc::ByteBuffer buffer_of(std::string bytes) {
  auto* const held = new std::string(std::move(bytes));
  const grpc::Slice slice(
      held->data(), held->size(), [](void* text) { delete static_cast<std::string*>(text); }, held);
  return {&slice, 1};
}

std::string message_of(BranchCall& call) {
  if (call.trans_type != TransType::workflow || call.branch_id != kQueryBranchId) return std::move(call.payload);
  workflow::WorkflowData data;
  data.set_data(std::move(call.payload));
  return data.SerializeAsString();
}

gpr_timespec after_ms(std::int64_t ms) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(ms, GPR_TIMESPAN));
}

// What gRPC's threads have not let go of yet. It outlives what it counts.
class InFlight {
 public:
  void add() { count_.fetch_add(1, std::memory_order_relaxed); }
  void remove() {
    if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1) count_.notify_all();
  }
  void wait_for_none() const {
    for (std::size_t count = count_.load(); count != 0; count = count_.load()) count_.wait(count);
  }

 private:
  std::atomic<std::size_t> count_ = 0;
};

// All calls and connections of one shard. Threads: the shard's; gRPC's only post to it.
class Calls final : public std::enable_shared_from_this<Calls> {
 public:
  Calls(Executor& executor, std::shared_ptr<Resolver> resolver, const CallerOptions& options)
      : executor_(executor),
        resolver_(std::move(resolver)),
        options_(options),
        sweep_(executor.make_timer([this] { sweep(); })) {}

  void call(BranchCall branch, BranchCompletion completion) {
    auto call = std::make_unique<OutboundCall>(std::move(branch), std::move(completion));
    if (closed_) return end(std::move(call), {CallResult::unknown, "the server is stopping"});
    Result<BranchAddress> address = parse_branch_url(call->branch.url);
    if (!address) return end(std::move(call), {CallResult::unknown, std::move(address.error().message)});
    call->method = std::move(address.value().method);
    call->deadline = after_ms(call->branch.timeout_ms);
    call->request = buffer_of(message_of(call->branch));
    call->target = target_of(address.value().target);
    if (call->target == nullptr) {
      return end(std::move(call), {CallResult::unknown, "more than " + std::to_string(options_.targets_max) +
                                                            " targets are being called, this one has to wait"});
    }
    if (call->target->known()) return attempt(std::move(call));
    wait_for_addresses(std::move(call));
  }

  // See the header: blocks until gRPC has let go of every call.
  void shut_down() {
    closed_ = true;
    sweep_.reset();
    for (auto& [name, target] : targets_) target.following.reset();
    for (OutboundCall& call : out_) call.context->TryCancel();
    in_flight_->wait_for_none();
    for (auto& [name, target] : targets_) {
      for (auto& call : target.waiting) end(std::move(call), {CallResult::unknown, "the server is stopping"});
      target.waiting.clear();
    }
  }

 private:
  // Null where there are too many.
  Target* target_of(const std::string& name) {
    const auto known = targets_.find(name);
    if (known != targets_.end()) {
      known->second.used = true;
      return &known->second;
    }
    if (targets_.size() >= options_.targets_max) return nullptr;
    Target& target = targets_[name];
    if (targets_.size() == 1) sweep_->arm(options_.target_idle_ms);
    target.following =
        resolver_->follow(name, [weak = weak_from_this(), &executor = executor_, name](AddressList list) {
          executor.post([weak, name, list = std::move(list)]() mutable {
            if (const auto self = weak.lock()) self->addresses_changed(name, std::move(list));
          });
        });
    return &target;
  }

  void addresses_changed(const std::string& name, AddressList list) {
    const auto found = targets_.find(name);
    if (closed_ || found == targets_.end()) return;
    Target& target = found->second;
    target.update(std::move(list), [this](const std::string& address) { return make_channel(address, options_); });
    for (auto& call : std::exchange(target.waiting, {})) {
      call->waits.reset();
      attempt(std::move(call));
    }
  }

  void wait_for_addresses(std::unique_ptr<OutboundCall> call) {
    Target& target = *call->target;
    call->waits = executor_.make_timer([this, &target, waiting = call.get()] { give_up_waiting(target, waiting); });
    call->waits->arm(call->branch.timeout_ms);
    target.waiting.push_back(std::move(call));
  }

  static std::unique_ptr<OutboundCall> take_waiting(Target& target, const OutboundCall* call) {
    const auto same = [call](const auto& waiting) { return waiting.get() == call; };
    const auto found = std::find_if(target.waiting.begin(), target.waiting.end(), same);
    auto taken = std::move(*found);
    target.waiting.erase(found);
    return taken;
  }

  void give_up_waiting(Target& target, const OutboundCall* call) {
    auto ended = take_waiting(target, call);
    // Not inside its own timer.
    executor_.post([self = shared_from_this(), ended = std::move(ended)]() mutable {
      self->end(std::move(ended),
                {CallResult::unknown, "the registry has not told the addresses of the target in time"});
    });
  }

  void attempt(std::unique_ptr<OutboundCall> call) {
    Target& target = *call->target;
    call->endpoint = target.pick(call->tried);
    if (!call->endpoint) return end(std::move(call), {CallResult::unknown, target.problem()});
    grpc::ClientContext& context = call->context.emplace();
    context.set_deadline(call->deadline);
    if (auto wrong = add_metadata(call->branch, context)) {
      return end(std::move(call), {CallResult::unknown, std::move(*wrong)});
    }
    OutboundCall& started = *call.release();  // gRPC's until the callback, which gives it back
    ++target.calls_out;
    out_.push_back(started);
    in_flight_->add();
    started.endpoint->stub.UnaryCall(&context, started.method, {}, &started.request, &started.answer,
                                     [self = shared_from_this(), &started](grpc::Status status) mutable {
                                       started.status = std::move(status);
                                       hand_back(std::move(self), std::unique_ptr<OutboundCall>(&started));
                                     });
  }

  // On a thread of gRPC's, which must keep nothing of ours: it would be destroyed there.
  static void hand_back(std::shared_ptr<Calls> self, std::unique_ptr<OutboundCall> call) {
    const std::shared_ptr<InFlight> in_flight = self->in_flight_;
    Executor& executor = self->executor_;
    executor.post([self = std::move(self), call = std::move(call)]() mutable { self->answered(std::move(call)); });
    in_flight->remove();
  }

  void answered(std::unique_ptr<OutboundCall> call) {
    call->unlink();
    --call->target->calls_out;
    if (!closed_ && was_not_connected(*call)) {
      call->tried.push_back(call->endpoint);
      if (call->target->pick(call->tried) != nullptr) return attempt(std::move(call));
      if (may_wait(*call)) return wait_for_connection(std::move(call));
    }
    BranchReply reply = reply_of(call->status, call->endpoint->address);
    end(std::move(call), std::move(reply));
  }

  // Whether the address could not be connected to. gRPC names as peer of a call whom it was sent to; one that was sent
  // is never made again here, for it may be under way.
  static bool was_not_connected(const OutboundCall& call) {
    if (call.status.error_code() != grpc::StatusCode::UNAVAILABLE) return false;
    const std::string peer = call.context->peer();
    return !peer.starts_with("ipv4:") && !peer.starts_with("ipv6:");
  }

  static bool may_wait(const OutboundCall& call) {
    return !call.waited && gpr_time_cmp(after_ms(kConnectionWaitMs), call.deadline) < 0;
  }

  // Has all addresses connected to anew, and tries them once more.
  void wait_for_connection(std::unique_ptr<OutboundCall> call) {
    for (const auto& endpoint : call->tried) grpc::experimental::ChannelResetConnectionBackoff(endpoint->channel.get());
    call->tried.clear();
    call->waited = true;
    Target& target = *call->target;
    call->waits = executor_.make_timer([this, &target, waiting = call.get()] { try_again(target, waiting); });
    call->waits->arm(kConnectionWaitMs);
    target.waiting.push_back(std::move(call));
  }

  void try_again(Target& target, const OutboundCall* waiting) {
    const auto self = shared_from_this();
    std::unique_ptr<OutboundCall> call = take_waiting(target, waiting);
    executor_.post([timer = std::move(call->waits)] {});  // which is not destroyed inside its own task
    attempt(std::move(call));
  }

  static void end(std::unique_ptr<OutboundCall> call, BranchReply reply) { call->completion(std::move(reply)); }

  // Forgets the targets that nobody has called since the last time, and those without an address, which are asked for
  // anew when they are called.
  void sweep() {
    for (auto place = targets_.begin(); place != targets_.end();) {
      Target& target = place->second;
      const bool in_use = std::exchange(target.used, false) && target.has_addresses();
      const bool idle = !in_use && target.calls_out == 0 && target.waiting.empty();
      place = idle ? targets_.erase(place) : std::next(place);
    }
    if (!targets_.empty()) sweep_->arm(options_.target_idle_ms);
  }

  Executor& executor_;
  const std::shared_ptr<Resolver> resolver_;
  const CallerOptions options_;
  std::unordered_map<std::string, Target> targets_;  // a target stays where it is
  std::unique_ptr<Timer> sweep_;
  OutboundCalls out_;
  const std::shared_ptr<InFlight> in_flight_ = std::make_shared<InFlight>();
  bool closed_ = false;
};

class GrpcCaller final : public BranchCaller {
 public:
  GrpcCaller(Executor& executor, std::shared_ptr<Resolver> resolver, const CallerOptions& options)
      : calls_(std::make_shared<Calls>(executor, std::move(resolver), options)) {}
  ~GrpcCaller() override { calls_->shut_down(); }
  GrpcCaller(const GrpcCaller&) = delete;
  GrpcCaller& operator=(const GrpcCaller&) = delete;

  void call(BranchCall call, BranchCompletion completion) override {
    calls_->call(std::move(call), std::move(completion));
  }

 private:
  std::shared_ptr<Calls> calls_;
};

}  // namespace

CallerPort caller_port(std::shared_ptr<Resolver> resolver, CallerOptions options) {
  return CallerPort{.schemes = {}, .make = [resolver = std::move(resolver), options](Executor& shard) {
                      return std::unique_ptr<BranchCaller>(std::make_unique<GrpcCaller>(shard, resolver, options));
                    }};
}

}  // namespace settle::rpc
