// One etcd with several hosts: which of them is spoken to, and with which token.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <map>
#include <memory>
#include <vector>

#include "server/registry/etcd_connection.hpp"
#include "server/registry/etcd_target.hpp"
#include "settle/function.hpp"
#include "settle/result.hpp"

namespace settle::server {

// What a call that went wrong says about the connection.
enum class Fault : std::uint8_t {
  host,     // it does not answer, or not as etcd does: try another one
  token,    // the token is not valid any more: get another one
  refusal,  // the host works, and said no: another one would, too
};
Fault fault_of(const grpc::Status& status);

// All that work with the same etcd share one connection: to the first host that works. Where it fails, the next host is
// everybody's.
// Threads: the executor's of the group.
class EtcdCluster {
 public:
  // Error: what went wrong, for a person; the next host is tried by the next connect().
  using Connected = UniqueFunction<void(Result<std::shared_ptr<EtcdConnection>> connection)>;

  EtcdCluster(EtcdAccess access, std::shared_ptr<CallGroup> group, EtcdPatience patience);
  EtcdCluster(const EtcdCluster&) = delete;
  EtcdCluster& operator=(const EtcdCluster&) = delete;

  const EtcdAccess& access() const { return access_; }
  const EtcdPatience& patience() const { return patience_; }
  Executor& executor() const { return group_->executor(); }

  // Hands over the connection, with a token where there is a user: maybe inside the call. It need not be connected yet.
  void connect(Connected connected);
  // Somebody's call went wrong. No effect where others have told of this connection before.
  void failed(const std::shared_ptr<EtcdConnection>& connection, Fault fault);

 private:
  void authenticate();
  void authenticated(const grpc::Status& status, const std::string& token);
  void answer(const Result<std::shared_ptr<EtcdConnection>>& result);
  void next_host();

  const EtcdAccess access_;
  const std::shared_ptr<CallGroup> group_;
  const EtcdPatience patience_;
  std::size_t host_index_ = 0;
  std::shared_ptr<EtcdConnection> connection_;   // none: the next connect() makes one
  std::unique_ptr<PendingCall> authentication_;  // while one is under way, connection_ is for nobody yet
  std::vector<Connected> waiting_;
};

// The clusters that somebody works with.
class EtcdClusters {
 public:
  EtcdClusters(std::shared_ptr<CallGroup> group, EtcdPatience patience)
      : group_(std::move(group)), patience_(patience) {}
  std::shared_ptr<EtcdCluster> get(const EtcdAccess& access);

 private:
  const std::shared_ptr<CallGroup> group_;
  const EtcdPatience patience_;
  std::map<EtcdAccess, std::weak_ptr<EtcdCluster>> clusters_;
};

}  // namespace settle::server
