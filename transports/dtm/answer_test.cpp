#include "transports/dtm/answer.hpp"

#include <doctest/doctest.h>

#include <array>

#include "transports/dtm/stored_example.hpp"

namespace settle::dtm {
namespace {

TEST_CASE("dtm/answer: a transaction that just began -> only what is not empty, in DTM's order") {
  const json::value answer = json::parse(transaction_answer(stored()).body);
  CHECK(names(answer) == std::vector<std::string>{"branches", "transaction", "waits_for"});
  const json::value& transaction = answer.at("transaction");
  CHECK(names(transaction) == std::vector<std::string>{"id", "create_time", "update_time", "gid", "trans_type",
                                                       "status", "protocol", "options", "next_cron_interval",
                                                       "concurrent"});
  CHECK(transaction.at("id").as_int64() == 7);
  CHECK(text(transaction, "gid") == "g \"1\"");
  CHECK(text(transaction, "update_time") == text(transaction, "create_time"));
  CHECK(text(transaction, "options") == R"({"concurrent":false})");
  CHECK(transaction.at("next_cron_interval").as_int64() == 10);
  CHECK(!transaction.at("concurrent").as_bool());

  const json::array& branches = answer.at("branches").as_array();
  REQUIRE(branches.size() == 4);
  CHECK(names(branches[0]) == std::vector<std::string>{"id", "create_time", "update_time", "gid", "url", "bin_data",
                                                       "branch_id", "op", "status"});
  CHECK(text(branches[0], "op") == "compensate");
  CHECK(text(branches[0], "bin_data") == "eyJuIjoxfQ==");
  CHECK(names(branches[2]) ==
        std::vector<std::string>{"id", "create_time", "update_time", "gid", "branch_id", "op", "status"});
  CHECK(branches[0].at("id").as_int64() != branches[1].at("id").as_int64());
}

TEST_CASE("dtm/answer: a transaction with everything -> every field in DTM's order") {
  StoredTransaction full = stored();
  Definition definition = *full.definition;
  definition.query_prepared = "http://q";
  definition.custom_data = R"({"trace":"abc"})";
  definition.options = {true, 1000, 2, 15, 3, {{"a", "b\""}, {"c", "d"}}, true};
  definition.concurrent = true;
  full.definition = std::make_shared<const Definition>(std::move(definition));
  full.state.status = GlobalStatus::failed;
  full.state.update_time_ms = kCreated + 1000;
  full.state.finish_time_ms = kCreated + 1000;
  full.state.rollback_time_ms = kCreated + 2000;
  full.state.rollback_reason = "no\xFF";
  full.state.retry_interval_ms = 1;
  full.state.next_retry_time_ms = kCreated + 3000;
  full.branches[1] = {BranchStatus::failed, true, 0, kCreated + 500};
  const json::value answer = json::parse(transaction_answer(full).body);
  const json::value& transaction = answer.at("transaction");
  CHECK(names(transaction) == std::vector<std::string>{"id", "create_time", "update_time", "gid", "trans_type",
                                                       "status", "query_prepared", "protocol", "finish_time",
                                                       "rollback_time", "rollback_reason", "options", "custom_data",
                                                       "next_cron_interval", "next_cron_time", "concurrent"});
  CHECK(text(transaction, "options") ==
        R"({"wait_result":true,"timeout_to_fail":1000,"request_timeout":2,"retry_interval":15,)"
        R"("branch_headers":{"a":"b\"","c":"d"},"concurrent":true,"retry_limit":3})");
  CHECK(text(transaction, "rollback_reason") == "no\uFFFD");
  CHECK(transaction.at("next_cron_interval").as_int64() == 1);  // rounded up
  CHECK(!transaction.at("concurrent").as_bool());
  const json::value& action = answer.at("branches").as_array()[1];
  CHECK(text(action, "status") == "failed");
  CHECK(text(action, "finish_time") == text(action, "update_time"));
}

TEST_CASE("dtm/answer: an unknown gid -> null and no branches") {
  CHECK(transaction_answer(std::nullopt).body == R"({"branches":[],"transaction":null})");
  CHECK(transaction_answer(std::nullopt).status == 200);
}

TEST_CASE("dtm/answer: lists -> transactions without branches, and where the next page begins") {
  CHECK(list_answer({}, "").body == R"({"next_position":"","transactions":[]})");
  const json::value answer = json::parse(list_answer({stored(), stored()}, "p\"1").body);
  CHECK(text(answer, "next_position") == "p\"1");
  REQUIRE(answer.at("transactions").as_array().size() == 2);
  CHECK(answer.at("transactions").as_array()[1].at("id").as_int64() == 7);
}

TEST_CASE("dtm/answer: the small ones") {
  CHECK(success_answer().body == R"({"dtm_result":"SUCCESS"})");
  CHECK(success_answer().content_type == "application/json; charset=utf-8");
  CHECK(operation_answer(std::nullopt).body == R"({"dtm_result":"SUCCESS"})");
  CHECK(operation_answer("abc").body == R"({"dtm_result":"SUCCESS","gid":"abc"})");
  CHECK(text_answer("msg", "pong").body == R"({"msg":"pong"})");
  CHECK(made_due_answer({3, true}).body == R"({"has_remaining":true,"succeed_count":3})");
  CHECK(not_found_answer().status == 404);
  CHECK(not_found_answer().content_type == "text/plain");
  CHECK(not_found_answer().body == "404 page not found");
}

TEST_CASE("dtm/answer: refusals -> the status of their code") {
  struct Row {
    Code code;
    unsigned status;
    const char* body;
  };
  const std::array rows{
      Row{Code::failure, 409, R"({"dtm_result":"FAILURE","message":"m"})"},
      Row{Code::ongoing, 425, R"({"dtm_result":"ONGOING","message":"m"})"},
      Row{Code::invalid, 400, R"({"message":"m"})"},
      Row{Code::not_found, 500, R"({"message":"m"})"},
      Row{Code::conflict, 500, R"({"message":"m"})"},
      Row{Code::overloaded, 503, R"({"message":"m"})"},
      Row{Code::unavailable, 503, R"({"message":"m"})"},
      Row{Code::internal, 500, R"({"message":"m"})"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.status);
    const http::Response answer = error_answer({row.code, "m"});
    CHECK(answer.status == row.status);
    CHECK(answer.body == row.body);
    CHECK(answer.content_type == "application/json; charset=utf-8");
  }
}

TEST_CASE("dtm/answer: a refusal that quotes a long text -> shortened") {
  const http::Response answer = error_answer({Code::invalid, std::string(20'000, 'x')});
  CHECK(answer.body.size() < 3'000);
  CHECK(answer.body.ends_with("(shortened)\"}"));
}

}  // namespace
}  // namespace settle::dtm
