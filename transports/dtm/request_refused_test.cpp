// Transactions that are refused, and what is said of them.
#include <doctest/doctest.h>

#include <array>

#include "transports/dtm/request.hpp"

namespace settle::dtm {
namespace {

Result<TransactionRequest> parse(std::string_view text) {
  const Document document(text, "the body");
  if (document.error()) return *document.error();
  return parse_transaction(document.value(), Origin::body);
}

struct Refused {
  const char* name;
  std::string body;
  const char* message;  // what the message begins with; ": …" stands behind the name
};

std::string saga(const std::string& more) {
  return R"({"gid":"g","trans_type":"saga","steps":[{"action":"http://a"}],"payloads":["{}"],)" + more + "}";
}

void check_refused(const Refused& row) {
  CAPTURE(row.name);
  const Result<TransactionRequest> parsed = parse(row.body);
  REQUIRE(!parsed);
  CHECK(parsed.error().code == Code::invalid);
  const bool names_itself = row.message[0] == ':';
  CHECK_MESSAGE(parsed.error().message.starts_with((names_itself ? row.name : "") + std::string(row.message)),
                parsed.error().message);
}

TEST_CASE("dtm/request: bad transactions -> a message that names the field") {
  const std::array rows{
      Refused{"no JSON", "this is no json", "the body: is not JSON, syntax error at byte 0"},
      Refused{"nothing", "", "the body: is not JSON, incomplete JSON at byte 0"},
      Refused{"cut off", R"({"gid":"g")", "the body: is not JSON, incomplete JSON at byte 10"},
      Refused{"more behind it", "{} {}", "the body: is not JSON, extra data at byte 3"},
      Refused{"an array", "[]", "the body: must be an object, is an array"},
      Refused{"a number", "12", "the body: must be an object, is a number"},
      Refused{"no gid", R"({"trans_type":"saga"})", "no gid specified"},
      Refused{"nothing left of the gid", R"({"gid":";\r\n","trans_type":"saga"})", "no gid specified"},
      Refused{"gid of another type", R"({"gid":1,"trans_type":"saga"})", "gid: must be a string, is a number"},
      Refused{"no trans_type", R"({"gid":"g"})", "trans_type: is missing"},
      Refused{"empty trans_type", R"({"gid":"g","trans_type":""})", "trans_type: is missing"},
      Refused{"unknown trans_type", R"({"gid":"g","trans_type":"sage"})", "trans_type: 'sage' is none of"},
      Refused{"trans_type in capitals", R"({"gid":"g","trans_type":"TCC"})", "trans_type: 'TCC' is none of"},
      Refused{"trans_type of another type", R"({"gid":"g","trans_type":5})", "trans_type: must be a string, is a num"},
      Refused{"protocol", saga(R"("protocol":"tcp")"), "protocol: 'tcp' is none of http, json-rpc and grpc"},
      Refused{"another protocol", saga(R"("protocol":"HTTP")"), "protocol: 'HTTP' is none of"},
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
  for (const Refused& row : rows) check_refused(row);
}

TEST_CASE("dtm/request: messages and workflows that are wrong -> a message that names the field") {
  const std::array rows{
      Refused{"too few payloads", R"({"gid":"g","trans_type":"msg","steps":[{},{}],"payloads":["1"]})",
              "payloads: there must be one for each step, but there are 1 for 2 steps"},
      Refused{"too many payloads", R"({"gid":"g","trans_type":"msg","steps":[],"payloads":["1"]})",
              "payloads: there must be one for each step, but there are 1 for 0 steps"},
      Refused{"delay of another kind", R"({"gid":"g","trans_type":"msg","custom_data":"{\"delay\":\"1\"}"})",
              "custom_data.delay: must be a whole number, is a string"},
      Refused{"data that is no base64", R"({"gid":"g","trans_type":"workflow","custom_data":"{\"data\":\"e30\"}"})",
              "custom_data.data: is not base64"},
      Refused{"name of another kind", R"({"gid":"g","trans_type":"workflow","custom_data":"{\"name\":1}"})",
              "custom_data.name: must be a string, is a number"},
      Refused{"custom_data of a tcc", R"({"gid":"g","trans_type":"tcc","custom_data":"x"})",
              "custom_data: is not JSON"},
      Refused{"custom_data of an xa", R"({"gid":"g","trans_type":"xa","custom_data":"{} x"})",
              "custom_data: is not JSON"},
      Refused{"steps of a tcc", R"({"gid":"g","trans_type":"tcc","steps":[{"action":1}]})",
              "steps[0].action: must be a string, is a number"},
  };
  for (const Refused& row : rows) check_refused(row);
}

TEST_CASE("dtm/request: members without an effect, of another kind -> refused all the same") {
  for (const char* name : {"status", "result", "rollback_reason", "options", "owner", "ext_data", "create_time",
                           "update_time", "finish_time", "rollback_time", "next_cron_time"}) {
    CAPTURE(name);
    check_refused({name, saga("\"" + std::string(name) + "\":1"), ": must be a string, is a number"});
    CHECK(parse(saga("\"" + std::string(name) + "\":\"x\"")));
    CHECK(parse(saga("\"" + std::string(name) + "\":null")));
  }
  for (const char* name : {"id", "next_cron_interval", "retry_count"}) {
    CAPTURE(name);
    check_refused({name, saga("\"" + std::string(name) + "\":\"x\""), ": must be a whole number, is a string"});
    CHECK(parse(saga("\"" + std::string(name) + "\":1")));
  }
  check_refused({"req_extra", saga(R"("req_extra":[])"), "req_extra: must be an object, is an array"});
  check_refused({"req_extra, a number", saga(R"("req_extra":{"a":1})"), "req_extra.a: must be a string, is a number"});
  check_refused({"any member of a step", R"({"gid":"g","trans_type":"saga","steps":[{"own":{}}],"payloads":["1"]})",
                 "steps[0].own: must be a string, is an object"});
}

}  // namespace
}  // namespace settle::dtm
