#include "transports/http/json_rpc_branch.hpp"

#include <doctest/doctest.h>

#include <string>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace settle::http {
namespace {

namespace json = boost::json;

BranchCall example_call(std::string payload) {
  BranchCall call;
  call.gid = "g1";
  call.branch_id = "01";
  call.operation = "action";
  call.protocol = Protocol::json_rpc;
  call.url = "http://h:1/rpc?method=order";
  call.payload = std::move(payload);
  return call;
}

json::value parse(const std::string& text) {
  json::parse_options options;
  options.max_depth = 1'000;
  return json::parse(text, {}, options);
}

constexpr const char* kOwnParams = R"("gid":"g1","trans_type":"saga","branch_id":"01","op":"action")";

std::string params_of(const std::string& payload) {
  const auto body = json_rpc_body(example_call(payload));
  REQUIRE(body);
  const std::string begin = R"({"jsonrpc":"2.0","id":"g1-01-action","method":"order","params":)";
  REQUIRE(body.value().find(begin) == 0);
  REQUIRE(parse(body.value()).as_object().size() == 4);
  return body.value().substr(begin.size(), body.value().size() - begin.size() - 1);
}

TEST_CASE("http/json-rpc: which calls are made over it -> those with the protocol and a method in the query") {
  struct Row {
    const char* url;
    bool is_json_rpc;
  };
  const Row rows[] = {
      {"http://h/rpc?method=order", true},       {"HTTP://h/rpc?a=1&method=order&b", true},
      {"http://h?m%65thod=order", true},         {"http://h/rpc", false},
      {"http://h/method=order", false},          {"http://h/rpc?xmethod=order", false},
      {"http://h/rpc?a=method=order", false},    {"http://h/rpc?methods=order", false},
      {"http://h/rpc?method=", false},           {"http://h/rpc?method", false},
      {"http://h/rpc?a=1#?method=order", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.url);
    BranchCall call = example_call("{}");
    call.url = row.url;
    CHECK(is_json_rpc(call) == row.is_json_rpc);
    call.protocol = Protocol::http;
    CHECK(!is_json_rpc(call));
  }
}

TEST_CASE("http/json-rpc: the method -> decoded, as it stands first in the query") {
  BranchCall call = example_call("");
  call.url = "http://h/rpc?method=a%22b%20c+d%26&method=other";
  CHECK(parse(json_rpc_body(call).value()).at("method").as_string() == "a\"b c d&");
}

TEST_CASE("http/json-rpc: a payload -> its members with every digit, then those of the transaction") {
  const std::string own = kOwnParams;
  CHECK(params_of("") == "{" + own + "}");
  CHECK(params_of("{}") == "{" + own + "}");
  CHECK(params_of(" { } \n") == " { " + own + "}");
  CHECK(params_of(R"({"n":1})") == R"({"n":1,)" + own + "}");
  CHECK(params_of("{\"a\":12345678901234567890.10, \"b\":{\"c\":[]}}\r\n ") ==
        R"({"a":12345678901234567890.10, "b":{"c":[]},)" + own + "}");
  const std::string deep = R"({"a":)" + std::string(500, '[') + std::string(500, ']') + "}";
  CHECK(params_of(deep) == deep.substr(0, deep.size() - 1) + "," + own + "}");
}

TEST_CASE("http/json-rpc: members of the payload with our names -> replaced by ours") {
  CHECK(params_of(R"({"op":"mine","n":1,"gid":{"x":[2]}})") == std::string(R"({"n":1,)") + kOwnParams + "}");
  CHECK(params_of(R"({"trans_type":0,"branch_id":null})") == std::string("{") + kOwnParams + "}");
}

TEST_CASE("http/json-rpc: words that need quoting -> quoted") {
  BranchCall call = example_call("");
  call.gid = "a\"b\\c\n事";
  const json::value body = parse(json_rpc_body(call).value());
  CHECK(body.at("params").at("gid").as_string() == call.gid.c_str());
  CHECK(!body.at("id").as_string().empty());
}

TEST_CASE("http/json-rpc: a payload that is no JSON object -> refused with the branch's name") {
  for (const char* payload : {"[1]", "null", "\"text\"", "7", "not json", "{", "{}{}", "{\"a\":1,}", "<a/>"}) {
    CAPTURE(payload);
    const auto body = json_rpc_body(example_call(payload));
    REQUIRE(!body);
    CHECK(body.error().code == Code::invalid);
    CHECK(body.error().message == "the payload of branch 01 is not a JSON object, as a call over JSON-RPC needs it");
  }
}

TEST_CASE("http/json-rpc: a payload to be written anew with a number that cannot be -> refused") {
  CHECK(!json_rpc_body(example_call(R"({"gid":1,"n":0e400})")));
  CHECK(params_of(R"({"n":0e400})") == std::string(R"({"n":0e400,)") + kOwnParams + "}");
}

TEST_CASE("http/json-rpc: a method that is not UTF-8 -> refused with the branch's name") {
  BranchCall call = example_call("{}");
  call.url = "http://h/rpc?method=%ff";
  const auto body = json_rpc_body(call);
  REQUIRE(!body);
  CHECK(body.error().code == Code::invalid);
  CHECK(body.error().message == "the method in the url of branch 01 is not valid UTF-8");
}

TEST_CASE("http/json-rpc: answers -> judged by the code of their error") {
  struct Row {
    std::string body;
    CallResult result;
  };
  const Row rows[] = {
      {R"({"jsonrpc":"2.0","id":"1","result":{"ok":true}})", CallResult::success},
      {R"({"jsonrpc":"2.0","id":"1","result":null,"error":null})", CallResult::success},
      {R"({"dtm_result":"SUCCESS"})", CallResult::success},
      {"{}", CallResult::success},
      {R"({"result":)" + std::string(500, '[') + std::string(500, ']') + "}", CallResult::success},
      {R"({"error":{"code":-32901,"message":"no stock"}})", CallResult::failure},
      {R"({"error":{"code":-32901.0}})", CallResult::failure},
      {R"({"error":{"code":-32902}})", CallResult::ongoing},
      {R"({"error":{"code":-32603,"message":"broken"}})", CallResult::unknown},
      {R"({"error":{"code":-32901.5}})", CallResult::unknown},
      {R"({"error":{"code":"-32901"}})", CallResult::unknown},
      {R"({"error":{"code":1e300}})", CallResult::unknown},
      {R"({"error":{"message":"no code"}})", CallResult::unknown},
      {R"({"error":"text"})", CallResult::unknown},
      {R"({"error":false})", CallResult::unknown},
      {"", CallResult::unknown},
      {"ok", CallResult::unknown},
      {"null", CallResult::unknown},
      {"[{\"result\":1}]", CallResult::unknown},
      {R"({"result":1)", CallResult::unknown},
  };
  for (const Row& row : rows) {
    CAPTURE(row.body);
    CHECK(classify_json_rpc(row.body) == row.result);
  }
}

}  // namespace
}  // namespace settle::http
