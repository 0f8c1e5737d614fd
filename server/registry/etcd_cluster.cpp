#include "server/registry/etcd_cluster.hpp"

#include <string>
#include <utility>

namespace settle::server {

Fault fault_of(const grpc::Status& status) {
  const std::string& message = status.error_message();
  const bool is_about_the_token = status.error_code() == grpc::StatusCode::UNAUTHENTICATED ||
                                  message.find("invalid auth token") != std::string::npos ||
                                  message.find("revision of auth store is old") != std::string::npos;
  if (is_about_the_token) return Fault::token;
  switch (status.error_code()) {
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::UNKNOWN:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::UNIMPLEMENTED:
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DATA_LOSS:
      return Fault::host;
    default:
      return Fault::refusal;
  }
}

EtcdCluster::EtcdCluster(EtcdAccess access, std::shared_ptr<CallGroup> group, EtcdPatience patience)
    : access_(std::move(access)), group_(std::move(group)), patience_(patience) {}

void EtcdCluster::connect(Connected connected) {
  if (connection_ && !authentication_) {
    connected(connection_);
    return;
  }
  waiting_.push_back(std::move(connected));
  if (authentication_) return;
  auto opened = EtcdConnection::open(group_, access_.hosts[host_index_], access_.credentials.tls, patience_);
  if (!opened) {
    answer(opened.error());
    return;
  }
  connection_ = std::move(opened.value());
  if (access_.credentials.user.empty()) {
    answer(connection_);
  } else {
    authenticate();
  }
}

void EtcdCluster::authenticate() {
  etcd::AuthenticateRequest request;
  request.set_name(access_.credentials.user);
  request.set_password(access_.credentials.password);
  authentication_ = connection_->authenticate(
      std::move(request), [this](const grpc::Status& status, const etcd::AuthenticateResponse& response) {
        authenticated(status, response.token());
      });
}

void EtcdCluster::authenticated(const grpc::Status& status, const std::string& token) {
  authentication_.reset();
  // An etcd whose authentication is off lets everybody in.
  const bool is_off = status.error_code() == grpc::StatusCode::FAILED_PRECONDITION &&
                      status.error_message().find("authentication is not enabled") != std::string::npos;
  if (status.ok() || is_off) {
    connection_->set_token(token);
    answer(connection_);
    return;
  }
  next_host();
  answer(Error{Code::unavailable, describe(status)});
}

void EtcdCluster::answer(const Result<std::shared_ptr<EtcdConnection>>& result) {
  // Who is told may ask again at once, and then waits for another answer.
  std::vector<Connected> told = std::exchange(waiting_, {});
  for (Connected& connected : told) connected(result);
}

void EtcdCluster::failed(const std::shared_ptr<EtcdConnection>& connection, Fault fault) {
  if (connection != connection_ || fault == Fault::refusal) return;
  if (fault == Fault::token) {
    connection_.reset();
  } else {
    next_host();
  }
}

void EtcdCluster::next_host() {
  connection_.reset();
  host_index_ = (host_index_ + 1) % access_.hosts.size();
}

std::shared_ptr<EtcdCluster> EtcdClusters::get(const EtcdAccess& access) {
  std::erase_if(clusters_, [](const auto& known) { return known.second.expired(); });
  std::weak_ptr<EtcdCluster>& known = clusters_[access];
  std::shared_ptr<EtcdCluster> cluster = known.lock();
  if (!cluster) known = cluster = std::make_shared<EtcdCluster>(access, group_, patience_);
  return cluster;
}

}  // namespace settle::server
