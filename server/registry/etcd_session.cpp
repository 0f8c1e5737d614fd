#include "server/registry/etcd_session.hpp"

#include <utility>

namespace settle::server {

EtcdSession::EtcdSession(std::shared_ptr<EtcdCluster> cluster, Handlers handlers)
    : cluster_(std::move(cluster)),
      handlers_(std::move(handlers)),
      pauses_(cluster_->access().hosts.size(), {cluster_->patience().pause_ms_min, cluster_->patience().pause_ms_max}),
      random_(make_system_random()),
      pause_(cluster_->executor().make_timer([this] { connect(); })),
      self_(std::make_shared<EtcdSession*>(this)) {}

void EtcdSession::connect() {
  if (std::exchange(connecting_, true)) return;
  pause_->disarm();
  cluster_->connect([self = std::weak_ptr(self_)](const Result<std::shared_ptr<EtcdConnection>>& connection) {
    if (const auto session = self.lock()) (*session)->connected(connection);
  });
}

void EtcdSession::connected(const Result<std::shared_ptr<EtcdConnection>>& connection) {
  connecting_ = false;
  if (!connection) {
    connection_.reset();
    const Fault fault = connection.error().code == Code::invalid ? Fault::refusal : Fault::host;
    fail(fault, connection.error().message);
    return;
  }
  connection_ = connection.value();
  handlers_.connected(connection_);
}

void EtcdSession::fail(const grpc::Status& status) {
  if (status.ok()) {
    fail(Fault::host, "the stream was ended");
  } else {
    fail(fault_of(status), describe(status));
  }
}

void EtcdSession::fail(Fault fault, const std::string& why) {
  if (connection_) cluster_->failed(connection_, fault);
  connection_.reset();
  pause_->arm(pause_after_ms(fault));
  handlers_.failed(why, pauses_.rounds() != 0);
}

void EtcdSession::succeed() {
  pauses_.reset();
  token_renewed_ = false;
}

std::int64_t EtcdSession::pause_after_ms(Fault fault) {
  if (fault == Fault::host) return pauses_.after_host_failed(random_->next());
  // Tokens expire in the course of things; one that is refused although it is new is another matter.
  if (fault == Fault::token && !std::exchange(token_renewed_, true)) return 0;
  return pauses_.after_refusal(random_->next());
}

}  // namespace settle::server
