// What is written under which keys: how much, and what is left of it.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "storage/rocksdb/codec.hpp"
#include "storage/rocksdb/keys.hpp"
#include "storage/rocksdb/test_disk.hpp"
#include "storage/rocksdb/version_1_values.hpp"
#include "tests/conformance/store_values.hpp"

namespace settle {
namespace {

TEST_CASE("rocksdb/statistics: applied groups -> one sync each, and their bytes") {
  const TemporaryFolder folder;
  const auto store = must_open(in(folder));
  const auto before = store->statistics();
  const std::vector<Change> group = {creation(test_definition("a")), creation(test_definition("b"))};
  std::vector<ChangeOutcome> outcomes(2);
  store->apply(group, outcomes);
  CHECK(apply_one(*store, creation(test_definition("a"))).result == ChangeResult::exists);
  CHECK(store->statistics().syncs == before.syncs + 1);
  CHECK(store->statistics().bytes_written > before.bytes_written + 100);
  CHECK(store->traits().durable);
  CHECK(store->traits().place == in(folder).path);
}

TEST_CASE("rocksdb/writes: 5,000 registrations of one transaction -> the last costs what the first did") {
  const TemporaryFolder folder;
  const auto store = must_open(in(folder));
  apply_one(*store, creation(open_definition("gid"), GlobalStatus::prepared));
  const auto cost_of = [&store](std::size_t number) {
    Change more = registering("gid", number, 1);
    more.registrations[0] = {"0001", "{}", "http://host/confirm", "http://host/cancel", ""};
    const auto before = store->statistics().bytes_written;
    REQUIRE(apply_one(*store, more).result == ChangeResult::applied);
    return store->statistics().bytes_written - before;
  };
  const std::uint64_t first = cost_of(0);
  CHECK(first < 512);
  std::uint64_t last = 0;
  for (std::size_t number = 1; number < 5'000; ++number) last = cost_of(number);
  CHECK(last <= first + 1);  // their count takes one byte more
}

TEST_CASE("rocksdb/writes: a saga on its good path -> two values, and no byte more than it needs") {
  const TemporaryFolder folder;
  std::uint64_t written = 0;
  {
    const auto store = must_open(in(folder));
    Change created = creation(test_definition("0123456789abcdef0123"));
    created.state = State{.status = GlobalStatus::submitted,
                          .update_time_ms = kTestTimeMs,
                          .retry_interval_ms = 10'000,
                          .next_retry_time_ms = kTestTimeMs + 10'000,
                          .submit_time_ms = kTestTimeMs};
    Change done = change(created.gid, GlobalStatus::submitted, GlobalStatus::succeed, {done_run(0, 4)});
    done.state = created.state;
    done.state.status = GlobalStatus::succeed;
    const auto before = store->statistics().bytes_written;
    apply_one(*store, created);
    apply_one(*store, done);
    written = store->statistics().bytes_written - before;
  }
  CHECK(stored_kinds(in(folder)) == "fg");
  // Version 1 took 325; the time of the submit takes one more in either state.
  CHECK(written <= 325 + 2);
}

TEST_CASE("rocksdb/writes: purged and forgotten -> no key is left of what was registered") {
  const TemporaryFolder folder;
  constexpr std::int64_t kLater = 2 * kTestTimeMs;
  {
    const auto store = must_open(in(folder));
    for (int i = 0; i < 3; ++i) {
      Change created = creation(open_definition("gid" + std::to_string(i)), GlobalStatus::succeed);
      created.registrations = test_registrations(0, 5'000);
      for (std::uint32_t first = 0; first < 10'000; first += kBranchRunLength) {
        created.runs.push_back(done_run(first, 10'000));
      }
      REQUIRE(apply_one(*store, created).result == ChangeResult::applied);
    }
    const auto purged = store->purge(kLater, 0, kLater, 100);
    REQUIRE(purged);
    CHECK(purged.value().purged == 3);
    CHECK_FALSE(purged.value().more);
  }
  CHECK(stored_kinds(in(folder)) == "gggmttt");
  REQUIRE(must_open(in(folder))->purge(kLater, kLater + 1, kLater, 100));
  CHECK(stored_kinds(in(folder)) == "m");
}

TEST_CASE("rocksdb/writes: a key-value -> a name and a record; removed: nothing but the mark of the ids") {
  const TemporaryFolder folder;
  REQUIRE(must_open(in(folder))->apply_key_value(key_value_change("c", "k", "v")) == ChangeResult::applied);
  REQUIRE(must_open(in(folder))->apply_key_value(key_value_change("c", "k", "w", 1)) == ChangeResult::applied);
  CHECK(stored_kinds(in(folder)) == "kmv");
  const auto store = must_open(in(folder));
  const auto before = store->statistics();
  CHECK(store->apply_key_value(key_value_change("c", "k", "x", 1)) == ChangeResult::conflict);
  CHECK(store->statistics().syncs == before.syncs);
  CHECK(store->apply_key_value(key_value_change("c", "k", std::nullopt, 2)) == ChangeResult::applied);
  CHECK(store->statistics().syncs == before.syncs + 1);
}

TEST_CASE("rocksdb/writes: a folder of version 1 -> read, changed, purged") {
  const TemporaryFolder folder;
  must_open(in(folder));
  overwrite(in(folder), gid_key("old"), version_1_definition());
  overwrite(in(folder), unfinished_key(7), version_1_state());
  overwrite(in(folder), next_id_key(), version_1_number());
  const auto store = must_open(in(folder));
  const StoredTransaction old = must_load(*store, "old");
  CHECK(old.id == 7);
  CHECK(old.definition->branches.size() == 4);
  CHECK(old.state.status == GlobalStatus::aborting);
  CHECK(old.branches.size() == 4);
  CHECK(unfinished_gids(*store) == std::vector<std::string>{"old"});
  CHECK(apply_one(*store, creation(test_definition("new"))).id == 300);
  const Change end = change("old", GlobalStatus::aborting, GlobalStatus::failed);
  CHECK(apply_one(*store, end).result == ChangeResult::applied);
  CHECK(must_load(*store, "old").state == end.state);
  CHECK(must_load(*store, "old").branches == old.branches);
  CHECK(*must_load(*store, "old").definition == *old.definition);
  CHECK(store->purge(2 * kTestTimeMs, 0, kTestTimeMs, 10).value().purged == 1);
  CHECK(store->purged_status("old").value() == GlobalStatus::failed);
}

}  // namespace
}  // namespace settle
