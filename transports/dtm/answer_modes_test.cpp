// Answers about registered branches, workflows, key-values, and what a transaction waits for.
#include <doctest/doctest.h>

#include <array>

#include "transports/dtm/answer.hpp"
#include "transports/dtm/stored_example.hpp"

namespace settle::dtm {
namespace {

using Names = std::vector<std::string>;

StoredTransaction prepared(TransType type, std::vector<Registration> registrations) {
  Definition definition;
  definition.gid = "g";
  definition.type = type;
  definition.protocol = Protocol::http;
  definition.query_prepared = "http://q";
  definition.callback_name = "checkout";
  definition.create_time_ms = kCreated;
  StoredTransaction transaction;
  transaction.id = 3;
  transaction.branches.resize(registrations.size() * rows_per_registration(type));
  transaction.registrations = std::move(registrations);
  transaction.definition = std::make_shared<const Definition>(std::move(definition));
  return transaction;
}

std::string rows_of(const json::value& branches) {
  std::string rows;
  for (const json::value& row : branches.as_array()) {
    rows += text(row, "branch_id") + " " + text(row, "op") + " " +
            (row.as_object().contains("url") ? text(row, "url") : "-") + " " + text(row, "status") + "\n";
  }
  return rows;
}

TEST_CASE("dtm/answer: registered branches of a tcc and an xa -> their rows, in DTM's order") {
  const StoredTransaction tcc =
      prepared(TransType::tcc, {{"01", "{}", "http://c1", "http://u1", ""}, {"02", "", "http://c2", "", ""}});
  CHECK(rows_of(json::parse(transaction_answer(tcc).body).at("branches")) ==
        "01 cancel http://u1 prepared\n01 confirm http://c1 prepared\n"
        "02 cancel - prepared\n02 confirm http://c2 prepared\n");
  const StoredTransaction xa = prepared(TransType::xa, {{"01", "", "http://x", "", ""}});
  CHECK(rows_of(json::parse(transaction_answer(xa).body).at("branches")) ==
        "01 rollback http://x prepared\n01 commit http://x prepared\n");
}

TEST_CASE("dtm/answer: a workflow -> progress without urls and without times of an end, and its result") {
  StoredTransaction workflow = prepared(TransType::workflow, {{"01", "paid", "", "", "action"}});
  workflow.branches[0].status = BranchStatus::succeed;
  workflow.state.status = GlobalStatus::succeed;
  workflow.state.result = "e30=";
  workflow.state.rollback_reason = "none";
  const json::value answer = json::parse(workflow_answer(workflow).body);
  CHECK(names(answer) == Names{"progresses", "transaction"});
  const json::value& row = answer.at("progresses").as_array().at(0);
  CHECK(names(row) == Names{"id", "create_time", "update_time", "gid", "bin_data", "branch_id", "op", "status"});
  CHECK(text(row, "bin_data") == "cGFpZA==");
  CHECK(text(answer.at("transaction"), "result") == "e30=");
  CHECK(text(answer.at("transaction"), "rollback_reason") == "none");
}

TEST_CASE("dtm/answer: what it waits for -> told by query alone, while it is unfinished") {
  StoredTransaction transaction = stored();
  CHECK(names(json::parse(transaction_answer(transaction).body)) == Names{"branches", "transaction", "waits_for"});
  CHECK(list_answer({transaction}, "").body.find("waits_for") == std::string::npos);
  CHECK(workflow_answer(transaction).body.find("waits_for") == std::string::npos);
  for (const GlobalStatus status : {GlobalStatus::succeed, GlobalStatus::failed}) {
    transaction.state.status = status;
    CHECK(names(json::parse(transaction_answer(transaction).body)) == Names{"branches", "transaction"});
  }
}

TEST_CASE("dtm/answer: waiting for a call -> which, how often, why not yet, when again") {
  StoredTransaction transaction = stored();
  transaction.branches[1].attempts = 2;
  transaction.state.last_error = "no answer";
  transaction.state.last_error_branch = 1;
  transaction.state.parked = true;
  transaction.state.next_retry_time_ms = kCreated + 20'000;
  const json::value answer = json::parse(transaction_answer(transaction).body);
  const json::value& waits_for = answer.at("waits_for");
  CHECK(names(waits_for) == Names{"what", "branch_id", "op", "url", "attempts", "last_error", "next_try"});
  CHECK(!text(waits_for, "what").empty());
  CHECK(text(waits_for, "branch_id") == "01");
  CHECK(text(waits_for, "op") == "action");
  CHECK(text(waits_for, "url") == "http://a");
  CHECK(waits_for.at("attempts").as_int64() == 2);
  CHECK(text(waits_for, "last_error") == "no answer");
  CHECK(text(waits_for, "next_try") == text(answer.at("transaction"), "next_cron_time"));
}

TEST_CASE("dtm/answer: waiting for the first answer of a call -> nothing of errors or times") {
  const json::value answer = json::parse(transaction_answer(stored()).body);
  CHECK(names(answer.at("waits_for")) == Names{"what", "branch_id", "op", "url", "attempts"});
  CHECK(answer.at("waits_for").at("attempts").as_int64() == 0);
}

TEST_CASE("dtm/answer: waiting for query_prepared -> the call as it is made") {
  for (const auto& row : {std::pair(TransType::msg, "msg"), std::pair(TransType::workflow, "checkout")}) {
    CAPTURE(row.second);
    const json::value answer = json::parse(transaction_answer(prepared(row.first, {})).body);
    CHECK(text(answer.at("waits_for"), "branch_id") == "00");
    CHECK(text(answer.at("waits_for"), "op") == row.second);
    CHECK(text(answer.at("waits_for"), "url") == "http://q");
  }
}

TEST_CASE("dtm/answer: waiting for its client -> no call is named") {
  const json::value answer = json::parse(transaction_answer(prepared(TransType::tcc, {})).body);
  CHECK(names(answer.at("waits_for")) == Names{"what"});
}

TEST_CASE("dtm/answer: key-values -> every member, and where the next page begins in scanKV") {
  CHECK(key_values_answer({}, std::nullopt).body == R"({"kv":[]})");
  CHECK(key_values_answer({}, "").body == R"({"kv":[],"next_position":""})");
  const KeyValue value{5, kCreated, kCreated + 1000, "topics", "t\"1", "[]", 2};
  const json::value answer = json::parse(key_values_answer({value, value}, "p").body);
  CHECK(text(answer, "next_position") == "p");
  REQUIRE(answer.at("kv").as_array().size() == 2);
  const json::value& shown = answer.at("kv").as_array()[1];
  CHECK(names(shown) == Names{"id", "create_time", "update_time", "cat", "k", "v", "version"});
  CHECK(shown.at("id").as_int64() == 5);
  CHECK(text(shown, "k") == "t\"1");
  CHECK(text(shown, "v") == "[]");
  CHECK(shown.at("version").as_int64() == 2);
}

}  // namespace
}  // namespace settle::dtm
