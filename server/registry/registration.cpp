#include "server/registry/registration.hpp"

#include <utility>

#include "server/registry/etcd_answers.hpp"

namespace settle::server {

Registration::Registration(std::shared_ptr<EtcdCluster> cluster, std::string key, std::string endpoint, Log log,
                           std::atomic<bool>& registered)
    : key_(std::move(key)),
      endpoint_(std::move(endpoint)),
      log_(std::move(log)),
      registered_(registered),
      session_(std::make_unique<EtcdSession>(
          cluster,
          EtcdSession::Handlers{[this](const std::shared_ptr<EtcdConnection>& connection) { connected(connection); },
                                [this](const std::string& why, bool every_host) { failed(why, every_host); }})),
      next_question_(cluster->executor().make_timer([this] { ask_again(); })),
      answer_overdue_(cluster->executor().make_timer(
          [this] { session_->fail(Fault::host, "nothing was answered to a keep-alive in time"); })),
      deregister_overdue_(cluster->executor().make_timer([this] {
        log_(LogLevel::warn, "",
             endpoint_ + " could not be taken back in time from " + where() +
                 "; it ends there by itself, with its lease");
        finish();
      })) {}

Registration::~Registration() { finish(); }

void Registration::start() {
  if (session_) session_->connect();
}

void Registration::connected(const std::shared_ptr<EtcdConnection>& connection) {
  connection_ = connection;
  if (ending_) {
    revoke();
  } else if (lease_id_ == 0) {
    grant();
  } else {
    put();  // the lease may have survived, and the key with it or not
  }
}

void Registration::failed(const std::string& why, bool every_host) {
  end_work();
  if (ending_ || !every_host || std::exchange(outage_logged_, true)) return;
  log_(LogLevel::warn, "", endpoint_ + " is not registered in " + where() + ", and is tried again until it is: " + why);
}

void Registration::grant() {
  etcd::LeaseGrantRequest request;
  request.set_ttl(session_->cluster().patience().lease_seconds);
  call_ = connection_->grant(
      std::move(request),
      [this](const grpc::Status& status, const etcd::LeaseGrantResponse& response) { granted(status, response); });
}

void Registration::granted(const grpc::Status& status, const etcd::LeaseGrantResponse& response) {
  call_.reset();
  if (!status.ok()) return session_->fail(status);
  if (response.id() == 0) return session_->fail(Fault::refusal, "no lease: " + response.error());
  lease_id_ = response.id();
  lease_ms_ = lease_ms_of(response);
  put();
}

void Registration::put() {
  etcd::PutRequest request;
  request.set_key(full_key());
  request.set_value(endpoint_);
  request.set_lease(lease_id_);
  call_ = connection_->put(std::move(request),
                           [this](const grpc::Status& status, const etcd::PutResponse&) { was_put(status); });
}

void Registration::was_put(const grpc::Status& status) {
  call_.reset();
  if (status.error_code() == grpc::StatusCode::NOT_FOUND) return forget_lease();
  if (!status.ok()) return session_->fail(status);
  if (stream_) {
    log_(LogLevel::warn, "", "the key " + full_key() + " was gone from " + where() + ", and is there again");
  } else {
    keep_alive();
  }
}

void Registration::keep_alive() {
  etcd::LeaseKeepAliveRequest first;
  first.set_id(lease_id_);
  stream_ = connection_->keep_alive(std::move(first),
                                    {[this](const etcd::LeaseKeepAliveResponse& response) { kept_alive(response); },
                                     [this](const grpc::Status& status) { session_->fail(status); }});
  answer_overdue_->arm(session_->cluster().patience().call_timeout_ms);
}

void Registration::kept_alive(const etcd::LeaseKeepAliveResponse& response) {
  if (response.ttl() <= 0) return forget_lease();
  // So that another host has more than half of the lease to be told that we live.
  answer_overdue_->arm(lease_ms_ / 3 + session_->cluster().patience().call_timeout_ms);
  next_question_->arm(lease_ms_ / 3);
  if (registered_) {
    check_key();
  } else {
    confirm();
  }
}

void Registration::ask_again() {
  etcd::LeaseKeepAliveRequest request;
  request.set_id(lease_id_);
  // Where the one before has not left yet, there is no answer to it either: that is answer_overdue_'s matter.
  if (!stream_->write(std::move(request))) next_question_->arm(lease_ms_ / 3);
}

void Registration::check_key() {
  if (call_) return;
  etcd::RangeRequest request;
  request.set_key(full_key());
  call_ = connection_->range(
      std::move(request),
      [this](const grpc::Status& status, const etcd::RangeResponse& response) { checked_key(status, response); });
}

void Registration::checked_key(const grpc::Status& status, const etcd::RangeResponse& response) {
  call_.reset();
  if (status.ok()) {
    const bool is_there = response.kvs_size() == 1 && response.kvs(0).value() == endpoint_;
    if (!is_there) put();
  } else if (fault_of(status) != Fault::refusal) {
    session_->fail(status);
  }
  // A user that may write but not read is fine: the lease is alive.
}

void Registration::confirm() {
  session_->succeed();
  const bool is_news = std::exchange(outage_logged_, false) || logged_key_ != full_key();
  logged_key_ = full_key();
  if (is_news) log_(LogLevel::info, "", endpoint_ + " is registered in " + where() + " as " + logged_key_);
  registered_ = true;
}

void Registration::forget_lease() {
  lease_id_ = 0;
  session_->fail(Fault::refusal, "etcd does not know the lease any more");
}

void Registration::end_work() {
  registered_ = false;
  call_.reset();
  stream_.reset();
  connection_.reset();
  next_question_->disarm();
  answer_overdue_->disarm();
}

void Registration::deregister(std::int64_t timeout_ms, Task done) {
  if (!session_) return done();
  done_.push_back(std::move(done));
  if (std::exchange(ending_, true)) return;
  const std::shared_ptr<EtcdConnection> connection = connection_;
  end_work();
  if (lease_id_ == 0) return finish();
  deregister_overdue_->arm(timeout_ms);
  if (connection) {
    connected(connection);
  } else {
    session_->connect();
  }
}

void Registration::revoke() {
  etcd::LeaseRevokeRequest request;
  request.set_id(lease_id_);
  call_ = connection_->revoke(std::move(request), [this](const grpc::Status& status, const etcd::LeaseRevokeResponse&) {
    call_.reset();
    if (!status.ok() && status.error_code() != grpc::StatusCode::NOT_FOUND) return session_->fail(status);
    log_(LogLevel::info, "", endpoint_ + " is registered no more in " + where());
    finish();
  });
}

void Registration::finish() {
  end_work();
  deregister_overdue_->disarm();
  session_.reset();
  for (Task& done : std::exchange(done_, {})) done();
}

std::string Registration::where() const { return describe(session_->cluster().access()) + " under '" + key_ + "'"; }

}  // namespace settle::server
