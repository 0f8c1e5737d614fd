#include "transports/dtm/request.hpp"

#include <doctest/doctest.h>

#include <array>

namespace settle::dtm {
namespace {

TEST_CASE("dtm/request: every field of a saga -> its place in the definition") {
  const Result<Definition> parsed = parse_transaction(R"({
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
  expected.options = {true, 1000, 2, 15, 3, {{"x-a", "b"}, {"x-c", ""}}, true};
  expected.custom_data = R"({"concurrent":true,"orders":{"1":[0]},"own":5})";
  expected.query_prepared = "http://c/q";
  expected.concurrent = true;
  expected.orders = {{1, {0}}};
  append_saga_steps(expected, {{"http://a/1", "http://a/1u", R"({"n":1})"}, {"http://b/2", "", "grüße"}});
  CHECK(parsed.value() == expected);
}

TEST_CASE("dtm/request: what is not given -> as if it were null") {
  const Result<Definition> bare = parse_transaction(R"({"gid":"g","trans_type":"saga"})");
  const Result<Definition> nulls = parse_transaction(
      R"({"gid":"g","trans_type":"saga","protocol":null,"steps":null,"payloads":null,"custom_data":null,
          "wait_result":null,"retry_limit":null,"branch_headers":null})");
  REQUIRE(bare);
  REQUIRE(nulls);
  CHECK(bare.value() == nulls.value());
  CHECK(bare.value().branches.empty());
}

TEST_CASE("dtm/request: concurrency -> from custom_data alone") {
  const Result<Definition> parsed = parse_transaction(R"({"gid":"g","trans_type":"saga","concurrent":true})");
  REQUIRE(parsed);
  CHECK(!parsed.value().concurrent);
  CHECK(parsed.value().options.concurrent);
}

TEST_CASE("dtm/request: custom_data that is JSON but no object -> kept, asks for nothing") {
  const Result<Definition> parsed = parse_transaction(R"({"gid":"g","trans_type":"saga","custom_data":"[1]"})");
  REQUIRE(parsed);
  CHECK(parsed.value().custom_data == "[1]");
  CHECK(!parsed.value().concurrent);
}

TEST_CASE("dtm/request: payloads of very old clients -> taken from the steps") {
  const Result<Definition> parsed =
      parse_transaction(R"({"gid":"g","trans_type":"saga","steps":[{"action":"http://a","data":"7"},{"data":""}]})");
  REQUIRE(parsed);
  CHECK(parsed.value().payloads == std::vector<std::string>{"7", ""});
  const Result<Definition> both = parse_transaction(
      R"({"gid":"g","trans_type":"saga","steps":[{"action":"http://a","data":"old"}],"payloads":["new"]})");
  REQUIRE(both);
  CHECK(both.value().payloads == std::vector<std::string>{"new"});
}

TEST_CASE("dtm/request: a field given twice -> the last one counts") {
  const Result<Definition> parsed = parse_transaction(R"({"gid":"a","gid":"b","trans_type":"saga"})");
  REQUIRE(parsed);
  CHECK(parsed.value().gid == "b");
}

TEST_CASE("dtm/request: thousands of steps -> each with its own payload") {
  std::string steps;
  std::string payloads;
  constexpr int kSteps = 5000;
  for (int i = 0; i < kSteps; ++i) {
    steps += (i > 0 ? "," : "") + std::string(R"({"action":"http://a","compensate":"http://b"})");
    payloads += (i > 0 ? "," : "") + ("\"" + std::to_string(i) + "\"");
  }
  const Result<Definition> parsed =
      parse_transaction(R"({"gid":"g","trans_type":"saga","steps":[)" + steps + R"(],"payloads":[)" + payloads + "]}");
  REQUIRE(parsed);
  CHECK(parsed.value().branches.size() == 2 * kSteps);
  CHECK(parsed.value().payloads.back() == "4999");
  CHECK(parsed.value().branches.back().branch_id == "5000");
}

struct Refused {
  const char* name;
  std::string body;
  const char* message;  // what the message begins with
};

std::string saga(const std::string& more) {
  return R"({"gid":"g","trans_type":"saga","steps":[{"action":"http://a"}],"payloads":["{}"],)" + more + "}";
}

TEST_CASE("dtm/request: bad transactions -> a message that names the field") {
  const std::array rows{
      Refused{"no JSON", "this is no json", "the body: is not JSON, syntax error at byte 0"},
      Refused{"nothing", "", "the body: is not JSON, incomplete JSON at byte 0"},
      Refused{"cut off", R"({"gid":"g")", "the body: is not JSON, incomplete JSON at byte 10"},
      Refused{"more behind it", "{} {}", "the body: is not JSON, extra data at byte 3"},
      Refused{"not UTF-8", "{\"gid\":\"\xFF\"}", "the body: is not JSON, syntax error at byte 8"},
      Refused{"too deep", std::string(40, '[') + std::string(40, ']'), "the body: is not JSON, too deep at byte 32"},
      Refused{"an array", "[]", "the body: must be an object, is an array"},
      Refused{"a number", "12", "the body: must be an object, is a number"},
      Refused{"no gid", R"({"trans_type":"saga"})", "no gid specified"},
      Refused{"nothing left of the gid", R"({"gid":";\r\n","trans_type":"saga"})", "no gid specified"},
      Refused{"gid of another type", R"({"gid":1,"trans_type":"saga"})", "gid: must be a string, is a number"},
      Refused{"no trans_type", R"({"gid":"g"})", "trans_type: is missing"},
      Refused{"empty trans_type", R"({"gid":"g","trans_type":""})", "trans_type: is missing"},
      Refused{"unknown trans_type", R"({"gid":"g","trans_type":"sage"})", "trans_type: 'sage' is not"},
      Refused{"later trans_type", R"({"gid":"g","trans_type":"tcc"})", "trans_type: 'tcc' is not"},
      Refused{"trans_type of another type", R"({"gid":"g","trans_type":5})", "trans_type: must be a string, is a num"},
      Refused{"protocol", saga(R"("protocol":"grpc")"), "protocol: 'grpc' is not"},
      Refused{"wait_result", saga(R"("wait_result":"yes")"), "wait_result: must be true or false, is a string"},
      Refused{"text for a number", saga(R"("timeout_to_fail":"10")"),
              "timeout_to_fail: must be a whole number, is a s"},
      Refused{"a fraction", saga(R"("retry_limit":1.5)"), "retry_limit: must be a whole number of 64 bits"},
      Refused{"a fraction of 0", saga(R"("retry_limit":1.0)"), "retry_limit: must be a whole number of 64 bits"},
      Refused{"too large", saga(R"("retry_interval":9223372036854775808)"),
              "retry_interval: must be a whole number of"},
      Refused{"headers, an array", saga(R"("branch_headers":["a"])"), "branch_headers: must be an object, is an array"},
      Refused{"header, a number", saga(R"("branch_headers":{"a":1})"), "branch_headers.a: must be a string, is a num"},
      Refused{"header, split", saga(R"("branch_headers":{"a":"b\r\nc: d"})"), "branch_headers.a: is not a name and"},
      Refused{"header, bad name", saga(R"("branch_headers":{"a b":"c"})"), "branch_headers.a b: is not a name and"},
      Refused{"custom_data, an object", saga(R"("custom_data":{})"), "custom_data: must be a string, is an object"},
      Refused{"custom_data, no JSON", saga(R"("custom_data":"{x")"),
              "custom_data: is not JSON, syntax error at byte 1"},
      Refused{"concurrent", saga(R"("custom_data":"{\"concurrent\":1}")"), "custom_data.concurrent: must be true or f"},
      Refused{"orders", saga(R"("custom_data":"{\"orders\":[]}")"), "custom_data.orders: must be an object, is an arr"},
      Refused{"orders, name", saga(R"("custom_data":"{\"orders\":{\"x\":[0]}}")"), "custom_data.orders.x: must be a"},
      Refused{"orders, value", saga(R"("custom_data":"{\"orders\":{\"1\":0}}")"), "custom_data.orders.1: must be a"},
      Refused{"orders, element", saga(R"("custom_data":"{\"orders\":{\"1\":[-1]}}")"), "custom_data.orders.1: must h"},
      Refused{"steps", R"({"gid":"g","trans_type":"saga","steps":"none"})", "steps: must be an array, is a string"},
      Refused{"a step", R"({"gid":"g","trans_type":"saga","steps":[1]})", "steps[0]: must be an object, is a number"},
      Refused{"action", R"({"gid":"g","trans_type":"saga","steps":[{"action":1}]})", "steps[0].action: must be a str"},
      Refused{"payloads", R"({"gid":"g","trans_type":"saga","payloads":"{}"})", "payloads: must be an array, is a str"},
      Refused{"a payload", R"({"gid":"g","trans_type":"saga","steps":[{}],"payloads":[{}]})",
              "payloads[0]: must be a string, is an object"},
      Refused{"too few payloads", R"({"gid":"g","trans_type":"saga","steps":[{},{}],"payloads":["1"]})",
              "payloads: there must be one for each step, but there are 1 for 2 steps"},
      Refused{"too many payloads", R"({"gid":"g","trans_type":"saga","steps":[{}],"payloads":["1","2"]})",
              "payloads: there must be one for each step, but there are 2 for 1 steps"},
      Refused{"no payloads", R"({"gid":"g","trans_type":"saga","steps":[{}]})",
              "payloads: there must be one for each step, but there are 0 for 1 steps"},
  };
  for (const Refused& row : rows) {
    CAPTURE(row.name);
    const Result<Definition> parsed = parse_transaction(row.body);
    REQUIRE(!parsed);
    CHECK(parsed.error().code == Code::invalid);
    CHECK_MESSAGE(parsed.error().message.starts_with(row.message), parsed.error().message);
  }
}

TEST_CASE("dtm/request: references -> gid, type and reason") {
  const Result<Reference> bare = parse_reference(R"({"gid":"g;","steps":5})");
  REQUIRE(bare);
  CHECK(bare.value().gid == "g");
  CHECK(!bare.value().type);
  const Result<Reference> full = parse_reference(R"({"gid":"g","trans_type":"saga","rollback_reason":"changed mind"})");
  REQUIRE(full);
  CHECK(full.value().type == TransType::saga);
  CHECK(full.value().rollback_reason == "changed mind");
  CHECK(parse_reference("{}").error().message == "no gid specified");
  CHECK(parse_reference("[]").error().message == "the body: must be an object, is an array");
  CHECK(parse_reference(R"({"gid":"g","trans_type":"tcc"})").error().message.starts_with("trans_type: 'tcc'"));
}

TEST_CASE("dtm/request: advance_seconds -> a whole number from 0") {
  CHECK(parse_advance_ms(R"({"advance_seconds":0})").value() == 0);
  CHECK(parse_advance_ms(R"({"advance_seconds":1800})").value() == 1'800'000);
  for (const char* body : {R"({})", R"({"advance_seconds":-1})", R"({"advance_seconds":1.5})",
                           R"({"advance_seconds":"1"})", R"({"advance_seconds":9223372036854775807})"}) {
    CAPTURE(body);
    const Result<std::int64_t> parsed = parse_advance_ms(body);
    REQUIRE(!parsed);
    CHECK(parsed.error().message.starts_with("advance_seconds: must be a whole number"));
  }
}

}  // namespace
}  // namespace settle::dtm
