#include "benches/grpc_load.hpp"

#include <absl/synchronization/mutex.h>

#include <chrono>
#include <utility>
#include <vector>

#include "benches/grpc_participant.hpp"
#include "benches/grpc_request.hpp"
#include "benches/grpc_submitters.hpp"
#include "benches/grpc_tag.hpp"

namespace settle::bench {
namespace {

class GrpcLoad final : public Load {
 public:
  // The submitters come last: the others must be where they are before a client starts.
  GrpcLoad(std::unique_ptr<GrpcParticipant> participant, GrpcRequest request)
      : participant_(std::move(participant)), request_(std::move(request)) {}

  ~GrpcLoad() override {
    if (submitters_ != nullptr) submitters_->cancel();
    // While the clients are still there: their calls end with tags in the queue.
    participant_->close();
  }

  Result<Done> start_clients(const LoadPlan& plan, std::size_t channels, CheckedTransactions& transactions) {
    std::vector<Address> servers;
    for (const LoadedServer& server : plan.servers) servers.push_back({server.http.host, server.grpc_port});
    Result<std::unique_ptr<GrpcSubmitters>> submitters =
        GrpcSubmitters::start(participant_->queue(), request_, transactions, servers, plan.clients, channels);
    if (!submitters) return submitters.error();
    submitters_ = std::move(submitters).value();
    return Done{};
  }

  void wake() override { submitters_->wake(); }
  void run_once(std::int64_t timeout_us) override {
    void* tag = nullptr;
    bool ok = false;
    const auto deadline = std::chrono::system_clock::now() + std::chrono::microseconds(timeout_us);
    if (participant_->queue().AsyncNext(&tag, &ok, deadline) == grpc::CompletionQueue::GOT_EVENT) {
      static_cast<GrpcTag*>(tag)->complete(ok);
    }
  }

  std::size_t busy() const override { return submitters_->busy(); }
  std::string_view trouble() const override {
    if (participant_->unreadable() > 0) return "calls came to the participant that are no branch calls";
    return {};
  }

 private:
  std::unique_ptr<GrpcParticipant> participant_;
  GrpcRequest request_;
  std::unique_ptr<GrpcSubmitters> submitters_;
};

}  // namespace

Result<std::unique_ptr<Load>> start_grpc_load(const LoadPlan& plan, std::size_t channels, const GidSeries& gids,
                                              CheckedTransactions& transactions) {
  // Where gRPC was built with assertions, as in Debian, every lock looks for deadlocks: that is not to be measured.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  Result<std::unique_ptr<GrpcParticipant>> participant = GrpcParticipant::listen(transactions);
  if (!participant) return participant.error();
  GrpcRequest request({.mode = plan.mode, .steps = plan.steps, .wait_result = true}, gids, participant.value()->port());
  auto load = std::make_unique<GrpcLoad>(std::move(participant).value(), std::move(request));
  const Result<Done> started = load->start_clients(plan, channels, transactions);
  if (!started) return started.error();
  return std::unique_ptr<Load>(std::move(load));
}

}  // namespace settle::bench
