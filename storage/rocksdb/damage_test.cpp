// Values that are damaged behind the back of the store.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "storage/rocksdb/codec.hpp"
#include "storage/rocksdb/keys.hpp"
#include "storage/rocksdb/test_disk.hpp"
#include "tests/conformance/store_values.hpp"

namespace settle {
namespace {

TEST_CASE("rocksdb/damage: a definition -> load, listing and visit name its key, the others go on") {
  const TemporaryFolder folder;
  for (const char* gid : {"good", "bad'gid"}) apply_one(*must_open(in(folder)), creation(test_definition(gid)));
  overwrite(in(folder), gid_key("bad'gid"), std::string("\x01\x01garbage with some length", 24));
  const auto store = must_open(in(folder));
  const auto loaded = store->load("bad'gid");
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code == Code::internal);
  CHECK(says(loaded.error(), "definition of transaction 'bad'gid'"));
  CHECK_FALSE(store->scan({}, "", 10));
  std::vector<Error> damaged;
  std::vector<std::string> visited;
  const auto visit = [&visited](const StoredTransaction& transaction) {
    visited.push_back(transaction.definition->gid);
    return true;
  };
  REQUIRE(store->visit_unfinished(visit, [&damaged](Error error) { damaged.push_back(std::move(error)); }));
  CHECK(visited == std::vector<std::string>{"good"});
  REQUIRE(damaged.size() == 1);
  CHECK(says(damaged[0], "bad'gid"));
  CHECK(apply_one(*store, creation(test_definition("bad'gid"))).result == ChangeResult::exists);
}

TEST_CASE("rocksdb/damage: a state -> named by its key, never changed, the store goes on") {
  const TemporaryFolder folder;
  std::int64_t id = 0;
  for (const char* gid : {"good", "bad"}) id = apply_one(*must_open(in(folder)), creation(test_definition(gid))).id;
  overwrite(in(folder), unfinished_key(id), "");
  const auto store = must_open(in(folder));
  const std::string name = "state of unfinished transaction " + std::to_string(id);
  const auto loaded = store->load("bad");
  REQUIRE_FALSE(loaded);
  CHECK(says(loaded.error(), name));
  std::vector<Error> damaged;
  const auto visit = [](const StoredTransaction&) { return true; };
  REQUIRE(store->visit_unfinished(visit, [&damaged](Error error) { damaged.push_back(std::move(error)); }));
  REQUIRE(damaged.size() == 1);
  CHECK(says(damaged[0], name));
  CHECK(apply_one(*store, change("bad", GlobalStatus::submitted, GlobalStatus::failed)).result ==
        ChangeResult::conflict);
  const ChangeOutcome next = apply_one(*store, creation(test_definition("next")));
  CHECK(next.result == ChangeResult::applied);
  CHECK(next.id > id);
}

TEST_CASE("rocksdb/damage: a run of branch states -> load names it") {
  const TemporaryFolder folder;
  Change created = creation(test_definition("long", 40));
  created.runs = {done_run(64, 80)};
  const std::int64_t id = apply_one(*must_open(in(folder)), created).id;
  const std::string key = run_key(id, 64);
  overwrite(in(folder), key, encode_run(run_key(id, 32), done_run(32, 80).branches));
  const auto loaded = must_open(in(folder))->load("long");
  REQUIRE_FALSE(loaded);
  CHECK(says(loaded.error(), "branch states from row 64"));
}

// A prepared tcc "gid" with three registrations; its id.
std::int64_t add_registered(const RocksdbOptions& options) {
  const auto store = must_open(options);
  Change made = creation(open_definition("gid"), GlobalStatus::prepared);
  made.registrations = test_registrations(0, 3);
  return apply_one(*store, made).id;
}

TEST_CASE("rocksdb/damage: a registration changed, missing or too many -> load and visit name it, the state is read") {
  struct Case {
    const char* name;
    std::uint32_t number;
    bool erased;
    const char* words;
  };
  for (const Case& one : {Case{"changed", 1, false, "damaged value of the registration 1 of transaction "},
                          Case{"first", 0, true, "registration 0 of transaction "},
                          Case{"middle", 1, true, "registration 1 of transaction "},
                          Case{"last", 2, true, "registration 2 of transaction "},
                          Case{"more", 3, false, "the transaction has only 3 registrations"}}) {
    CAPTURE(one.name);
    const TemporaryFolder folder;
    const std::string key = registration_key(add_registered(in(folder)), one.number);
    if (one.erased) {
      erase(in(folder), key);
    } else {
      overwrite(in(folder), key, encode_registration(registration_key(99, 0), test_registration(0)));
    }
    const auto store = must_open(in(folder));
    const auto loaded = store->load("gid");
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code == Code::internal);
    CHECK(says(loaded.error(), one.words));
    std::vector<Error> damaged;
    const auto visit = [](const StoredTransaction&) { return true; };
    REQUIRE(store->visit_unfinished(visit, [&damaged](Error error) { damaged.push_back(std::move(error)); }));
    REQUIRE(damaged.size() == 1);
    CHECK(damaged[0] == loaded.error());
    CHECK(scan_all(*store, {}, 10) == std::vector<std::string>{"gid"});
  }
}

TEST_CASE("rocksdb/damage: a key-value -> load and listing name it, it is never changed, others go on") {
  const std::string name = key_value_name_key("c", "bad");
  struct Case {
    const char* what;
    std::string key;
    std::string value;
    const char* words;
    bool listed;
  };
  for (const Case& one :
       {Case{"name", name, "garbage", "id of the key-value 'bad' of category 'c'", true},
        Case{"lost", name, encode_number(name, 9), "'bad' of category 'c' leads to a record that is missing", true},
        Case{"other", name, encode_number(name, 1), "'bad' of category 'c' leads to the record of another one", true},
        Case{"record", key_value_key(2), "garbage", "key-value 2", false}}) {
    CAPTURE(one.what);
    const TemporaryFolder folder;
    for (const char* key : {"good", "bad"}) {
      REQUIRE(must_open(in(folder))->apply_key_value(key_value_change("c", key, "v")) == ChangeResult::applied);
    }
    overwrite(in(folder), one.key, one.value);
    const auto store = must_open(in(folder));
    const auto loaded = store->load_key_value("c", "bad");
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code == Code::internal);
    CHECK(says(loaded.error(), one.words));
    const auto listed = store->scan_key_values("", "", 10);
    CHECK(static_cast<bool>(listed) == one.listed);
    if (!listed) CHECK(says(listed.error(), one.words));
    for (const std::int64_t version : {0, 1}) {
      CHECK(store->apply_key_value(key_value_change("c", "bad", "w", version)) == ChangeResult::conflict);
      CHECK(store->apply_key_value(key_value_change("c", "bad", std::nullopt, version)) == ChangeResult::conflict);
    }
    CHECK(store->apply_key_value(key_value_change("c", "good", "w", 1)) == ChangeResult::applied);
    CHECK(find_key_value(*store, "c", "good")->value == "w");
  }
}

TEST_CASE("rocksdb/damage: the next id, of transactions or of key-values -> not opened, named") {
  for (const std::string& key : {next_id_key(), next_key_value_id_key()}) {
    const TemporaryFolder folder;
    must_open(in(folder));
    overwrite(in(folder), key, "garbage");
    const auto opened = open_rocksdb_store(in(folder));
    REQUIRE_FALSE(opened);
    CHECK(says(opened.error(), key.substr(1)));
  }
}

}  // namespace
}  // namespace settle
