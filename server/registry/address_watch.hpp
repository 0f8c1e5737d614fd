// The services under one key of etcd, followed: what is there, and every change of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "server/registry/address_book.hpp"
#include "server/registry/etcd_cluster.hpp"
#include "server/registry/etcd_session.hpp"
#include "settle/clock.hpp"
#include "settle/engine.hpp"
#include "settle/executor.hpp"
#include "settle/function.hpp"
#include "settle/resolver.hpp"

namespace settle::server {

// Asks for everything under `<key>/`, and watches from there on. After each failure:
//
//   nothing is known yet      asks for everything
//   something is known        asks for what was there at the newest known revision. Where etcd shows what is known, the
//                             watch resumes behind it; else etcd has other data, and everything is asked for
//
// As long as etcd cannot be reached, the last list stays. Threads: the executor's of the cluster.
class AddressWatch {
 public:
  // `changed` is told of the first list when there is one, then of every other one. Until etcd has answered there is
  // none, unless none of its hosts could be asked: that is told as a problem. It must not destroy the watch.
  AddressWatch(std::shared_ptr<EtcdCluster> cluster, std::string key, Log log,
               UniqueFunction<void(const AddressList& list)> changed);
  AddressWatch(const AddressWatch&) = delete;
  AddressWatch& operator=(const AddressWatch&) = delete;

  void start() { session_.connect(); }
  // What was told last; nothing where nothing was.
  const std::optional<AddressList>& list() const { return list_; }

 private:
  void connected(const std::shared_ptr<EtcdConnection>& connection);
  void failed(const std::string& why, bool every_host);
  void ask(std::int64_t revision);
  void take_all(const grpc::Status& status, const etcd::RangeResponse& response);
  void compare(const grpc::Status& status, const etcd::RangeResponse& response);
  void watch();
  void take_changes(const etcd::WatchResponse& response);
  void begun(const etcd::WatchResponse& response);
  void canceled(const etcd::WatchResponse& response);
  void expire();
  void arm_expiry();
  void tell();
  void tell(AddressList list);

  std::string where() const;  // "'orders' in etcd at h1:2379"

  const std::string key_;
  const Log log_;
  UniqueFunction<void(const AddressList& list)> changed_;
  const SystemClock clock_;
  AddressBook book_;
  EtcdSession session_;
  const std::unique_ptr<Timer> begin_overdue_;  // the watch was asked for, and is not confirmed
  const std::unique_ptr<Timer> retention_end_;
  std::shared_ptr<EtcdConnection> connection_;
  std::unique_ptr<PendingCall> question_;
  std::unique_ptr<OpenStream<etcd::WatchRequest>> stream_;
  std::optional<AddressList> list_;
  bool outage_logged_ = false;
};

}  // namespace settle::server
