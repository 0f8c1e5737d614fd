#include "storage/rocksdb/codec.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "settle/store.hpp"
#include "storage/rocksdb/keys.hpp"

namespace settle {
namespace {

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

Definition sample_definition() {
  Definition definition;
  definition.gid = "gid";
  definition.type = TransType::workflow;
  definition.protocol = Protocol::grpc;
  definition.options = {true, 1, -2, kMost, kLeast, {{"name", "value"}, {"", ""}}, true};
  definition.custom_data = std::string("\0{}\xFF", 4);
  definition.query_prepared = "http://host/query";
  definition.payloads = {"", std::string(300, 'p'), std::string("\0\x01", 2)};
  definition.branches = {{"01", Operation::compensate, "", 0},
                         {"01", Operation::action, "http://host/a", 2},
                         {"", Operation::rollback, std::string(200, 'u'), 1}};
  definition.concurrent = true;
  definition.orders = {{0, {}}, {4'000'000'000U, {0, 1, 4'294'967'295U}}};
  definition.delay_s = kMost;
  definition.callback_name = "resume";
  definition.callback_payload = std::string("\0\xFE", 2);
  definition.create_time_ms = 1'700'000'000'000;
  return definition;
}

StateRecord sample_state() {
  StateRecord record;
  record.gid = "gid";
  record.type = TransType::tcc;
  record.create_time_ms = 1'700'000'000'000;
  record.branch_count = 100;
  record.registration_count = 5'000;
  State& state = record.state;
  state.status = GlobalStatus::aborting;
  state.exact = true;
  state.parked = true;
  state.update_time_ms = record.create_time_ms - 1;
  state.finish_time_ms = kLeast;
  state.rollback_time_ms = kMost;
  state.retry_interval_ms = -5;
  state.next_retry_time_ms = 1;
  state.submit_time_ms = -1;
  state.rollback_reason = "reason";
  state.result = std::string("\0result", 7);
  state.last_error = "error";
  state.last_error_branch = kQueryRow;
  state.errors = 4'294'967'295U;
  state.query_attempts = 300;
  record.first_run = {{BranchStatus::succeed, true, 0, record.create_time_ms + 9},
                      {BranchStatus::failed, false, 4'294'967'295U, kLeast},
                      {BranchStatus::prepared, true, 1, kMost},
                      {}};
  return record;
}

Registration sample_registration() {
  return {"01", std::string("\0{}", 3), "http://host/confirm", "http://host/cancel", "step"};
}

KeyValue sample_key_value() {
  return {9, kLeast, kMost, "topics", std::string("\0k", 2), std::string(300, 'v'), kMost};
}

// A value of every kind, with its key and a way to decode it.
struct Sample {
  const char* name;
  std::string key;
  std::string value;
  bool (*decodes)(std::string_view key, std::string_view value);
};

std::vector<Sample> samples() {
  const auto gid = [](std::string_view key, std::string_view value) {
    return static_cast<bool>(decode_gid_record(key, value));
  };
  const auto state = [](std::string_view key, std::string_view value) {
    return static_cast<bool>(decode_state(key, value));
  };
  const auto run = [](std::string_view key, std::string_view value) {
    return static_cast<bool>(decode_run(key, value));
  };
  const auto number = [](std::string_view key, std::string_view value) {
    return static_cast<bool>(decode_number(key, value));
  };
  const auto registration = [](std::string_view key, std::string_view value) {
    return static_cast<bool>(decode_registration(key, value));
  };
  const auto key_value = [](std::string_view key, std::string_view value) {
    return static_cast<bool>(decode_key_value(key, value));
  };
  const std::string of_gid = gid_key("gid");
  const std::string of_state = unfinished_key(7);
  const std::string of_run = run_key(7, 32);
  const std::string of_number = next_id_key();
  const std::string of_registration = registration_key(7, 3);
  const std::string of_key_value = key_value_key(9);
  return {{"definition", of_gid, encode_definition(of_gid, 7, sample_definition()), gid},
          {"purged", of_gid, encode_purged(of_gid, GlobalStatus::failed, 12'345), gid},
          {"state", of_state, encode_state(of_state, sample_state()), state},
          {"run", of_run, encode_run(of_run, sample_state().first_run), run},
          {"number", of_number, encode_number(of_number, kMost), number},
          {"registration", of_registration, encode_registration(of_registration, sample_registration()), registration},
          {"key-value", of_key_value, encode_key_value(of_key_value, sample_key_value()), key_value}};
}

TEST_CASE("rocksdb/codec: definitions -> come back, the gid from the key") {
  for (const Definition& definition : {sample_definition(), Definition()}) {
    const std::string key = gid_key(definition.gid);
    const auto decoded = decode_gid_record(key, encode_definition(key, 42, definition));
    REQUIRE(decoded);
    CHECK(decoded.value().id == 42);
    REQUIRE(decoded.value().definition);
    CHECK(*decoded.value().definition == definition);
  }
}

TEST_CASE("rocksdb/codec: the note of a purge -> comes back") {
  const std::string key = gid_key("gid");
  const auto decoded = decode_gid_record(key, encode_purged(key, GlobalStatus::failed, -7));
  REQUIRE(decoded);
  CHECK_FALSE(decoded.value().definition);
  CHECK(decoded.value().purged_status == GlobalStatus::failed);
  CHECK(decoded.value().purged_at_ms == -7);
}

TEST_CASE("rocksdb/codec: states -> come back") {
  const std::string key = finished_key(1);
  for (const StateRecord& record : {sample_state(), StateRecord()}) {
    const auto decoded = decode_state(key, encode_state(key, record));
    REQUIRE(decoded);
    CHECK(decoded.value() == record);
  }
}

TEST_CASE("rocksdb/codec: a state of a type without registrations, or with too many -> refused") {
  const std::string key = unfinished_key(1);
  StateRecord record = sample_state();
  for (const TransType type : {TransType::saga, TransType::msg}) {
    record.type = type;
    CHECK_FALSE(decode_state(key, encode_state(key, record)));
  }
  record.type = TransType::xa;
  record.registration_count = static_cast<std::uint32_t>((kBranchesMax - record.branch_count) / 2);
  CHECK(decode_state(key, encode_state(key, record)));
  ++record.registration_count;
  CHECK_FALSE(decode_state(key, encode_state(key, record)));
}

TEST_CASE("rocksdb/codec: a first run of more rows than there are -> refused") {
  const std::string key = unfinished_key(1);
  StateRecord record = sample_state();
  record.branch_count = 0;
  record.registration_count = 2;
  CHECK(decode_state(key, encode_state(key, record)));
  record.registration_count = 1;
  CHECK_FALSE(decode_state(key, encode_state(key, record)));
}

TEST_CASE("rocksdb/codec: registrations and key-values -> come back") {
  const std::string key = registration_key(1, 2);
  for (const Registration& registration : {sample_registration(), Registration()}) {
    const auto decoded = decode_registration(key, encode_registration(key, registration));
    REQUIRE(decoded);
    CHECK(decoded.value() == registration);
  }
  for (const KeyValue& key_value : {sample_key_value(), KeyValue()}) {
    const auto decoded = decode_key_value(key, encode_key_value(key, key_value));
    REQUIRE(decoded);
    CHECK(decoded.value() == key_value);
  }
}

TEST_CASE("rocksdb/codec: a state of a usual saga -> is small") {
  StateRecord record;
  record.gid = "0123456789abcdef0123";
  record.create_time_ms = 1'700'000'000'000;
  record.branch_count = 4;
  record.state.status = GlobalStatus::succeed;
  record.state.submit_time_ms = record.create_time_ms;
  record.state.update_time_ms = record.state.finish_time_ms = record.create_time_ms + 3;
  record.first_run.assign(4, {BranchStatus::succeed, true, 0, record.create_time_ms + 2});
  CHECK(encode_state(finished_key(1), record).size() < 64);
}

TEST_CASE("rocksdb/codec: runs -> come back") {
  const std::string key = run_key(1, 64);
  const std::vector<BranchState> branches(kBranchRunLength, {BranchStatus::succeed, true, 3, 1'700'000'000'000});
  const auto decoded = decode_run(key, encode_run(key, branches));
  REQUIRE(decoded);
  CHECK(decoded.value() == branches);
}

TEST_CASE("rocksdb/codec: every value cut anywhere, lengthened or changed in any byte -> refused") {
  for (const Sample& sample : samples()) {
    CAPTURE(sample.name);
    REQUIRE(sample.decodes(sample.key, sample.value));
    for (std::size_t length = 0; length < sample.value.size(); ++length) {
      CHECK_FALSE(sample.decodes(sample.key, std::string_view(sample.value).substr(0, length)));
    }
    CHECK_FALSE(sample.decodes(sample.key, sample.value + '\0'));
    for (std::size_t place = 0; place < sample.value.size(); ++place) {
      std::string changed = sample.value;
      changed[place] = static_cast<char>(changed[place] ^ 0x10);
      CHECK_FALSE(sample.decodes(sample.key, changed));
    }
  }
}

TEST_CASE("rocksdb/codec: every content cut anywhere or lengthened, with a right checksum -> refused") {
  for (const Sample& sample : samples()) {
    CAPTURE(sample.name);
    const std::string content = sample.value.substr(0, sample.value.size() - 4);
    REQUIRE(sample.decodes(sample.key, sealed(sample.key, content)));
    for (std::size_t length = 0; length < content.size(); ++length) {
      CHECK_FALSE(sample.decodes(sample.key, sealed(sample.key, content.substr(0, length))));
    }
    CHECK_FALSE(sample.decodes(sample.key, sealed(sample.key, content + '\0')));
  }
}

TEST_CASE("rocksdb/codec: a value under another key -> refused, naming that key") {
  for (const Sample& sample : samples()) CHECK_FALSE(sample.decodes(sample.key + "x", sample.value));
  const auto decoded = decode_state(finished_key(8), encode_state(finished_key(7), sample_state()));
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().code == Code::internal);
  CHECK(decoded.error().message == "damaged value of the state of finished transaction 8: its checksum does not match");
}

TEST_CASE("rocksdb/codec: a newer version -> says so") {
  std::string content = encode_number("k", 1);
  content.resize(content.size() - 4);
  content[0] = kValueVersion + 1;
  const auto decoded = decode_number("k", sealed("k", content));
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().message.find("has format 4") != std::string::npos);
}

TEST_CASE("rocksdb/codec: random contents and random changes of right ones -> an answer, never a crash") {
  std::mt19937 random(20'240'101);
  const std::vector<Sample> all = samples();
  const auto decode_as_all = [&all](const std::string& content) {
    for (const Sample& sample : all) sample.decodes(sample.key, sealed(sample.key, content));
  };
  for (int turn = 0; turn < 2'000; ++turn) {
    std::string content(random() % 64, '\0');
    for (char& byte : content) byte = static_cast<char>(random() & 0xFF);
    if (content.size() > 1) {
      content[0] = static_cast<char>(1 + random() % kValueVersion);
      content[1] = static_cast<char>(1 + random() % 7);
    }
    decode_as_all(content);
    std::string changed = all[static_cast<std::size_t>(turn) % all.size()].value;
    changed.resize(changed.size() - 4);
    for (int change = 0; change < 3; ++change) changed[random() % changed.size()] = static_cast<char>(random() & 0xFF);
    decode_as_all(changed);
  }
}

}  // namespace
}  // namespace settle
