#include "server/registry/watch_table.hpp"

#include <string>
#include <utility>

namespace settle::server {

WatchTable::WatchTable(EtcdClusters& clusters, Log log, RegistryCounters& counters, std::size_t watches_max)
    : clusters_(clusters), log_(std::move(log)), counters_(counters), watches_max_(watches_max) {}

void WatchTable::follow(const EtcdTarget& target, std::shared_ptr<Follower> follower) {
  const auto known = watched_.find(target);
  if (known != watched_.end()) {
    if (known->second.watch->list()) follower->tell(*known->second.watch->list());
    known->second.followers.insert(std::move(follower));
  } else if (watched_.size() >= watches_max_) {
    follower->tell(
        {{},
         "too many targets are followed at once, " + std::to_string(watches_max_) + ": no further one is looked up"});
  } else {
    Watched& watched = watched_[target];
    counters_.watches = watched_.size();
    watched.followers.insert(std::move(follower));
    watched.watch =
        std::make_unique<AddressWatch>(clusters_.get(target.access), target.key, log_,
                                       [this, &watched](const AddressList& list) { changed(watched, list); });
    watched.watch->start();
  }
}

void WatchTable::unfollow(const EtcdTarget& target, const std::shared_ptr<Follower>& follower) {
  const auto at = watched_.find(target);
  if (at == watched_.end()) return;
  at->second.followers.erase(follower);
  if (!at->second.followers.empty()) return;
  counters_.addresses -= at->second.addresses;
  watched_.erase(at);
  counters_.watches = watched_.size();
}

void WatchTable::changed(Watched& watched, const AddressList& list) {
  counters_.addresses += list.addresses.size() - watched.addresses;
  watched.addresses = list.addresses.size();
  for (const std::shared_ptr<Follower>& follower : watched.followers) follower->tell(list);
}

bool WatchGate::post(UniqueFunction<void(WatchTable& table)> task) {
  const std::lock_guard lock(mutex_);
  if (executor_ == nullptr) return false;
  executor_->post([&table = table_, task = std::move(task)]() mutable { task(table); });
  return true;
}

void WatchGate::close() {
  const std::lock_guard lock(mutex_);
  executor_ = nullptr;
}

}  // namespace settle::server
