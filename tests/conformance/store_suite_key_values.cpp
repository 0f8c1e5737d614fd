// Small values beside the transactions.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "tests/conformance/store_suite.hpp"
#include "tests/conformance/store_values.hpp"

namespace settle {
namespace {

ChangeResult put(Store& store, const std::string& category, const std::string& key, const std::string& value,
                 std::int64_t expected_version = 0, std::int64_t now_ms = kTestTimeMs) {
  return store.apply_key_value(key_value_change(category, key, value, expected_version, now_ms));
}

ChangeResult remove(Store& store, const std::string& category, const std::string& key, std::int64_t expected_version) {
  return store.apply_key_value(key_value_change(category, key, std::nullopt, expected_version));
}

// The keys of what was scanned.
std::vector<std::string> keys_of(const std::vector<KeyValue>& values) {
  std::vector<std::string> keys;
  keys.reserve(values.size());
  for (const KeyValue& value : values) keys.push_back(value.key);
  return keys;
}

TEST_CASE("store/key-values: created and changed -> read in every field, also after reopening") {
  const auto bed = make_store_bed();
  CHECK(find_key_value(bed->store(), "topics", "mail") == std::nullopt);
  CHECK(put(bed->store(), "topics", "mail", "one", 0, kTestTimeMs) == ChangeResult::applied);
  const auto created = find_key_value(bed->store(), "topics", "mail");
  REQUIRE(created);
  CHECK(created->id > 0);
  CHECK(*created == KeyValue{created->id, kTestTimeMs, kTestTimeMs, "topics", "mail", "one", 1});
  bed->reopen();
  CHECK(find_key_value(bed->store(), "topics", "mail") == created);
  CHECK(put(bed->store(), "topics", "mail", "", 1, kTestTimeMs + 7'000) == ChangeResult::applied);
  CHECK(put(bed->store(), "topics", "mail", "three", 2, kTestTimeMs + 9'000) == ChangeResult::applied);
  const KeyValue expected{created->id, kTestTimeMs, kTestTimeMs + 9'000, "topics", "mail", "three", 3};
  CHECK(find_key_value(bed->store(), "topics", "mail") == expected);
  if (bed->reopen()) CHECK(find_key_value(bed->store(), "topics", "mail") == expected);
}

TEST_CASE("store/key-values: another version than the stored one -> conflict, nothing changed") {
  const auto bed = make_store_bed();
  CHECK(put(bed->store(), "topics", "mail", "none", 1) == ChangeResult::conflict);
  CHECK(remove(bed->store(), "topics", "mail", 1) == ChangeResult::conflict);
  CHECK(find_key_value(bed->store(), "topics", "mail") == std::nullopt);
  REQUIRE(put(bed->store(), "topics", "mail", "one") == ChangeResult::applied);
  REQUIRE(put(bed->store(), "topics", "mail", "two", 1) == ChangeResult::applied);
  const auto stored = find_key_value(bed->store(), "topics", "mail");
  for (const std::int64_t version : {0, 1, 3, -1}) {
    CAPTURE(version);
    CHECK(put(bed->store(), "topics", "mail", "lost", version, kTestTimeMs + 5'000) == ChangeResult::conflict);
    CHECK(remove(bed->store(), "topics", "mail", version) == ChangeResult::conflict);
  }
  CHECK(find_key_value(bed->store(), "topics", "mail") == stored);
  if (bed->reopen()) CHECK(find_key_value(bed->store(), "topics", "mail") == stored);
}

TEST_CASE("store/key-values: removed -> gone; created again -> version 1 under a larger id, also after reopening") {
  const auto bed = make_store_bed();
  REQUIRE(put(bed->store(), "topics", "mail", "one") == ChangeResult::applied);
  std::int64_t last_id = find_key_value(bed->store(), "topics", "mail")->id;
  for (int turn = 0; turn < 4; ++turn) {
    CHECK(remove(bed->store(), "topics", "mail", 1) == ChangeResult::applied);
    if (turn % 2 == 0) bed->reopen();
    CHECK(find_key_value(bed->store(), "topics", "mail") == std::nullopt);
    CHECK(scan_all_key_values(bed->store(), "", 10).empty());
    if (turn > 1) bed->reopen();
    CHECK(put(bed->store(), "topics", "mail", "again") == ChangeResult::applied);
    const auto created = find_key_value(bed->store(), "topics", "mail");
    REQUIRE(created);
    CHECK(created->version == 1);
    CHECK(created->id > last_id);
    last_id = created->id;
  }
}

TEST_CASE("store/key-values: removed where there is none -> nothing to do") {
  const auto bed = make_store_bed();
  CHECK(remove(bed->store(), "topics", "mail", 0) == ChangeResult::applied);
  CHECK(scan_all_key_values(bed->store(), "", 10).empty());
}

TEST_CASE("store/key-values: categories and keys of every kind -> are independent of each other") {
  const auto bed = make_store_bed();
  std::vector<std::string> texts = {"", "a", "ab", "b", "A", "a/b", "topics", "\n'\"\\%", "\xE8\xAE\xA2"};
  const std::vector<std::string> any_bytes = {
      std::string(1, '\0'), std::string("a\0", 2),  std::string("\0\0\0\1a", 5), "\xFF",
      "\xFF\xFF",           std::string(3'000, 'x')};
  if (bed->holds_any_bytes()) texts.insert(texts.end(), any_bytes.begin(), any_bytes.end());
  const auto value_of = [](const std::string& category, const std::string& key) { return key + "=" + category; };
  for (const std::string& category : texts) {
    for (const std::string& key : texts) {
      CHECK(put(bed->store(), category, key, value_of(category, key)) == ChangeResult::applied);
    }
  }
  bed->reopen();
  CHECK(remove(bed->store(), "a", "b", 1) == ChangeResult::applied);
  for (const std::string& category : texts) {
    for (const std::string& key : texts) {
      CAPTURE(category);
      CAPTURE(key);
      const auto found = find_key_value(bed->store(), category, key);
      CHECK(found.has_value() == !(category == "a" && key == "b"));
      if (found) CHECK(found->value == value_of(category, key));
    }
    const std::size_t expected = category.empty()  ? texts.size() * texts.size() - 1
                                 : category == "a" ? texts.size() - 1
                                                   : texts.size();
    CHECK(scan_all_key_values(bed->store(), category, 7).size() == expected);
  }
}

TEST_CASE("store/key-values: a value of any bytes and 1 MiB -> comes back") {
  const auto bed = make_store_bed();
  std::string value(1 << 20, '\0');
  const std::size_t different = bed->holds_any_bytes() ? 251 : 127;
  for (std::size_t i = 0; i < value.size(); ++i) value[i] = static_cast<char>(i * 31 % different);
  CHECK(put(bed->store(), "c", "k", value) == ChangeResult::applied);
  bed->reopen();
  CHECK(find_key_value(bed->store(), "c", "k")->value == value);
}

TEST_CASE("store/key-values: pages of any size, of one category and of all -> newest first") {
  const auto bed = make_store_bed();
  std::vector<std::string> all;
  std::vector<std::string> odd;
  for (int i = 0; i < 50; ++i) {
    const std::string key = std::to_string(i * 7 % 50);
    REQUIRE(put(bed->store(), i % 2 == 0 ? "even" : "odd", key, "v") == ChangeResult::applied);
    all.insert(all.begin(), key);
    if (i % 2 == 1) odd.insert(odd.begin(), key);
  }
  // A change does not make it newer.
  REQUIRE(put(bed->store(), "odd", "7", "w", 1) == ChangeResult::applied);
  const auto check = [&] {
    for (const std::size_t size : {1U, 7U, 25U, 49U, 50U, 100U}) {
      CAPTURE(size);
      CHECK(keys_of(scan_all_key_values(bed->store(), "", size)) == all);
      CHECK(keys_of(scan_all_key_values(bed->store(), "odd", size)) == odd);
      CHECK(scan_all_key_values(bed->store(), "od", size).empty());
    }
    const auto page = bed->store().scan_key_values("odd", "", 25);
    REQUIRE(page);
    CHECK(page.value().next_position.empty());
    CHECK(page.value().values[24] == *find_key_value(bed->store(), "odd", "7"));
  };
  check();
  if (bed->reopen()) check();
}

TEST_CASE("store/key-values: some added, changed and removed between pages -> what was there comes once") {
  const auto bed = make_store_bed();
  std::vector<std::string> expected;
  for (int i = 0; i < 30; ++i) {
    expected.insert(expected.begin(), "key" + std::to_string(i));
    REQUIRE(put(bed->store(), "c", expected.front(), "v") == ChangeResult::applied);
  }
  std::vector<std::string> seen;
  std::string position;
  do {
    const auto page = bed->store().scan_key_values("c", position, 7);
    REQUIRE(page);
    for (const KeyValue& value : page.value().values) seen.push_back(value.key);
    position = page.value().next_position;
    const std::string turn = std::to_string(seen.size());
    CHECK(put(bed->store(), "c", "new" + turn, "v") == ChangeResult::applied);
    // The one that the position stands behind goes, and one that is still to come changes.
    CHECK(remove(bed->store(), "c", seen.back(), 1) == ChangeResult::applied);
    const auto last = find_key_value(bed->store(), "c", "key1");
    if (last) CHECK(put(bed->store(), "c", "key1", "w", last->version) == ChangeResult::applied);
  } while (!position.empty());
  CHECK(seen == expected);
}

TEST_CASE("store/key-values: a position that the store did not give -> invalid") {
  const auto bed = make_store_bed();
  for (int i = 0; i < 3; ++i) {
    REQUIRE(put(bed->store(), "c", std::to_string(i), "v") == ChangeResult::applied);
    apply_one(bed->store(), creation(test_definition(std::to_string(i))));
  }
  const auto page = bed->store().scan({}, "", 1);
  REQUIRE(page);
  const auto key_values = bed->store().scan_key_values("", "", 1);
  REQUIRE(key_values);
  CHECK_FALSE(bed->store().scan({}, key_values.value().next_position, 1));
  for (const std::string& position :
       {page.value().next_position, std::string("x"), std::string("k"), std::string("k0"), std::string("k-1"),
        std::string("k1x"), std::string("1"), std::string("k99999999999999999999"), std::string("k1\0", 3)}) {
    CAPTURE(position);
    const auto refused = bed->store().scan_key_values("", position, 10);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::invalid);
  }
}

TEST_CASE("store/key-values: beside transactions -> neither is seen by the other's listings, purge leaves them") {
  const auto bed = make_store_bed();
  REQUIRE(put(bed->store(), "c", "gid", "v") == ChangeResult::applied);
  apply_one(bed->store(), creation(test_definition("gid"), GlobalStatus::succeed));
  REQUIRE(put(bed->store(), "c", "other", "v") == ChangeResult::applied);
  CHECK(scan_all(bed->store(), {}, 10) == std::vector<std::string>{"gid"});
  CHECK(keys_of(scan_all_key_values(bed->store(), "", 10)) == std::vector<std::string>{"other", "gid"});
  REQUIRE(bed->store().purge(2 * kTestTimeMs, 0, 2 * kTestTimeMs, 10).value().purged == 1);
  REQUIRE(bed->store().purge(2 * kTestTimeMs, 3 * kTestTimeMs, 2 * kTestTimeMs, 10).value().forgotten ==
          (bed->remembers_purged() ? 1 : 0));
  bed->reopen();
  CHECK(keys_of(scan_all_key_values(bed->store(), "", 10)) == std::vector<std::string>{"other", "gid"});
}

TEST_CASE("store/key-values: repair of a sound store -> leaves them, and they go on") {
  const auto bed = make_store_bed();
  REQUIRE(put(bed->store(), "c", "k", "v") == ChangeResult::applied);
  REQUIRE(bed->store().repair());
  CHECK(find_key_value(bed->store(), "c", "k")->value == "v");
  CHECK(put(bed->store(), "c", "k", "w", 1) == ChangeResult::applied);
}

TEST_CASE("store/key-values: readers beside the committer -> see what was applied, whole") {
  const auto bed = make_store_bed();
  Store& store = bed->store();
  std::atomic<std::int64_t> applied = 0;
  std::atomic<int> faults = 0;
  constexpr std::int64_t kVersions = 300;
  const auto read = [&] {
    while (applied < kVersions) {
      const std::int64_t known = applied;
      const auto loaded = store.load_key_value("c", "k");
      if (!loaded || (known > 0 && (!loaded.value() || loaded.value()->version < known))) ++faults;
      if (loaded && loaded.value() && loaded.value()->value != std::to_string(loaded.value()->version)) ++faults;
      const auto page = store.scan_key_values("c", "", 10);
      if (!page || (known > 0 && page.value().values.empty())) ++faults;
    }
  };
  std::thread first(read);
  std::thread second(read);
  for (std::int64_t version = 0; version < kVersions; ++version) {
    CHECK(put(store, "c", "k", std::to_string(version + 1), version) == ChangeResult::applied);
    ++applied;
  }
  first.join();
  second.join();
  CHECK(faults == 0);
}

}  // namespace
}  // namespace settle
