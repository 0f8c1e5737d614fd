#include "storage/rocksdb/keys.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

namespace settle {
namespace {

TEST_CASE("rocksdb/keys: parts -> come back, in the order of their numbers") {
  CHECK(id_of(KeyKind::unfinished, unfinished_key(258)) == 258);
  CHECK(id_of(KeyKind::finished, unfinished_key(258)) == std::nullopt);
  CHECK(id_of(KeyKind::finished, finished_key(1) + "x") == std::nullopt);
  CHECK(id_of(KeyKind::key_value, key_value_key(5)) == 5);
  CHECK(unfinished_key(255) < unfinished_key(256));
  CHECK(unfinished_key(-1) < unfinished_key(0));
  CHECK(run_key(1, 0xFFFFFFE0) < run_key(2, 0));
  CHECK(parse_part_key(KeyKind::run, run_key(5, 96))->number == 96);
  CHECK(parse_part_key(KeyKind::run, run_key(5, 96))->id == 5);
  CHECK(registration_key(1, 255) < registration_key(1, 256));
  CHECK(registration_key(1, 0xFFFFFFFF) < registration_key(2, 0));
  CHECK(parse_part_key(KeyKind::registration, registration_key(5, 7))->number == 7);
  CHECK(parse_part_key(KeyKind::registration, run_key(5, 96)) == std::nullopt);
  const std::string purged = purge_time_key(77, "gid");
  CHECK(parse_purge_time_key(purged)->time_ms == 77);
  CHECK(parse_purge_time_key(purged)->gid == "gid");
  CHECK(parse_purge_time_key("t") == std::nullopt);
}

TEST_CASE("rocksdb/keys: names of key-values of any bytes -> come back, no two meet") {
  const std::vector<std::string> texts = {
      "", "a", "ab", "b", std::string(1, '\0'), "a\xFF", std::string("\0\0\0\1a", 5)};
  std::set<std::string> keys;
  for (const std::string& category : texts) {
    for (const std::string& key : texts) {
      const std::string name = key_value_name_key(category, key);
      CHECK(keys.insert(name).second);
      const auto parts = parse_key_value_name_key(name);
      REQUIRE(parts);
      CHECK(parts->category == category);
      CHECK(parts->key == key);
    }
  }
  CHECK(parse_key_value_name_key(key_value_name_key("ab", "").substr(0, 6)) == std::nullopt);
  CHECK(parse_key_value_name_key("k") == std::nullopt);
}

TEST_CASE("rocksdb/keys: described -> in one printable line") {
  CHECK(describe_key(gid_key("a\nb")) == "definition of transaction 'a\\x0ab'");
  CHECK(describe_key(run_key(3, 32)) == "branch states from row 32 on of transaction 3");
  CHECK(describe_key(registration_key(3, 4)) == "registration 4 of transaction 3");
  CHECK(describe_key(key_value_key(5)) == "key-value 5");
  CHECK(describe_key(key_value_name_key("topics", "a\n")) == "id of the key-value 'a\\x0a' of category 'topics'");
  CHECK(describe_key("") == "key ''");
}

}  // namespace
}  // namespace settle
