// Writes that fail while the process lives: nothing is acknowledged, reads go on, and repair() brings the store into a
// known state once the disk works again.
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>

#include "settle/storage/rocksdb.hpp"
#include "storage/rocksdb/faulty_file_system.hpp"
#include "storage/rocksdb/scenario.hpp"
#include "tests/conformance/store_values.hpp"
#include "tests/conformance/temporary_folder.hpp"

namespace settle {
namespace {

using Fault = FaultyFileSystem::Fault;

struct Bed {
  Bed() {
    options.path = folder.path() + "/store";
    options.write_buffer_bytes = 64 << 10;
    options.file_system = disk;
    open();
  }
  void open() {
    auto opened = open_rocksdb_store(options);
    const std::string why = opened ? "" : opened.error().message;
    REQUIRE_MESSAGE(opened, why);
    store = std::move(opened.value());
  }
  // The machine crashes, and the store is opened again.
  void crash() {
    store.reset();
    disk->lose(FaultyFileSystem::Loss::all_unsynced);
    open();
  }

  TemporaryFolder folder;
  std::shared_ptr<FaultyFileSystem> disk = std::make_shared<FaultyFileSystem>();
  RocksdbOptions options;
  std::unique_ptr<RocksdbStore> store;
};

void must_repair(Store& store) {
  const auto repaired = store.repair();
  const std::string why = repaired ? "" : repaired.error().message;
  REQUIRE_MESSAGE(repaired, why);
}

// Neither the scenario's unfinished ones nor what its purge takes.
Change bystander() { return creation(test_definition("before", 1, 3 * kTestTimeMs), GlobalStatus::succeed); }

// Neither a transaction nor a key-value is taken, not even one that changes nothing.
void check_broken(Store& store) {
  CHECK(store.apply_key_value(key_value_change("c", "while-broken", std::nullopt)) == ChangeResult::failed);
  CHECK(store.apply_key_value(key_value_change("c", "while-broken", "v")) == ChangeResult::failed);
  CHECK(apply_one(store, creation(test_definition("while-broken"))).result == ChangeResult::failed);
}

// The n-th change fails, and those after it, or it alone. False: the scenario came to its end before.
bool fail_and_repair_at(std::int64_t n, Fault fault, std::int64_t count) {
  Bed bed;
  REQUIRE(apply_one(*bed.store, bystander()).result == ChangeResult::applied);
  Scenario scenario;
  bed.disk->fail_from(n, fault, count);
  const bool ended = scenario.run(*bed.store);
  const bool failed = bed.disk->has_failed();
  if (!ended) {
    check_broken(*bed.store);
    CHECK(is_stored(*bed.store, "before"));
    if (count == INT64_MAX) {
      CHECK_FALSE(bed.store->repair());
      CHECK(is_stored(*bed.store, "before"));
      check_broken(*bed.store);
    }
  }
  bed.disk->heal();
  must_repair(*bed.store);
  scenario.check(*bed.store);
  CHECK_FALSE(is_stored(*bed.store, "while-broken"));
  CHECK(find_key_value(*bed.store, "c", "while-broken") == std::nullopt);
  bed.crash();
  scenario.check(*bed.store);
  CHECK(scenario.run(*bed.store));
  scenario.check(*bed.store);
  bed.crash();
  scenario.check(*bed.store);
  return failed;
}

// At every `stride`-th place.
void fail_everywhere(Fault fault, std::int64_t count, std::int64_t stride) {
  std::int64_t n = 1;
  while (fail_and_repair_at(n, fault, count)) n += stride;
  MESSAGE("failed at places up to " << n - stride);
  CHECK(n > 20);
}

TEST_CASE("rocksdb/repair: a single change fails, at every other place -> failed, repaired, consistent") {
  fail_everywhere(Fault::error, 1, 2);
}

TEST_CASE("rocksdb/repair: every change fails from a place on -> reads go on, repaired when the disk is back") {
  fail_everywhere(Fault::error, INT64_MAX, 5);
}

TEST_CASE("rocksdb/repair: the disk is full from a place on -> reads go on, repaired when there is space") {
  fail_everywhere(Fault::no_space, INT64_MAX, 5);
}

TEST_CASE("rocksdb/repair: repair cut short at each change -> says so, and succeeds later") {
  std::int64_t n = 1;
  for (bool cut = true; cut; ++n) {
    Bed bed;
    Scenario scenario;
    bed.disk->fail_from(2, Fault::error, 1);
    REQUIRE_FALSE(scenario.run(*bed.store));
    bed.disk->fail_from(n, Fault::no_space);
    const bool repaired = static_cast<bool>(bed.store->repair());
    cut = bed.disk->has_failed();
    // Read as the repair left it: open, or to be read only.
    CHECK(bed.store->load("long0"));
    bed.disk->heal();
    if (!repaired) must_repair(*bed.store);
    scenario.check(*bed.store);
    CHECK(scenario.run(*bed.store));
    bed.crash();
    scenario.check(*bed.store);
  }
  CHECK(n > 5);
}

TEST_CASE("rocksdb/repair: a key-value's write fails -> nothing is taken until repaired, then it is there or not") {
  for (const Fault fault : {Fault::error, Fault::no_space}) {
    for (std::int64_t n = 1; n <= 2; ++n) {
      Bed bed;
      REQUIRE(bed.store->apply_key_value(key_value_change("c", "k", "one")) == ChangeResult::applied);
      bed.disk->fail_from(n, fault);
      CHECK(bed.store->apply_key_value(key_value_change("c", "k", "two", 1)) == ChangeResult::failed);
      check_broken(*bed.store);
      CHECK_FALSE(bed.store->repair());
      CHECK(bed.store->load_key_value("c", "k"));
      CHECK(bed.store->scan_key_values("c", "", 10));
      bed.disk->heal();
      must_repair(*bed.store);
      const auto found = find_key_value(*bed.store, "c", "k");
      REQUIRE(found);
      CHECK(found->value == (found->version == 1 ? "one" : "two"));
      bed.crash();
      CHECK(find_key_value(*bed.store, "c", "k") == found);
      CHECK(bed.store->apply_key_value(key_value_change("c", "k", "three", found->version)) == ChangeResult::applied);
      REQUIRE(bed.store->apply_key_value(key_value_change("c", "new", "v")) == ChangeResult::applied);
      CHECK(find_key_value(*bed.store, "c", "new")->id > found->id);
    }
  }
}

TEST_CASE("rocksdb/repair: nothing failed -> nothing to do") {
  Bed bed;
  must_repair(*bed.store);
  CHECK(apply_one(*bed.store, creation(test_definition("gid"))).result == ChangeResult::applied);
}

}  // namespace
}  // namespace settle
