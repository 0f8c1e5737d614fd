// One endpoint in etcd, as go-zero registers it: `<key>/<lease id>` = endpoint, under a lease that is kept alive.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "server/registry/etcd_cluster.hpp"
#include "server/registry/etcd_session.hpp"
#include "settle/engine.hpp"
#include "settle/executor.hpp"
#include "settle/function.hpp"

namespace settle::server {

// Whatever happens to etcd, the endpoint is registered again as soon as etcd can be reached: after an outage under the
// same lease where it has survived, else under a new one. With each keep-alive it is looked whether the key is still
// there, for a lease may survive what was put under it. Each outage is logged twice: when it begins and when it ends.
// Threads: the executor's of the cluster, but for `registered`, which any may read. Destroying it leaves the
// registration to the end of its lease.
class Registration {
 public:
  Registration(std::shared_ptr<EtcdCluster> cluster, std::string key, std::string endpoint, Log log,
               std::atomic<bool>& registered);
  // Invokes what deregister() still owes.
  ~Registration();
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

  void start();
  // Ends the registration for good. `done` is invoked when etcd has taken it back, and after timeout_ms at the latest;
  // inside the call where nothing is registered.
  void deregister(std::int64_t timeout_ms, Task done);

 private:
  void connected(const std::shared_ptr<EtcdConnection>& connection);
  void failed(const std::string& why, bool every_host);
  void grant();
  void granted(const grpc::Status& status, const etcd::LeaseGrantResponse& response);
  void put();
  void was_put(const grpc::Status& status);
  void keep_alive();
  void kept_alive(const etcd::LeaseKeepAliveResponse& response);
  void ask_again();
  void check_key();
  void checked_key(const grpc::Status& status, const etcd::RangeResponse& response);
  void confirm();
  void forget_lease();
  void end_work();
  void revoke();
  void finish();

  std::string where() const;  // "etcd at h1:2379 under 'dtmservice'"
  std::string full_key() const { return key_ + "/" + std::to_string(lease_id_); }

  const std::string key_;
  const std::string endpoint_;
  const Log log_;
  std::atomic<bool>& registered_;
  std::unique_ptr<EtcdSession> session_;         // none: finished
  const std::unique_ptr<Timer> next_question_;   // of the keep-alive stream
  const std::unique_ptr<Timer> answer_overdue_;  // likewise
  const std::unique_ptr<Timer> deregister_overdue_;
  std::shared_ptr<EtcdConnection> connection_;
  std::unique_ptr<PendingCall> call_;
  std::unique_ptr<OpenStream<etcd::LeaseKeepAliveRequest>> stream_;
  std::int64_t lease_id_ = 0;  // 0: none
  std::int64_t lease_ms_ = 0;
  std::string logged_key_;  // under which an operator believes it to be; empty: nowhere
  bool outage_logged_ = false;
  bool ending_ = false;
  std::vector<Task> done_;
};

}  // namespace settle::server
