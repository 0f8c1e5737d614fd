#include "server/registry/etcd_answers.hpp"

#include <algorithm>
#include <limits>

namespace settle::server {
namespace {

constexpr std::int64_t kLeaseSecondsMax = 86'400;

AddressEntry entry_of(const etcdserverpb::KeyValue& pair) { return {pair.key(), pair.value(), pair.mod_revision()}; }

}  // namespace

AddressSnapshot snapshot_of(const etcdserverpb::RangeResponse& response) {
  AddressSnapshot snapshot{response.header().cluster_id(), response.header().revision(), {}};
  for (const auto& pair : response.kvs()) snapshot.entries.push_back(entry_of(pair));
  return snapshot;
}

AddressChanges changes_of(const etcdserverpb::WatchResponse& response) {
  AddressChanges changes;
  for (const auto& event : response.events()) {
    changes.events.push_back({event.type() == etcdserverpb::Event::DELETE, entry_of(event.kv())});
  }
  changes.store_revision = response.header().revision();
  changes.is_progress = response.events().empty();
  changes.more_to_come = response.fragment();
  return changes;
}

std::int64_t revision_behind(std::int64_t revision) {
  return std::clamp<std::int64_t>(revision, 0, std::numeric_limits<std::int64_t>::max() - 1) + 1;
}

std::int64_t lease_ms_of(const etcdserverpb::LeaseGrantResponse& response) {
  return std::clamp<std::int64_t>(response.ttl(), 1, kLeaseSecondsMax) * 1'000;
}

}  // namespace settle::server
