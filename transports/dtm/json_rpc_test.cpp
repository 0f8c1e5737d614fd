#include <doctest/doctest.h>

#include <array>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "transports/dtm/fake_engine.hpp"

namespace settle::dtm {
namespace {

namespace json = boost::json;

http::Response call(FakeServer& server, const std::string& body) { return server.ask("POST", "/api/json-rpc", body); }

std::string request(const std::string& method, const std::string& params = "", const std::string& id = "\"1\"") {
  return R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":")" + method + "\"" +
         (params.empty() ? "" : ",\"params\":" + params) + "}";
}

std::int64_t error_code(const json::value& envelope) {
  const json::value& error = envelope.at("error");
  return error.is_null() ? 0 : error.at("code").as_int64();
}

TEST_CASE("dtm/json-rpc: every method -> what it asks of the engine, and an envelope with both members") {
  struct Row {
    const char* method;
    const char* params;
    std::vector<std::string> asked;
    const char* result = "null";
  };
  const std::array rows{
      Row{"newGid", "", {}, R"({"gid":"fresh"})"},
      Row{"newGid", "[1]", {}, R"({"gid":"fresh"})"},
      Row{"prepare", R"({"gid":"g","trans_type":"tcc"})", {"prepare g"}},
      Row{"submit", R"({"gid":"g","trans_type":"saga"})", {"submit g"}},
      Row{"submit",
          R"({"gid":"g","trans_type":"workflow","req_extra":{"status":"failed"}})",
          {"finish_workflow g failed  "}},
      Row{"abort", R"({"gid":"g","trans_type":"xa"})", {"abort g xa "}},
      Row{"registerBranch", R"({"gid":"g","trans_type":"tcc"})", {"register_branch g tcc prepared"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.method);
    FakeServer server;
    const http::Response answer = call(server, request(row.method, row.params));
    CHECK(answer.status == 200);
    CHECK(answer.content_type == "application/json; charset=utf-8");
    CHECK(answer.body == R"({"error":null,"id":"1","jsonrpc":"2.0","result":)" + std::string(row.result) + "}");
    CHECK(server.engine.asked == row.asked);
  }
}

TEST_CASE("dtm/json-rpc: gids -> as they are") {
  FakeServer server;
  call(server, request("submit", R"({"gid":"a;b\n","trans_type":"saga"})"));
  CHECK(server.engine.asked == std::vector<std::string>{"submit a;b\n"});
}

TEST_CASE("dtm/json-rpc: refusals -> their codes, and their texts") {
  struct Row {
    Code code;
    int rpc_code;
  };
  const std::array rows{Row{Code::failure, -32901},  Row{Code::ongoing, -32902},    Row{Code::invalid, -32603},
                        Row{Code::conflict, -32603}, Row{Code::not_found, -32603},  Row{Code::overloaded, -32603},
                        Row{Code::internal, -32603}, Row{Code::unavailable, -32603}};
  for (const Row& row : rows) {
    CAPTURE(row.rpc_code);
    FakeServer server;
    server.engine.answer = Error{row.code, "why \"not\""};
    const http::Response answer = call(server, request("abort", R"({"gid":"g"})"));
    CHECK(answer.status == 200);
    CHECK(answer.body == R"({"error":{"code":)" + std::to_string(row.rpc_code) +
                             R"(,"message":"why \"not\""},"id":"1","jsonrpc":"2.0","result":null})");
  }
}

TEST_CASE("dtm/json-rpc: params that are missing, of another kind or wrong -> -32603, and nothing is asked") {
  const std::array<std::array<const char*, 2>, 7> rows{{
      {"", "no gid specified"},
      {"null", "no gid specified"},
      {"[]", "params: must be an object, is an array"},
      {"7", "params: must be an object, is a number"},
      {"\"text\"", "params: must be an object, is a string"},
      {R"({"gid":1})", "gid: must be a string, is a number"},
      {R"({"gid":""})", "no gid specified"},
  }};
  for (const auto& row : rows) {
    const char* const params = row[0];
    for (const char* method : {"submit", "prepare", "abort"}) {
      CAPTURE(params);
      CAPTURE(method);
      FakeServer server;
      const json::value answer = json::parse(call(server, request(method, params)).body);
      CHECK(error_code(answer) == -32603);
      CHECK(answer.at("error").at("message").as_string() == row[1]);
      CHECK(answer.at("result").is_null());
      CHECK(server.engine.asked.empty());
    }
  }
}

TEST_CASE("dtm/json-rpc: what is no request -> -32600, with the id where there is one") {
  const std::array<std::array<const char*, 2>, 12> rows{{
      {R"({"jsonrpc":"2.0","method":"newGid"})", "\"\""},
      {R"({"jsonrpc":"2.0","id":"","method":"newGid"})", "\"\""},
      {R"({"jsonrpc":"2.0","id":null,"method":"newGid"})", "\"\""},
      {R"({"jsonrpc":"2.0","id":1.5,"method":"newGid"})", "\"\""},
      {R"({"jsonrpc":"2.0","id":{},"method":"newGid"})", "\"\""},
      {R"({"jsonrpc":"1.0","id":"x","method":"newGid"})", "\"x\""},
      {R"({"jsonrpc":2.0,"id":"x","method":"newGid"})", "\"x\""},
      {R"({"id":"x","method":"newGid"})", "\"x\""},
      {R"({"jsonrpc":"2.0","id":"x","method":3})", "\"x\""},
      {"{}", "\"\""},
      {"null", "\"\""},
      {"12", "\"\""},
  }};
  for (const auto& row : rows) {
    const char* const body = row[0];
    CAPTURE(body);
    FakeServer server;
    const http::Response answer = call(server, body);
    CHECK(answer.status == 200);
    CHECK(error_code(json::parse(answer.body)) == -32600);
    CHECK(answer.body.find(",\"id\":" + std::string(row[1]) + R"(,"jsonrpc":"2.0","result":null})") !=
          std::string::npos);
  }
}

TEST_CASE("dtm/json-rpc: what is no JSON -> -32700 and HTTP 400") {
  for (const char* body : {"", "no json", R"({"jsonrpc":"2.0","id":"x","method":)", R"([{"jsonrpc":"2.0"},)"}) {
    CAPTURE(body);
    FakeServer server;
    const http::Response answer = call(server, body);
    CHECK(answer.status == 400);
    CHECK(error_code(json::parse(answer.body)) == -32700);
    CHECK(answer.body.ends_with(R"(,"id":"","jsonrpc":"2.0","result":null})"));
  }
}

TEST_CASE("dtm/json-rpc: unknown methods, and those that are only there over HTTP -> -32601") {
  for (const char* method : {"nothing", "", "forceStop", "query", "registerTccBranch", "Submit", "json-rpc"}) {
    CAPTURE(method);
    FakeServer server;
    CHECK(error_code(json::parse(call(server, request(method, R"({"gid":"g"})")).body)) == -32601);
    CHECK(server.engine.asked.empty());
  }
}

TEST_CASE("dtm/json-rpc: ids -> echoed as they came, texts and whole numbers") {
  for (const char* id : {"\"a \\\"b\\\" \xC3\xA9\"", "7", "0", "-3", "9223372036854775808", "18446744073709551615"}) {
    CAPTURE(id);
    FakeServer server;
    CHECK(call(server, request("newGid", "", id)).body.find(",\"id\":" + std::string(id) + ",") != std::string::npos);
  }
}

TEST_CASE("dtm/json-rpc: names of the envelope in another case -> the same") {
  FakeServer server;
  CHECK(call(server, R"({"JsonRPC":"2.0","ID":"1","Method":"newGid"})").body.starts_with(R"({"error":null)"));
}

TEST_CASE("dtm/json-rpc: several at once -> each is answered, in order, whatever the others are") {
  FakeServer server;
  const http::Response answer =
      call(server, "[" + request("submit", R"({"gid":"a","trans_type":"saga"})", "1") + "," + request("nothing") +
                       ",null,[],7," + request("submit", R"({"gid":5})", "2") + "," +
                       request("submit", R"({"gid":"b","trans_type":"saga"})", "3") + "]");
  CHECK(answer.status == 200);
  const json::value answers = json::parse(answer.body);
  REQUIRE(answers.as_array().size() == 7);
  const std::array<std::int64_t, 7> codes{0, -32601, -32600, -32600, -32600, -32603, 0};
  for (std::size_t i = 0; i < codes.size(); ++i) {
    CAPTURE(i);
    CHECK(error_code(answers.as_array()[i]) == codes[i]);
  }
  CHECK(answers.as_array()[6].at("id").as_int64() == 3);
  CHECK(server.engine.asked == std::vector<std::string>{"submit a", "submit b"});
}

TEST_CASE("dtm/json-rpc: several at once, answered late and the wrong way round -> in order nevertheless") {
  FakeEngine engine;
  engine.holds_back = true;
  std::vector<std::string> answers;
  Api(engine, {})
      .handle({"POST", "/api/json-rpc",
               "[" + request("submit", R"({"gid":"a","trans_type":"saga"})", "1") + "," +
                   request("submit", R"({"gid":"b","trans_type":"saga"})", "2") + "]"},
              [&answers](http::Response response) { answers.push_back(std::move(response.body)); });
  REQUIRE(engine.held.size() == 2);
  engine.held[1](Done{});
  CHECK(answers.empty());
  engine.held[0](Error{Code::failure, "no FAILURE"});
  REQUIRE(answers.size() == 1);
  CHECK(answers[0] == R"([{"error":{"code":-32901,"message":"no FAILURE"},"id":1,"jsonrpc":"2.0","result":null},)"
                      R"({"error":null,"id":2,"jsonrpc":"2.0","result":null}])");
}

TEST_CASE("dtm/json-rpc: none at once, and too many -> one refusal, and nothing is asked") {
  FakeServer server;
  const http::Response none = call(server, "[]");
  CHECK(none.status == 200);
  CHECK(error_code(json::parse(none.body)) == -32600);
  const auto several = [](std::size_t count) {
    std::string body;
    for (std::size_t i = 0; i < count; ++i) body += (i > 0 ? "," : "[") + request("abort", R"({"gid":"g"})");
    return body + "]";
  };
  CHECK(error_code(json::parse(call(server, several(1'001)).body)) == -32600);
  CHECK(server.engine.asked.empty());
  CHECK(json::parse(call(server, several(1'000)).body).as_array().size() == 1'000);
  CHECK(server.engine.asked.size() == 1'000);
}

TEST_CASE("dtm/json-rpc: on a port of its own -> nothing else is there") {
  FakeEngine engine;
  const Api api(engine, {});
  const auto status_of = [&api](const char* method, const char* target, std::string body) {
    unsigned status = 0;
    api.handle_json_rpc_alone({method, target, std::move(body)},
                              [&status](http::Response response) { status = response.status; });
    return status;
  };
  CHECK(status_of("POST", "/api/json-rpc", request("newGid")) == 200);
  CHECK(status_of("POST", "/api/json-rpc?x=y", request("newGid")) == 200);
  CHECK(status_of("GET", "/api/json-rpc", "") == 404);
  CHECK(status_of("GET", "/api/ping", "") == 404);
  CHECK(status_of("POST", "/api/dtmsvr/submit", R"({"gid":"g","trans_type":"saga"})") == 404);
  CHECK(engine.asked.empty());
}

}  // namespace
}  // namespace settle::dtm
