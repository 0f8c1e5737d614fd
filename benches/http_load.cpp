#include "benches/http_load.hpp"

#include <utility>
#include <vector>

#include "benches/event_loop.hpp"
#include "benches/http_request.hpp"
#include "benches/participant.hpp"
#include "benches/submitters.hpp"

namespace settle::bench {
namespace {

class HttpLoad final : public Load {
 public:
  // The submitters come last: the others must be where they are before a client starts.
  HttpLoad(std::unique_ptr<EventLoop> loop, std::unique_ptr<Participant> participant, HttpRequest request)
      : loop_(std::move(loop)), participant_(std::move(participant)), request_(std::move(request)) {}

  Result<Done> start_clients(const LoadPlan& plan, CheckedTransactions& transactions) {
    std::vector<Address> servers;
    for (const LoadedServer& server : plan.servers) servers.push_back(server.http);
    Result<std::unique_ptr<Submitters>> submitters =
        Submitters::start(*loop_, request_, transactions, servers, plan.clients);
    if (!submitters) return submitters.error();
    submitters_ = std::move(submitters).value();
    return Done{};
  }

  void run_once(std::int64_t timeout_us) override { loop_->run_once(timeout_us); }
  void wake() override { submitters_->wake(); }
  std::size_t busy() const override { return submitters_->busy(); }
  std::string_view trouble() const override {
    if (participant_->unreadable() > 0) return "requests came to the participant that are no branch calls";
    return submitters_->trouble();
  }

 private:
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Participant> participant_;
  HttpRequest request_;
  std::unique_ptr<Submitters> submitters_;
};

}  // namespace

Result<std::unique_ptr<Load>> start_http_load(const LoadPlan& plan, const GidSeries& gids,
                                              CheckedTransactions& transactions) {
  Result<std::unique_ptr<EventLoop>> loop = EventLoop::make();
  if (!loop) return loop.error();
  Result<std::unique_ptr<Participant>> participant = Participant::listen(*loop.value(), transactions);
  if (!participant) return participant.error();
  HttpRequest request({.mode = plan.mode, .steps = plan.steps, .wait_result = true}, gids, participant.value()->port());
  auto load = std::make_unique<HttpLoad>(std::move(loop).value(), std::move(participant).value(), std::move(request));
  const Result<Done> started = load->start_clients(plan, transactions);
  if (!started) return started.error();
  return std::unique_ptr<Load>(std::move(load));
}

}  // namespace settle::bench
