// Keeps one piece of work with etcd going: connects, and connects again after each failure, with pauses.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <string>

#include "server/registry/etcd_cluster.hpp"
#include "server/registry/retry_pauses.hpp"
#include "settle/executor.hpp"
#include "settle/function.hpp"
#include "settle/random.hpp"

namespace settle::server {

// Threads: the executor's of the cluster. Destroying it ends everything; also the handlers may not destroy it.
class EtcdSession {
 public:
  struct Handlers {
    // Begin, or begin anew: what was under way on an earlier connection is void.
    UniqueFunction<void(const std::shared_ptr<EtcdConnection>& connection)> connected;
    // It went wrong, and will be tried again by itself. `every_host`: each of them has been tried since it last worked,
    // or one that works has said no. End what is under way.
    UniqueFunction<void(const std::string& why, bool every_host)> failed;
  };

  EtcdSession(std::shared_ptr<EtcdCluster> cluster, Handlers handlers);
  EtcdSession(const EtcdSession&) = delete;
  EtcdSession& operator=(const EtcdSession&) = delete;

  const EtcdCluster& cluster() const { return *cluster_; }
  // Connects now, at the first time or without waiting for the end of a pause.
  void connect();
  // A call or a stream on the newest connection went wrong. A stream that etcd ended without a reason did, too.
  void fail(const grpc::Status& status);
  void fail(Fault fault, const std::string& why);
  // The work is being done: pauses start small again.
  void succeed();

 private:
  void connected(const Result<std::shared_ptr<EtcdConnection>>& connection);
  std::int64_t pause_after_ms(Fault fault);

  const std::shared_ptr<EtcdCluster> cluster_;
  Handlers handlers_;
  RetryPauses pauses_;
  const std::unique_ptr<Random> random_;
  const std::unique_ptr<Timer> pause_;
  std::shared_ptr<EtcdConnection> connection_;
  bool connecting_ = false;
  bool token_renewed_ = false;  // since it last worked
  // What the cluster calls back may come when this is gone.
  const std::shared_ptr<EtcdSession*> self_;
};

}  // namespace settle::server
