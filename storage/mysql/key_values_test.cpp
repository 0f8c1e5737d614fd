#include "storage/mysql/key_values.hpp"

#include <doctest/doctest.h>

#include "storage/mysql/test_transactions.hpp"

namespace settle::mysql {
namespace {

ChangeResult put(const TestTables& tables, const std::string& key, std::optional<std::string> value,
                 std::int64_t expected_version) {
  return must(apply_key_value(*tables.connection, test_times(),
                              {"topics", key, std::move(value), expected_version, kNowMs + expected_version * 1'000}));
}

std::optional<KeyValue> find(const TestTables& tables, const std::string& key) {
  const auto found = must(load_key_value(*tables.connection, test_times(), "topics", key));
  if (!found) return std::nullopt;
  return must(*found);
}

TEST_CASE("mysql key-values: created, changed, removed -> by version") {
  const TestTables tables;
  CHECK(!find(tables, "mail"));
  CHECK(put(tables, "mail", "x", 1) == ChangeResult::conflict);
  CHECK(put(tables, "mail", std::nullopt, 0) == ChangeResult::applied);
  CHECK(put(tables, "mail", "one", 0) == ChangeResult::applied);
  CHECK(put(tables, "mail", "one", 0) == ChangeResult::conflict);
  CHECK(put(tables, "mail", "two", 2) == ChangeResult::conflict);
  CHECK(put(tables, "mail", "two", 1) == ChangeResult::applied);
  const auto found = find(tables, "mail");
  REQUIRE(found);
  CHECK(*found == KeyValue{found->id, kNowMs, kNowMs + 1'000, "topics", "mail", "two", 2});
  CHECK(put(tables, "mail", std::nullopt, 1) == ChangeResult::conflict);
  CHECK(put(tables, "mail", std::nullopt, 2) == ChangeResult::applied);
  CHECK(!find(tables, "mail"));
}

TEST_CASE("mysql key-values: a key that is equal by the database's rules alone -> refused, and left as it is") {
  const TestTables tables;
  tables.ignore_case();
  CHECK(put(tables, "Mail", "one", 0) == ChangeResult::applied);
  const auto found = must(load_key_value(*tables.connection, test_times(), "topics", "mail"));
  REQUIRE(found);
  REQUIRE(!*found);
  CHECK(found->error().code == Code::conflict);
  CHECK(put(tables, "mail", "two", 0) == ChangeResult::conflict);
  CHECK(put(tables, "mail", "two", 1) == ChangeResult::conflict);
  CHECK(find(tables, "Mail")->value == "one");
}

TEST_CASE("mysql key-values: two that create one key at once -> one of them") {
  const TestTables tables;
  const auto other = must_open(tables.options);
  must(other->begin());
  const KeyValueChange change{"topics", "mail", "other", 0, kNowMs};
  CHECK(must(apply_key_value(*other, test_times(), change)) == ChangeResult::applied);
  CHECK(!find(tables, "mail"));  // not committed yet, so the next one runs into the key
  must_execute(*tables.connection, "SET SESSION innodb_lock_wait_timeout = 1");
  const auto waited = apply_key_value(*tables.connection, test_times(), change);
  REQUIRE(!waited);
  CHECK(waited.error().fault == Fault::retry);
  must(other->commit());
  CHECK(put(tables, "mail", "mine", 0) == ChangeResult::conflict);
}

TEST_CASE("mysql key-values: pages of one category and of all -> newest first") {
  const TestTables tables;
  for (int i = 0; i < 5; ++i) {
    const KeyValueChange change{i % 2 == 0 ? "even" : "odd", std::to_string(i), "v", 0, kNowMs};
    CHECK(must(apply_key_value(*tables.connection, test_times(), change)) == ChangeResult::applied);
  }
  const auto keys = [&](const std::string& category, std::int64_t below, std::size_t limit) {
    const KeyValuePage page = must(must(scan_key_values(*tables.connection, test_times(), category, below, limit)));
    std::string text;
    for (const KeyValue& value : page.values) text += value.key;
    return text + (page.next_position.empty() ? "" : " and more");
  };
  CHECK(keys("", INT64_MAX, 10) == "43210");
  CHECK(keys("", INT64_MAX, 5) == "43210");
  CHECK(keys("", INT64_MAX, 2) == "43 and more");
  CHECK(keys("even", INT64_MAX, 2) == "42 and more");
  CHECK(keys("odd", INT64_MAX, 2) == "31");
  CHECK(keys("none", INT64_MAX, 2).empty());
}

}  // namespace
}  // namespace settle::mysql
