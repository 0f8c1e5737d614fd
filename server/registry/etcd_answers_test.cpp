// Answers of an etcd that may be anybody.
#include "server/registry/etcd_answers.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>

using namespace settle::server;

namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

std::int64_t lease_ms(std::int64_t ttl) {
  etcdserverpb::LeaseGrantResponse response;
  response.set_ttl(ttl);
  return lease_ms_of(response);
}

}  // namespace

TEST_CASE("registry/etcd_answers: a snapshot and changes -> keys, addresses and revisions as they are") {
  etcdserverpb::RangeResponse range;
  range.mutable_header()->set_cluster_id(7);
  range.mutable_header()->set_revision(12);
  auto& pair = *range.add_kvs();
  pair.set_key("orders/1");
  pair.set_value("10.0.0.1:9001");
  pair.set_mod_revision(11);
  const AddressSnapshot snapshot = snapshot_of(range);
  CHECK(snapshot.cluster_id == 7);
  CHECK(snapshot.store_revision == 12);
  REQUIRE(snapshot.entries.size() == 1);
  CHECK(snapshot.entries[0].key == "orders/1");
  CHECK(snapshot.entries[0].address == "10.0.0.1:9001");
  CHECK(snapshot.entries[0].revision == 11);

  etcdserverpb::WatchResponse watch;
  watch.mutable_header()->set_revision(13);
  CHECK(changes_of(watch).is_progress);
  watch.set_fragment(true);
  auto& event = *watch.add_events();
  event.set_type(etcdserverpb::Event::DELETE);
  event.mutable_kv()->set_key("orders/1");
  const AddressChanges changes = changes_of(watch);
  CHECK(changes.store_revision == 13);
  CHECK(!changes.is_progress);
  CHECK(changes.more_to_come);
  REQUIRE(changes.events.size() == 1);
  CHECK(changes.events[0].deleted);
  CHECK(changes.events[0].entry.key == "orders/1");
}

TEST_CASE("registry/etcd_answers: numbers that no etcd gives -> within bounds") {
  CHECK(revision_behind(41) == 42);
  CHECK(revision_behind(-5) == 1);
  CHECK(revision_behind(kMost) == kMost);
  CHECK(lease_ms(10) == 10'000);
  CHECK(lease_ms(0) == 1'000);
  CHECK(lease_ms(-1) == 1'000);
  CHECK(lease_ms(kMost) == 86'400'000);
}
