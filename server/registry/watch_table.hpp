// Who follows which target: one watch for each, however many follow it.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_set>

#include "server/registry/address_watch.hpp"
#include "server/registry/etcd_cluster.hpp"
#include "server/registry/etcd_target.hpp"
#include "server/registry/follower.hpp"
#include "settle/engine.hpp"
#include "settle/executor.hpp"
#include "settle/function.hpp"

namespace settle::server {

// What others may read while the executor works.
struct RegistryCounters {
  std::atomic<bool> registered = false;
  std::atomic<std::size_t> watches = 0;
  std::atomic<std::size_t> addresses = 0;
};

// Threads: the executor's of the clusters.
class WatchTable {
 public:
  WatchTable(EtcdClusters& clusters, Log log, RegistryCounters& counters, std::size_t watches_max);

  // The follower is told of the list at once where it is known, then of each change. A target beyond watches_max is
  // told as a problem, and not followed.
  void follow(const EtcdTarget& target, std::shared_ptr<Follower> follower);
  // The watch ends with its last follower.
  void unfollow(const EtcdTarget& target, const std::shared_ptr<Follower>& follower);

 private:
  struct Watched {
    std::unique_ptr<AddressWatch> watch;
    std::unordered_set<std::shared_ptr<Follower>> followers;
    std::size_t addresses = 0;
  };

  void changed(Watched& watched, const AddressList& list);

  EtcdClusters& clusters_;
  const Log log_;
  RegistryCounters& counters_;
  const std::size_t watches_max_;
  std::map<EtcdTarget, Watched> watched_;
};

// The way to the table for those who may outlive it.
// Threads: any.
class WatchGate {
 public:
  WatchGate(Executor& executor, WatchTable& table) : executor_(&executor), table_(table) {}

  // Runs the task on the executor; false, and nothing is run, where the gate is closed.
  bool post(UniqueFunction<void(WatchTable& table)> task);
  // What was posted before is still run.
  void close();

 private:
  std::mutex mutex_;
  Executor* executor_;  // null: closed
  WatchTable& table_;
};

}  // namespace settle::server
