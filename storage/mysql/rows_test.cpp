#include "storage/mysql/rows.hpp"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <numeric>
#include <optional>

#include "storage/mysql/test_rows.hpp"

namespace settle::mysql {
namespace {

constexpr std::int64_t kCreatedMs = 1'700'000'000'000;
const WallTime kTimes{0};

Result<StoredTransaction> try_read(WrittenRows rows) {
  std::vector<std::size_t> all(rows.branches.count());
  std::iota(all.begin(), all.end(), 0);
  return read_whole(kTimes, rows.transactions, 0, rows.branches, all);
}

StoredTransaction read(WrittenRows rows) {
  auto transaction = try_read(std::move(rows));
  const std::string why = transaction ? "" : transaction.error().message;
  REQUIRE_MESSAGE(transaction, why);
  return std::move(transaction.value());
}

std::string refusal(WrittenRows rows) {
  const auto transaction = try_read(std::move(rows));
  REQUIRE(!transaction);
  CHECK(transaction.error().code == Code::internal);
  return transaction.error().message;
}

Definition definition_of(TransType type) {
  Definition definition;
  definition.gid = "g'1";
  definition.type = type;
  definition.protocol = Protocol::grpc;
  definition.create_time_ms = kCreatedMs;
  definition.query_prepared = "http://q";
  return definition;
}

StoredTransaction transaction_of(Definition definition, std::vector<Registration> registrations = {}) {
  StoredTransaction transaction;
  transaction.id = 7;
  transaction.branches.resize(row_count(definition, registrations.size()));
  transaction.definition = std::make_shared<const Definition>(std::move(definition));
  transaction.registrations = std::move(registrations);
  transaction.state.parked = true;
  return transaction;
}

StoredTransaction saga() {
  Definition definition = definition_of(TransType::saga);
  append_saga_steps(definition, {{"http://a", "http://a-undo", "same"}, {"http://b", "", "same"}});
  return transaction_of(std::move(definition));
}

std::string joined(const Rows& rows, std::size_t row) {
  std::string text;
  for (std::size_t column = 0; column < rows.columns; ++column) {
    const Cell& cell = rows.cells[row * rows.columns + column];
    text += (column == 0 ? "" : "|") + cell.value_or("NULL");
  }
  return text;
}

void check_same(const StoredTransaction& read, const StoredTransaction& written) {
  CHECK(read.id == written.id);
  CHECK(*read.definition == *written.definition);
  CHECK(read.state == written.state);
  CHECK(read.registrations == written.registrations);
  CHECK(read.branches == written.branches);
}

TEST_CASE("mysql/rows: a saga that was accepted -> the rows that DTM writes") {
  StoredTransaction transaction = saga();
  transaction.state.status = GlobalStatus::submitted;
  transaction.state.update_time_ms = transaction.state.submit_time_ms = kCreatedMs + 999;
  transaction.state.next_retry_time_ms = kCreatedMs + 10'999;
  transaction.state.retry_interval_ms = 9'001;
  const WrittenRows rows = written_rows(kTimes, transaction, "settle:me", kCreatedMs + 15'999);
  CHECK(joined(rows.transactions, 0) ==
        R"(7|g'1|saga|submitted|http://q|grpc|2023-11-14 22:13:20|2023-11-14 22:13:20|NULL|NULL|{"concurrent":false}|)"
        R"(|10|2023-11-14 22:13:35|settle:me|{"settle":{"retry_interval_ms":9001}}||)");
  REQUIRE(rows.branches.count() == 4);
  CHECK(joined(rows.branches, 0) == "7|g'1|01|compensate|http://a-undo|same|prepared|NULL");
  CHECK(joined(rows.branches, 1) == "7|g'1|01|action|http://a|same|prepared|NULL");
  CHECK(joined(rows.branches, 2) == "7|g'1|02|compensate||same|prepared|NULL");
  CHECK(joined(rows.branches, 3) == "7|g'1|02|action|http://b|same|prepared|NULL");
}

TEST_CASE("mysql/rows: a transaction that is held -> shows its lease as its next try, and is not parked") {
  StoredTransaction transaction = saga();
  transaction.state.next_retry_time_ms = kCreatedMs + 10'000;
  const StoredTransaction held = read(written_rows(kTimes, transaction, "settle:me", kCreatedMs + 15'999));
  CHECK(!held.state.parked);
  CHECK(held.state.next_retry_time_ms == kCreatedMs + 15'000);
  const StoredTransaction parked = read(written_rows(kTimes, transaction));
  CHECK(parked.state.parked);
  CHECK(parked.state.next_retry_time_ms == kCreatedMs + 10'000);
}

TEST_CASE("mysql/rows: sagas that do the same -> equal columns") {
  Change change;
  change.create_time_ms = kCreatedMs + 100;
  change.state.status = GlobalStatus::succeed;
  change.state.exact = true;
  change.state.submit_time_ms = kCreatedMs + 100;
  change.state.update_time_ms = change.state.finish_time_ms = kCreatedMs + 5'000;
  change.state.next_retry_time_ms = kCreatedMs + 7'000;
  change.state.retry_interval_ms = 10'000;
  Change other = change;
  other.create_time_ms = other.state.submit_time_ms = kCreatedMs - 3'000;
  other.state.update_time_ms = other.state.finish_time_ms = kCreatedMs + 5'999;
  TimeTexts times(kTimes);
  CHECK(state_columns(times, change) == state_columns(times, other));
  CHECK(state_columns(times, change).ext_data.empty());
  other.state.rollback_reason = "because";
  CHECK(state_columns(times, change) != state_columns(times, other));
}

TEST_CASE("mysql/rows: each type -> comes back whole") {
  SUBCASE("saga, concurrent") {
    Definition definition = *saga().definition;
    definition.custom_data = R"({"concurrent":true,"orders":{"1":[0]}})";
    definition.concurrent = true;
    definition.orders = {{1, {0}}};
    definition.options.branch_headers = {{"a", "b"}};
    definition.options.timeout_to_fail_s = 5;
    StoredTransaction transaction = transaction_of(std::move(definition));
    transaction.state.status = GlobalStatus::aborting;
    transaction.state.exact = true;
    transaction.state.submit_time_ms = kCreatedMs;
    transaction.state.rollback_reason = "because";
    transaction.state.last_error = "no answer";
    transaction.state.last_error_branch = 2;
    transaction.state.errors = 3;
    transaction.branches[1] = {BranchStatus::failed, true, 0, kCreatedMs + 1'000};
    transaction.branches[3] = {BranchStatus::prepared, true, 2, 0};
    check_same(read(written_rows(kTimes, transaction)), transaction);
  }
  SUBCASE("msg, of which one action is a topic's") {
    Definition definition = definition_of(TransType::msg);
    append_message_actions(definition, {{"http://a", "same"}, {"http://b", "same"}});
    definition.branches.push_back(definition.branches[1]);
    definition.branches[1].branch_id = "02-01";
    definition.branches[2].branch_id = "02-02";
    definition.options.concurrent = definition.concurrent = true;
    definition.custom_data = R"({"delay":7})";
    definition.delay_s = 7;
    StoredTransaction transaction = transaction_of(std::move(definition));
    transaction.state.exact = true;
    check_same(read(written_rows(kTimes, transaction)), transaction);
  }
  SUBCASE("tcc") {
    StoredTransaction transaction = transaction_of(
        definition_of(TransType::tcc),
        {{"01", "p", "http://a", "http://a-undo", ""}, {"02", std::string("\0\xFF", 2), "http://b", "", ""}});
    transaction.state.exact = true;
    transaction.branches[3] = {BranchStatus::succeed, true, 0, kCreatedMs};
    check_same(read(written_rows(kTimes, transaction)), transaction);
  }
  SUBCASE("xa") {
    StoredTransaction transaction =
        transaction_of(definition_of(TransType::xa), {{"01", "", "http://a", "", ""}, {"01-02", "p", "b", "", ""}});
    transaction.state.exact = true;
    check_same(read(written_rows(kTimes, transaction)), transaction);
  }
  SUBCASE("workflow") {
    Definition definition = definition_of(TransType::workflow);
    definition.custom_data = R"({"name":"n","data":"Zm9v"})";
    definition.callback_name = "n";
    definition.callback_payload = "foo";
    StoredTransaction transaction =
        transaction_of(std::move(definition), {{"01", "result", "", "", "action"}, {"01", "", "", "", "rollback"}});
    transaction.state.exact = true;
    transaction.state.result = "r";
    transaction.branches[0] = {BranchStatus::succeed, true, 0, kCreatedMs};
    transaction.branches[1] = {BranchStatus::failed, true, 0, kCreatedMs};
    check_same(read(written_rows(kTimes, transaction)), transaction);
  }
}

TEST_CASE("mysql/rows: branches of a tcc with another's between -> joined by their ids, in the order of the first") {
  const StoredTransaction written =
      transaction_of(definition_of(TransType::tcc), {{"01", "p", "a", "a-undo", ""}, {"02", "q", "b", "b-undo", ""}});
  WrittenRows rows = written_rows(kTimes, written);
  const auto swap_rows = [&rows](std::size_t one, std::size_t other) {
    for (std::size_t column = 0; column < rows.branches.columns; ++column) {
      std::swap(rows.branches.at(one, column), rows.branches.at(other, column));
    }
  };
  swap_rows(1, 2);  // cancel 01, cancel 02, confirm 01, confirm 02
  swap_rows(2, 3);
  CHECK(read(std::move(rows)).registrations == written.registrations);
}

TEST_CASE("mysql/rows: what a DTM server leaves open -> as it means it") {
  WrittenRows rows = written_rows(kTimes, saga());
  for (const std::size_t column : {5, 6, 7, 10, 11, 12, 13, 15, 16, 17}) {
    rows.transactions.at(0, column) = std::nullopt;
  }
  rows.transactions.at(0, 6) = "0000-00-00 00:00:00";
  const StoredTransaction transaction = read(std::move(rows));
  CHECK(transaction.definition->protocol == Protocol::http);
  CHECK(transaction.definition->create_time_ms == 0);
  CHECK(transaction.definition->options == Options{});
  CHECK(transaction.state.next_retry_time_ms == 0);
  CHECK(transaction.state.exact);
}

TEST_CASE("mysql/rows: an interval that no server writes -> the nearest that one does") {
  for (const auto& [cell, interval_ms] :
       {std::pair{"-1", std::int64_t{0}}, {"9223372036854775807", kSecondsMax * 1000}}) {
    CAPTURE(cell);
    WrittenRows rows = written_rows(kTimes, saga());
    rows.transactions.at(0, 12) = cell;
    CHECK(read(std::move(rows)).state.retry_interval_ms == interval_ms);
  }
}

TEST_CASE("mysql/rows: custom_data of a tcc -> is its client's alone") {
  Definition definition = definition_of(TransType::tcc);
  definition.custom_data = "no JSON";
  CHECK(read(written_rows(kTimes, transaction_of(std::move(definition)))).definition->custom_data == "no JSON");
}

TEST_CASE("mysql/rows: a listing -> without branches, and whatever custom_data holds") {
  WrittenRows rows = written_rows(kTimes, saga());
  rows.transactions.at(0, 11) = "no JSON";
  const auto listed = read_listed(kTimes, rows.transactions, 0);
  REQUIRE(listed);
  CHECK(listed.value().definition->gid == "g'1");
  CHECK(listed.value().branches.empty());
}

TEST_CASE("mysql/rows: columns that cannot be understood -> refused, naming the gid and the column") {
  struct Row {
    std::size_t column;
    const char* cell;
    const char* message;
  };
  const std::array rows{
      Row{2, "sagga", "gid g'1: trans_type is 'sagga', which cannot be understood"},
      Row{3, "Prepared", "gid g'1: status is 'Prepared', which cannot be understood"},
      Row{5, "ftp", "gid g'1: protocol is 'ftp', which cannot be understood"},
      Row{6, "yesterday", "gid g'1: create_time is 'yesterday', which cannot be understood"},
      Row{10, "{", "gid g'1: options: is not JSON, incomplete JSON at byte 1"},
      Row{11, R"({"delay":1,"orders":[]})", "gid g'1: custom_data.orders: must be an object, is an array"},
      Row{11, R"({"orders":{"7":[0]}})",
          "gid g'1: custom_data: orders names step 7, there are 2 steps, counted from 0"},
      Row{10, R"({"timeout_to_fail":-1})", "gid g'1: timeout_to_fail: must not be negative"},
      Row{12, "often", "gid g'1: next_cron_interval is 'often', which cannot be understood"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.message);
    WrittenRows written = written_rows(kTimes, saga());
    written.transactions.at(0, row.column) = row.cell;
    CHECK(refusal(std::move(written)) == row.message);
  }
}

TEST_CASE("mysql/rows: branches that cannot be understood -> refused, naming the gid and the branch") {
  WrittenRows rows = written_rows(kTimes, saga());
  SUBCASE("an unknown status") {
    rows.branches.at(2, 6) = "done";
    CHECK(refusal(std::move(rows)) == "gid g'1: branch 02 compensate: status is 'done', which cannot be understood");
  }
  SUBCASE("a row is missing") {
    rows.branches.cells.erase(rows.branches.cells.begin(),
                              rows.branches.cells.begin() + static_cast<std::ptrdiff_t>(rows.branches.columns));
    CHECK(refusal(std::move(rows)) == "gid g'1: branch 01 action: stands where `compensate` should");
  }
  SUBCASE("the last one is missing") {
    rows.branches.cells.resize(3 * rows.branches.columns);
    CHECK(refusal(std::move(rows)) == "gid g'1: steps: each must have two rows, its compensation before its action");
  }
  SUBCASE("two that do not belong together") {
    rows.branches.at(1, 2) = "02";
    CHECK(refusal(std::move(rows)) == "gid g'1: branch 02 action: has no compensation beside it");
  }
  SUBCASE("a tcc with operations of a saga") {
    rows.transactions.at(0, 2) = "tcc";
    CHECK(refusal(std::move(rows)) == "gid g'1: branch 01 compensate: is no operation of a tcc");
  }
}

TEST_CASE("mysql/rows: half a branch of a tcc -> refused") {
  WrittenRows rows =
      written_rows(kTimes, transaction_of(definition_of(TransType::tcc), {{"01", "p", "a", "a-undo", ""}}));
  rows.branches.cells.resize(rows.branches.columns);
  CHECK(refusal(std::move(rows)) == "gid g'1: branch 01: has no row `confirm`");
}

}  // namespace
}  // namespace settle::mysql
