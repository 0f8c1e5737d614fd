#include <future>
#include <optional>
#include <utility>

#include "server/registry/call_group.hpp"
#include "server/registry/drivers.hpp"
#include "server/registry/etcd_cluster.hpp"
#include "server/registry/etcd_target.hpp"
#include "server/registry/gozero_resolver.hpp"
#include "server/registry/host_port.hpp"
#include "server/registry/registration.hpp"
#include "server/registry/watch_table.hpp"
#include "settle/executor.hpp"

namespace settle::server {
namespace {

// Everything happens on one thread: gRPC's callbacks and the members that others call only post to it.
class GozeroRegistry final : public Registry {
 public:
  GozeroRegistry(std::optional<EtcdTarget> target, std::string endpoint, Log log, EtcdPatience patience)
      : target_(std::move(target)),
        endpoint_(std::move(endpoint)),
        log_(std::move(log)),
        clusters_(std::in_place, calls_, patience),
        table_(std::in_place, *clusters_, log_, counters_, patience.watches_max),
        gate_(std::make_shared<WatchGate>(executor_, *table_)),
        resolver_(make_gozero_resolver(gate_, target_ ? std::optional(target_->access) : std::nullopt)) {}

  ~GozeroRegistry() override {
    gate_->close();
    std::promise<void> ended;
    executor_.post([this, &ended] {
      registration_.reset();
      table_.reset();
      clusters_.reset();
      ended.set_value();
    });
    ended.get_future().wait();
    calls_->wait();
  }

  void start() override {
    if (!target_) return;
    executor_.post([this] {
      if (registration_ || ended_) return;
      registration_.emplace(clusters_->get(target_->access), target_->key, endpoint_, log_, counters_.registered);
      registration_->start();
    });
  }

  void deregister(std::int64_t timeout_ms, Task done) override {
    executor_.post([this, timeout_ms, done = std::move(done)]() mutable {
      ended_ = true;
      if (registration_) {
        registration_->deregister(timeout_ms, std::move(done));
      } else {
        done();
      }
    });
  }

  std::shared_ptr<Resolver> resolver() override { return resolver_; }

  RegistryStatistics statistics() const override {
    return {target_.has_value(), counters_.registered, counters_.watches, counters_.addresses};
  }

 private:
  const std::optional<EtcdTarget> target_;
  const std::string endpoint_;
  const Log log_;
  RegistryCounters counters_;
  ThreadExecutor executor_{"registry"};
  const std::shared_ptr<CallGroup> calls_ = std::make_shared<CallGroup>(executor_);
  // The executor's, from here to the gate.
  std::optional<EtcdClusters> clusters_;
  std::optional<WatchTable> table_;
  std::optional<Registration> registration_;
  bool ended_ = false;  // deregister() was called
  const std::shared_ptr<WatchGate> gate_;
  const std::shared_ptr<Resolver> resolver_;
};

}  // namespace

Result<std::unique_ptr<Registry>> open_gozero_registry(RegistryOptions options, Log log) {
  return open_gozero_registry(std::move(options), std::move(log), EtcdPatience{});
}

Result<std::unique_ptr<Registry>> open_gozero_registry(RegistryOptions options, Log log, EtcdPatience patience) {
  std::optional<EtcdTarget> target;
  if (!options.target.empty()) {
    auto parsed = parse_etcd_target(options.target);
    if (!parsed) return Error{Code::invalid, "MicroService.Target: " + parsed.error().message};
    if (!is_host_port(options.endpoint)) {
      return Error{Code::invalid, "MicroService.EndPoint: '" + options.endpoint +
                                      "' is not host:port; it is where services reach the gRPC API of this server, "
                                      "such as 10.0.0.1:36790"};
    }
    target = std::move(parsed.value());
  }
  return std::unique_ptr<Registry>(
      std::make_unique<GozeroRegistry>(std::move(target), std::move(options.endpoint), std::move(log), patience));
}

}  // namespace settle::server
