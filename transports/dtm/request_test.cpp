#include "transports/dtm/request.hpp"

#include <doctest/doctest.h>

#include <array>

namespace settle::dtm {
namespace {

Result<TransactionRequest> parse(std::string_view text, Origin origin = Origin::body) {
  const Document document(text, "the body");
  if (document.error()) return *document.error();
  return parse_transaction(document.value(), origin);
}

TEST_CASE("dtm/request: every field of a saga -> its place in the definition") {
  const Result<TransactionRequest> parsed = parse(R"({
    "gid": "g;1\n", "trans_type": "saga", "protocol": "http", "query_prepared": "http://c/q",
    "steps": [{"action": "http://a/1", "compensate": "http://a/1u"}, {"action": "http://b/2", "compensate": ""}],
    "payloads": ["{\"n\":1}", "grüße"],
    "custom_data": "{\"concurrent\":true,\"orders\":{\"1\":[0]},\"own\":5}",
    "wait_result": true, "timeout_to_fail": 1000, "request_timeout": 2, "retry_interval": 15, "retry_limit": 3,
    "branch_headers": {"x-a": "b", "x-c": ""}, "concurrent": true,
    "req_extra": {"k": "v"}, "something": {"else": [1, 2, {"deep": null}]}})");
  REQUIRE(parsed);
  Definition expected;
  expected.gid = "g1";
  expected.protocol = Protocol::http;
  expected.options = {true, 1000, 2, 15, 3, {{"x-a", "b"}, {"x-c", ""}}, true};
  expected.custom_data = R"({"concurrent":true,"orders":{"1":[0]},"own":5})";
  expected.query_prepared = "http://c/q";
  expected.concurrent = true;
  expected.orders = {{1, {0}}};
  append_saga_steps(expected, {{"http://a/1", "http://a/1u", R"({"n":1})"}, {"http://b/2", "", "grüße"}});
  CHECK(parsed.value().definition == expected);
  CHECK(parsed.value().extra == std::map<std::string, std::string>{{"k", "v"}});
}

TEST_CASE("dtm/request: what is not given -> as if it were null") {
  const Result<TransactionRequest> bare = parse(R"({"gid":"g","trans_type":"saga"})");
  const Result<TransactionRequest> nulls = parse(
      R"({"gid":"g","trans_type":"saga","protocol":null,"steps":null,"payloads":null,"custom_data":null,
          "wait_result":null,"retry_limit":null,"branch_headers":null})");
  REQUIRE(bare);
  REQUIRE(nulls);
  CHECK(bare.value().definition == nulls.value().definition);
  CHECK(bare.value().definition.branches.empty());
}

TEST_CASE("dtm/request: concurrency -> from custom_data alone") {
  const Result<TransactionRequest> parsed = parse(R"({"gid":"g","trans_type":"saga","concurrent":true})");
  REQUIRE(parsed);
  CHECK(!parsed.value().definition.concurrent);
  CHECK(parsed.value().definition.options.concurrent);
}

TEST_CASE("dtm/request: custom_data that is JSON but no object -> kept, asks for nothing") {
  const Result<TransactionRequest> parsed = parse(R"({"gid":"g","trans_type":"saga","custom_data":"[1]"})");
  REQUIRE(parsed);
  CHECK(parsed.value().definition.custom_data == "[1]");
  CHECK(!parsed.value().definition.concurrent);
}

TEST_CASE("dtm/request: payloads of very old clients -> taken from the steps") {
  const Result<TransactionRequest> parsed =
      parse(R"({"gid":"g","trans_type":"saga","steps":[{"action":"http://a","data":"7"},{"data":""}]})");
  REQUIRE(parsed);
  CHECK(parsed.value().definition.payloads == std::vector<std::string>{"7", ""});
  const Result<TransactionRequest> both =
      parse(R"({"gid":"g","trans_type":"saga","steps":[{"action":"http://a","data":"old"}],"payloads":["new"]})");
  REQUIRE(both);
  CHECK(both.value().definition.payloads == std::vector<std::string>{"new"});
}

TEST_CASE("dtm/request: a field given twice -> the last one counts") {
  const Result<TransactionRequest> parsed = parse(R"({"gid":"a","gid":"b","trans_type":"saga"})");
  REQUIRE(parsed);
  CHECK(parsed.value().definition.gid == "b");
}

TEST_CASE("dtm/request: thousands of steps -> each with its own payload") {
  std::string steps;
  std::string payloads;
  constexpr int kSteps = 5000;
  for (int i = 0; i < kSteps; ++i) {
    steps += (i > 0 ? "," : "") + std::string(R"({"action":"http://a","compensate":"http://b"})");
    payloads += (i > 0 ? "," : "") + ("\"" + std::to_string(i) + "\"");
  }
  const Result<TransactionRequest> parsed =
      parse(R"({"gid":"g","trans_type":"saga","steps":[)" + steps + R"(],"payloads":[)" + payloads + "]}");
  REQUIRE(parsed);
  CHECK(parsed.value().definition.branches.size() == 2 * kSteps);
  CHECK(parsed.value().definition.payloads.back() == "4999");
  CHECK(parsed.value().definition.branches.back().branch_id == "5000");
}

TEST_CASE("dtm/request: a message -> its actions, their concurrency and its delay") {
  const Result<TransactionRequest> parsed = parse(R"({"gid":"g","trans_type":"msg","query_prepared":"http://q",
      "steps":[{"action":"http://a","compensate":"http://no-use"},{"action":"topic://t"}],"payloads":["1",""],
      "concurrent":true,"custom_data":"{\"delay\":7,\"concurrent\":false}"})");
  REQUIRE(parsed);
  Definition expected;
  expected.gid = "g";
  expected.type = TransType::msg;
  expected.query_prepared = "http://q";
  expected.options.concurrent = true;
  expected.concurrent = true;
  expected.delay_s = 7;
  expected.custom_data = R"({"delay":7,"concurrent":false})";
  append_message_actions(expected, {{"http://a", "1"}, {"topic://t", ""}});
  CHECK(parsed.value().definition == expected);
}

TEST_CASE("dtm/request: tcc, xa and workflow -> no rows, whatever steps are given") {
  for (const TransType type : {TransType::tcc, TransType::xa, TransType::workflow}) {
    CAPTURE(to_string(type));
    const Result<TransactionRequest> parsed =
        parse(R"({"gid":"g","trans_type":")" + std::string(to_string(type)) +
              R"(","steps":[{"action":"http://a"}],"payloads":["1","2"],"custom_data":"{\"delay\":-1,\"orders\":5}"})");
    REQUIRE(parsed);
    CHECK(parsed.value().definition.type == type);
    CHECK(parsed.value().definition.branches.empty());
    CHECK(parsed.value().definition.custom_data == R"({"delay":-1,"orders":5})");
  }
}

TEST_CASE("dtm/request: a workflow -> how it is called back") {
  const Result<TransactionRequest> parsed =
      parse(R"({"gid":"g","trans_type":"workflow","custom_data":"{\"name\":\"pay\",\"data\":\"eyJ4\\nIjoxfQ==\"}"})");
  REQUIRE(parsed);
  CHECK(parsed.value().definition.callback_name == "pay");
  CHECK(parsed.value().definition.callback_payload == R"({"x":1})");
}

TEST_CASE("dtm/request: the protocol -> unspecified unless it is given") {
  CHECK(parse(R"({"gid":"g","trans_type":"tcc"})").value().definition.protocol == Protocol::unspecified);
  CHECK(parse(R"({"gid":"g","trans_type":"tcc","protocol":""})").value().definition.protocol == Protocol::unspecified);
  CHECK(parse(R"({"gid":"g","trans_type":"tcc","protocol":"http"})").value().definition.protocol == Protocol::http);
  CHECK(parse(R"({"gid":"g","trans_type":"tcc","protocol":"json-rpc"})").value().definition.protocol ==
        Protocol::json_rpc);
}

TEST_CASE("dtm/request: line breaks and semicolons of a gid -> dropped in bodies alone") {
  constexpr const char* kText = R"({"gid":"a;b\r\nc","trans_type":"tcc"})";
  CHECK(parse(kText, Origin::body).value().definition.gid == "abc");
  CHECK(parse(kText, Origin::params).value().definition.gid == "a;b\r\nc");
}

TEST_CASE("dtm/request: null within lists and maps -> empty") {
  const Result<TransactionRequest> parsed = parse(R"({"gid":"g","trans_type":"saga","steps":[null,{"action":null}],
      "payloads":[null,"1"],"branch_headers":{"a":null},"req_extra":{"b":null},
      "custom_data":"{\"orders\":{\"0\":null,\"1\":[null]}}"})");
  REQUIRE(parsed);
  const Definition& definition = parsed.value().definition;
  CHECK(definition.branches.size() == 4);
  CHECK(definition.payloads == std::vector<std::string>{"", "1"});
  CHECK(definition.options.branch_headers == std::map<std::string, std::string>{{"a", ""}});
  CHECK(parsed.value().extra == std::map<std::string, std::string>{{"b", ""}});
  CHECK(definition.orders == std::map<std::uint32_t, std::vector<std::uint32_t>>{{1, {0}}});
}

TEST_CASE("dtm/request: names in another case -> the same members, but not those of a step") {
  const Result<TransactionRequest> parsed = parse(R"({"GID":"g","Trans_Type":"saga","WAIT_RESULT":true,
      "Steps":[{"Action":"http://lost","action":"http://a"}],"payloads":["exact"],"PAYLOADS":[],
      "custom_data":"{\"Concurrent\":true}"})");
  REQUIRE(parsed);
  const Definition& definition = parsed.value().definition;
  CHECK(definition.gid == "g");
  CHECK(definition.options.wait_result);
  CHECK(definition.concurrent);
  CHECK(definition.branches.at(1).url == "http://a");
  CHECK(definition.payloads == std::vector<std::string>{"exact"});
}

TEST_CASE("dtm/request: what is not UTF-8 -> replaced, not refused") {
  const Result<TransactionRequest> parsed = parse(
      "{\"gid\":\"g\xFF\",\"trans_type\":\"saga\",\"steps\":[{\"action\":\"\\ud800x\"}],\"payloads\":[\"\xC3(\"],"
      "\"branch_headers\":{\"a\":\"\xFE\"}}");
  REQUIRE(parsed);
  const Definition& definition = parsed.value().definition;
  CHECK(definition.gid == "g\uFFFD");
  CHECK(definition.branches.at(1).url == "\uFFFDx");
  CHECK(definition.payloads == std::vector<std::string>{"\uFFFD("});
  CHECK(definition.options.branch_headers.at("a") == "\uFFFD");
}

}  // namespace
}  // namespace settle::dtm
