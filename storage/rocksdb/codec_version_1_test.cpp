#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/rocksdb/codec.hpp"
#include "storage/rocksdb/keys.hpp"
#include "storage/rocksdb/version_1_values.hpp"

namespace settle {
namespace {

constexpr std::int64_t kTimeMs = 1'700'000'000'000;

// Of version 1, with this content changed at one place and a right checksum.
std::string changed(std::string_view key, std::string value, std::size_t place, char byte) {
  value.resize(value.size() - 4);
  value[place] = byte;
  return sealed(key, value);
}

TEST_CASE("rocksdb/codec: a definition of version 1 -> read in every field") {
  Definition expected;
  expected.gid = "old";
  expected.protocol = Protocol::http;
  expected.options = {true, 1, 2, 3, 4, {{"name", "value"}}, true};
  expected.custom_data = "{}";
  expected.query_prepared = "http://host/query";
  expected.payloads = {"pay", ""};
  expected.branches = {{"01", Operation::compensate, "http://host/undo", 0},
                       {"01", Operation::action, "http://host/do", 0},
                       {"02", Operation::compensate, "", 1},
                       {"02", Operation::action, "http://host/do2", 1}};
  expected.concurrent = true;
  expected.orders = {{1, {0}}};
  expected.create_time_ms = kTimeMs;
  const auto decoded = decode_gid_record(gid_key("old"), version_1_definition());
  REQUIRE(decoded);
  CHECK(decoded.value().id == 7);
  REQUIRE(decoded.value().definition);
  CHECK(*decoded.value().definition == expected);
}

TEST_CASE("rocksdb/codec: a state of version 1 -> read in every field, the newer ones not set") {
  StateRecord expected;
  expected.gid = "old";
  expected.create_time_ms = kTimeMs;
  expected.branch_count = 4;
  expected.state.status = GlobalStatus::aborting;
  expected.state.exact = true;
  expected.state.parked = true;
  expected.state.update_time_ms = kTimeMs + 5;
  expected.state.finish_time_ms = kTimeMs + 6;
  expected.state.rollback_time_ms = kTimeMs + 7;
  expected.state.next_retry_time_ms = kTimeMs + 8;
  expected.state.retry_interval_ms = 10'000;
  expected.state.rollback_reason = "because";
  expected.state.last_error = "no answer";
  expected.state.last_error_branch = 3;
  expected.first_run = {
      {}, {BranchStatus::succeed, true, 2, kTimeMs + 3}, {}, {BranchStatus::failed, true, 0, kTimeMs + 4}};
  const auto decoded = decode_state(unfinished_key(7), version_1_state());
  REQUIRE(decoded);
  CHECK(decoded.value() == expected);
}

TEST_CASE("rocksdb/codec: other values of version 1 -> read") {
  const auto purged = decode_gid_record(gid_key("gone"), version_1_purged());
  REQUIRE(purged);
  CHECK(purged.value().purged_status == GlobalStatus::failed);
  CHECK(purged.value().purged_at_ms == kTimeMs);
  const auto run = decode_run(run_key(7, 32), version_1_run());
  REQUIRE(run);
  CHECK(run.value() == std::vector<BranchState>{{BranchStatus::succeed, true, 3, kTimeMs}, {}});
  const auto number = decode_number(next_id_key(), version_1_number());
  REQUIRE(number);
  CHECK(number.value() == 300);
}

TEST_CASE("rocksdb/codec: in version 1 what came with version 2 -> refused") {
  const std::string gid = gid_key("old");
  const std::string state = unfinished_key(7);
  REQUIRE(decode_gid_record(gid, changed(gid, version_1_definition(), 3, 1)));
  REQUIRE(decode_gid_record(gid, changed(gid, version_1_definition(), 59, 1)));
  REQUIRE(decode_state(state, changed(state, version_1_state(), 6, 1)));
  struct Case {
    const char* name;
    std::size_t place;
    char byte;
  };
  for (const Case& one : {Case{"kind", 1, 6}, Case{"type", 3, 2}, Case{"protocol", 4, 0}, Case{"protocol", 4, 2},
                          Case{"flags", 5, 8}, Case{"operation", 59, 3}}) {
    CAPTURE(one.name);
    CHECK_FALSE(decode_gid_record(gid, changed(gid, version_1_definition(), one.place, one.byte)));
  }
  for (const Case& one : {Case{"type", 6, 2}, Case{"flags", 15, 0x40}}) {
    CAPTURE(one.name);
    CHECK_FALSE(decode_state(state, changed(state, version_1_state(), one.place, one.byte)));
  }
  const std::string registration = registration_key(7, 0);
  const std::string written = encode_registration(registration, {});
  REQUIRE(decode_registration(registration, written));
  CHECK_FALSE(decode_registration(registration, changed(registration, written, 0, 1)));
}

TEST_CASE("rocksdb/codec: in version 2 the protocol that came with version 3 -> refused") {
  const std::string key = gid_key("g");
  Definition definition;
  definition.gid = "g";
  for (const Protocol protocol : {Protocol::json_rpc, Protocol::grpc}) {
    definition.protocol = protocol;
    const std::string written = encode_definition(key, 1, definition);
    REQUIRE(decode_gid_record(key, written));
    CHECK(static_cast<bool>(decode_gid_record(key, changed(key, written, 0, 2))) == (protocol == Protocol::json_rpc));
  }
}

}  // namespace
}  // namespace settle
