#include "storage/mysql/ext_data.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include "storage/mysql/wall_time.hpp"

namespace settle::mysql {
namespace {

constexpr std::int64_t kCreatedMs = 1'700'000'000'000;

std::string row_name(std::size_t row) { return std::to_string(row); }

// What the other columns tell of a transaction with these rows.
StoredTransaction from_columns(TransType type, const State& state, const std::vector<BranchState>& branches) {
  StoredTransaction transaction;
  Definition definition;
  definition.type = type;
  definition.create_time_ms = kCreatedMs;
  transaction.definition = std::make_shared<const Definition>(std::move(definition));
  transaction.state.status = state.status;
  transaction.state.next_retry_time_ms = floor_to_seconds(state.next_retry_time_ms);
  transaction.state.retry_interval_ms = ceil_to_seconds(state.retry_interval_ms);
  for (const BranchState& branch : branches) {
    transaction.branches.push_back({branch.status, false, 0, branch.finish_time_ms});
  }
  return transaction;
}

std::vector<BranchRun> runs_of(const std::vector<BranchState>& branches) {
  std::vector<BranchRun> runs;
  for (std::size_t first = 0; first < branches.size(); first += kBranchRunLength) {
    const std::size_t last = std::min(branches.size(), first + kBranchRunLength);
    runs.push_back({static_cast<std::uint32_t>(first),
                    {branches.begin() + static_cast<std::ptrdiff_t>(first),
                     branches.begin() + static_cast<std::ptrdiff_t>(last)}});
  }
  return runs;
}

std::string encoded(TransType type, const State& state, const std::vector<BranchState>& branches = {},
                    bool held = false) {
  return encode_ext_data(type, kCreatedMs, state, runs_of(branches), held);
}

State submitted(bool exact) {
  State state;
  state.status = GlobalStatus::submitted;
  state.exact = exact;
  state.submit_time_ms = kCreatedMs;
  return state;
}

TEST_CASE("mysql/ext_data: states with nothing to tell -> empty, but for the exactness of a saga") {
  struct Row {
    const char* name;
    TransType type;
    GlobalStatus status;
    bool exact;
    const char* text;
  };
  const std::array rows{
      Row{"a saga at work", TransType::saga, GlobalStatus::submitted, false, ""},
      Row{"a parked saga", TransType::saga, GlobalStatus::submitted, true, R"({"settle":{"exact":true}})"},
      Row{"a saga that is undone", TransType::saga, GlobalStatus::aborting, true, R"({"settle":{"exact":true}})"},
      Row{"a prepared saga", TransType::saga, GlobalStatus::prepared, true, ""},
      Row{"a saga that is done", TransType::saga, GlobalStatus::succeed, true, ""},
      Row{"a tcc", TransType::tcc, GlobalStatus::submitted, true, ""},
      Row{"a message", TransType::msg, GlobalStatus::submitted, true, ""},
      Row{"an aborted xa", TransType::xa, GlobalStatus::aborting, true, ""},
      Row{"a workflow", TransType::workflow, GlobalStatus::prepared, true, ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    State state = submitted(row.exact);
    state.status = row.status;
    if (row.status == GlobalStatus::prepared) state.submit_time_ms = 0;
    CHECK(encoded(row.type, state) == row.text);
    StoredTransaction transaction = from_columns(row.type, state, {});
    decode_ext_data(row.text, "", transaction);
    CHECK(transaction.state.exact == row.exact);
  }
}

TEST_CASE("mysql/ext_data: everything there is to tell -> by name") {
  State state = submitted(true);
  state.errors = 2;
  state.last_error = "no \"answer\"";
  state.last_error_branch = kQueryRow;
  state.query_attempts = 3;
  state.submit_time_ms = kCreatedMs + 1'500;
  state.next_retry_time_ms = kCreatedMs + 10'250;
  state.retry_interval_ms = 500;
  std::vector<BranchState> branches(12);
  branches[0] = {BranchStatus::succeed, true, 0, kCreatedMs};
  for (const std::size_t row : {1, 3, 4, 5, 11}) branches[row].started = true;
  branches[3].attempts = 7;
  CHECK(encoded(TransType::saga, state, branches) ==
        R"({"settle":{"exact":true,"started":"1,3-5,11","attempts":{"3":7},"errors":2,"last_error":"no \"answer\"",)"
        R"("last_error_branch":4294967295,"query_attempts":3,"submit_time_ms":1700000001500,)"
        R"("next_retry_time_ms":1700000010250,"retry_interval_ms":500}})");
  CHECK(encoded(TransType::saga, state, branches, true).find("next_retry_time_ms") == std::string::npos);
  State ended = state;
  ended.status = GlobalStatus::succeed;
  CHECK(encoded(TransType::saga, ended, branches, false).find("next_retry_time_ms") == std::string::npos);
}

TEST_CASE("mysql/ext_data: a saga submitted within the second of its creation -> not told") {
  State state = submitted(false);
  state.submit_time_ms = kCreatedMs + 900;
  CHECK(encode_ext_data(TransType::saga, kCreatedMs + 900, state, {}, false).empty());
  CHECK(encode_ext_data(TransType::saga, 0, state, {}, false) == R"({"settle":{"submit_time_ms":1700000000900}})");
  CHECK(encode_ext_data(TransType::tcc, kCreatedMs - 5'000, submitted(true), {}, false).empty());
}

TEST_CASE("mysql/ext_data: marks of started rows in a state that is not exact -> not told, for it says more") {
  std::vector<BranchState> branches(4);
  branches[1].started = true;
  CHECK(encoded(TransType::saga, submitted(false), branches).empty());
}

TEST_CASE("mysql/ext_data: more marks than there is room for -> none, and not exact") {
  std::vector<BranchState> branches(kBranchesMax);
  for (std::size_t row = 0; row < branches.size(); row += 2) {
    branches[row].started = true;
    branches[row].attempts = 1'000'000;
  }
  for (const GlobalStatus status : {GlobalStatus::submitted, GlobalStatus::prepared}) {
    State state = submitted(true);
    state.status = status;
    state.last_error = std::string(kLastErrorBytesMax, '\x01');
    const std::string text = encoded(TransType::saga, state, branches);
    CHECK(text.size() <= kExtDataBytesMax);
    StoredTransaction transaction = from_columns(TransType::saga, state, branches);
    decode_ext_data(text, "", transaction);
    CHECK(!transaction.state.exact);
    CHECK(!transaction.branches[0].started);
    CHECK(transaction.branches[0].attempts == 1'000'000);
    CHECK(transaction.state.last_error == state.last_error);
  }
}

TEST_CASE("mysql/ext_data: rows that are done -> count as started, whatever is told") {
  std::vector<BranchState> branches(4);
  branches[1] = {BranchStatus::succeed, true, 0, kCreatedMs};
  branches[3] = {BranchStatus::failed, true, 0, kCreatedMs};
  StoredTransaction transaction = from_columns(TransType::saga, submitted(false), branches);
  decode_ext_data(R"({"settle":{"started":"2-900","attempts":{"1":5,"2":6,"77":1}}})", "", transaction);
  CHECK(transaction.branches[1] == branches[1]);
  CHECK(transaction.branches[3] == branches[3]);
  CHECK(transaction.branches[2] == BranchState{BranchStatus::prepared, true, 6, 0});
  CHECK(transaction.branches[0] == BranchState{});
}

TEST_CASE("mysql/ext_data: texts that are not ours, or damaged -> as an empty one") {
  for (const char* text :
       {R"({"headers":{"a":"b"}})", "{}", "null", "[]", "no JSON", R"({"settle":[]})", R"({"settle":null})",
        R"({"settle":{"exact":1}})", R"({"settle":{"exact":true,"started":"x"}})",
        R"({"settle":{"exact":true,"started":"5-3"}})", R"({"settle":{"exact":true,"attempts":{"a":1}}})",
        R"({"settle":{"exact":true,"attempts":[1]}})", R"({"settle":{"exact":true,"errors":"many"}})",
        R"({"settle":{"exact":true,"retry_interval_ms":9223372036854775807}})",
        R"({"settle":{"exact":true,"next_retry_time_ms":-9223372036854775808}})",
        R"({"settle":{"exact":true,"submit_time_ms":9223372036854775807}})", R"({"settle":{"exact":true)"}) {
    CAPTURE(text);
    StoredTransaction transaction = from_columns(TransType::saga, submitted(true), std::vector<BranchState>(4));
    decode_ext_data(text, "", transaction);
    CHECK(transaction.state == [] {
      State state = submitted(false);
      return state;
    }());
    CHECK(transaction.branches == std::vector<BranchState>(4));
  }
}

TEST_CASE("mysql/ext_data: the last owner was a DTM server -> not exact, whatever is told") {
  struct Row {
    const char* owner;
    bool exact;
  };
  for (const Row& row :
       {Row{"", true}, Row{"settle:abc", true}, Row{"FA9sNR4kYhcf", false}, Row{"Settle:abc", false}}) {
    CAPTURE(row.owner);
    for (const GlobalStatus status : {GlobalStatus::submitted, GlobalStatus::aborting, GlobalStatus::prepared}) {
      State state = submitted(true);
      state.status = status;
      StoredTransaction transaction = from_columns(TransType::saga, state, {});
      decode_ext_data(R"({"settle":{"exact":true}})", row.owner, transaction);
      CHECK(transaction.state.exact == row.exact);
    }
  }
}

TEST_CASE("mysql/ext_data: columns that were changed since -> as they are now") {
  State state = submitted(false);
  state.next_retry_time_ms = kCreatedMs + 10'250;
  state.retry_interval_ms = 1'500;
  const std::string text = encoded(TransType::saga, state);
  State changed = state;
  changed.next_retry_time_ms = kCreatedMs + 11'000;
  changed.retry_interval_ms = 4'000;
  StoredTransaction transaction = from_columns(TransType::saga, changed, {});
  decode_ext_data(text, "", transaction);
  CHECK(transaction.state.next_retry_time_ms == changed.next_retry_time_ms);
  CHECK(transaction.state.retry_interval_ms == changed.retry_interval_ms);
}

TEST_CASE("mysql/ext_data: any state -> comes back, but for what need not") {
  std::mt19937_64 random(20'240'131);
  const auto below = [&random](std::uint64_t bound) { return random() % bound; };
  for (int round = 0; round < 2'000; ++round) {
    const auto type = static_cast<TransType>(1 + below(5));
    State state;
    state.status = static_cast<GlobalStatus>(1 + below(5));
    state.exact = below(2) == 0;
    if (below(2) == 0) {
      state.errors = static_cast<std::uint32_t>(1 + below(5));
      state.last_error = row_name(below(1'000)) + "\n\x7f\"é";
      state.last_error_branch = below(3) == 0 ? kQueryRow : static_cast<std::uint32_t>(below(100));
    }
    state.query_attempts = static_cast<std::uint32_t>(below(3));
    state.next_retry_time_ms = kCreatedMs + static_cast<std::int64_t>(below(5) * 700);
    state.retry_interval_ms = static_cast<std::int64_t>(below(5) * 700);
    if (type == TransType::saga) {
      const bool prepared = state.status == GlobalStatus::prepared;
      state.submit_time_ms = prepared && below(2) == 0 ? 0 : kCreatedMs + static_cast<std::int64_t>(below(3) * 1'000);
    }
    std::vector<BranchState> branches(below(100));
    for (BranchState& branch : branches) {
      branch.status = static_cast<BranchStatus>(1 + below(3));
      branch.started = branch.status != BranchStatus::prepared || (state.exact && below(2) == 0);
      branch.attempts = branch.status == BranchStatus::prepared ? static_cast<std::uint32_t>(below(3)) : 0;
    }
    StoredTransaction transaction = from_columns(type, state, branches);
    const std::string text = encoded(type, state, branches);
    CAPTURE(text);
    decode_ext_data(text, "", transaction);
    if (is_final(state.status)) state.next_retry_time_ms = floor_to_seconds(state.next_retry_time_ms);
    REQUIRE(transaction.state == state);
    REQUIRE(transaction.branches == branches);
  }
}

}  // namespace
}  // namespace settle::mysql
