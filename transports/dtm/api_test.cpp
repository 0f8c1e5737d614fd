#include "settle/dtm/api.hpp"

#include <doctest/doctest.h>

#include <array>

#include "transports/dtm/fake_engine.hpp"

namespace settle::dtm {
namespace {

constexpr const char* kSuccess = R"({"dtm_result":"SUCCESS"})";

struct Asked {
  const char* method;
  const char* target;
  const char* body;
  const char* asked;
  const char* answer = kSuccess;
};

template <std::size_t N>
void check_asked(const std::array<Asked, N>& rows) {
  for (const Asked& row : rows) {
    CAPTURE(row.target);
    CAPTURE(row.body);
    FakeServer server;
    const http::Response answer = server.ask(row.method, row.target, row.body);
    CHECK(answer.status == 200);
    CHECK(answer.body == row.answer);
    CHECK(server.engine.asked == std::vector<std::string>{row.asked});
  }
}

TEST_CASE("dtm/api: transactions -> what they ask of the engine") {
  check_asked(std::array{
      Asked{"POST", "/api/dtmsvr/submit", R"({"gid":"g","trans_type":"saga"})", "submit g"},
      Asked{"POST", "/api/dtmsvr/submit", R"({"gid":"g","trans_type":"tcc"})", "submit g"},
      Asked{"POST", "/api/dtmsvr/submit",
            R"({"gid":"g","trans_type":"workflow","req_extra":{"status":"succeed","result":"e30="}})",
            "finish_workflow g succeed  e30="},
      Asked{
          "POST", "/api/dtmsvr/submit",
          R"({"gid":"g","trans_type":"workflow","req_extra":{"status":"failed","rollback_reason":"no","result":null}})",
          "finish_workflow g failed no "},
      Asked{"POST", "/api/dtmsvr/prepare", R"({"gid":"g","trans_type":"xa"})", "prepare g"},
      Asked{"POST", "/api/dtmsvr/abort", R"({"gid":"g","trans_type":"saga","rollback_reason":"r"})", "abort g saga r"},
      Asked{"POST", "/api/dtmsvr/abort", R"({"gid":"g"})", "abort g - "},
      Asked{"POST", "/api/dtmsvr/forceStop", R"({"gid":"g"})", "force_stop g"},
      Asked{"POST", "/api/dtmsvr/resetNextCronTime", R"({"gid":"g"})", "make_due g"},
  });
}

TEST_CASE("dtm/api: registerBranch, under all its names -> a branch") {
  for (const char* name : {"registerBranch", "registerTccBranch", "registerXaBranch"}) {
    CAPTURE(name);
    FakeServer server;
    const std::string target = std::string("/api/dtmsvr/") + name;
    CHECK(server.ask("POST", target, R"({"gid":"g","trans_type":"tcc","branch_id":"01","confirm":"c"})").body ==
          kSuccess);
    CHECK(server.engine.asked == std::vector<std::string>{"register_branch g tcc prepared"});
    CHECK(server.engine.registration == Registration{.branch_id = "01", .url = "c"});
  }
}

TEST_CASE("dtm/api: listings and topics -> what they ask of the engine") {
  constexpr const char* kNone = R"({"next_position":"","transactions":[]})";
  constexpr const char* kNoValues = R"({"kv":[],"next_position":""})";
  constexpr const char* kMadeDue = R"({"has_remaining":true,"succeed_count":2})";
  check_asked(std::array{
      Asked{"GET", "/api/dtmsvr/resetCronTime", "", "make_all_due 105000 100", kMadeDue},
      Asked{"GET", "/api/dtmsvr/resetCronTime?timeout=4000&limit=7", "", "make_all_due 4000000 7", kMadeDue},
      Asked{"GET", "/api/dtmsvr/resetCronTime?timeout=-1&limit=-1", "", "make_all_due 0 1", kMadeDue},
      Asked{"GET", "/api/dtmsvr/query?gid=a%3Bb%0A", "", "query a;b\n", R"({"branches":[],"transaction":null})"},
      Asked{"GET", "/api/dtmsvr/query?x=%zz&gid=g", "", "query g", R"({"branches":[],"transaction":null})"},
      Asked{"GET", "/api/dtmsvr/all?gid=a%20b", "", "query a b", kNone},
      Asked{"GET", "/api/dtmsvr/all", "", "list  100", kNone},
      Asked{"GET", "/api/dtmsvr/all?position=p1&limit=10000&status=failed", "", "list p1 10000", kNone},
      Asked{"GET", "/api/dtmsvr/all?limit=0", "", "list  1", kNone},
      Asked{"GET", "/api/dtmsvr/all?limit=-9223372036854775809", "", "list  1", kNone},
      Asked{"GET", "/api/dtmsvr/all?limit=99999999999999999999", "", "list  10000", kNone},
      Asked{"GET", "/api/dtmsvr/subscribe?topic=t&url=http%3A%2F%2Fa&remark=r+1", "", "subscribe t http://a r 1"},
      Asked{"GET", "/api/dtmsvr/subscribe", "", "subscribe   "},
      Asked{"GET", "/api/dtmsvr/unsubscribe?topic=t&url=u", "", "unsubscribe t u"},
      Asked{"DELETE", "/api/dtmsvr/topic/a%20b%2Fc+d", "", "delete_topic a b/c+d"},
      Asked{"GET", "/api/dtmsvr/queryKV?cat=topics&key=t", "", "query_key_value topics t", R"({"kv":[]})"},
      Asked{"GET", "/api/dtmsvr/queryKV?cat=topics", "", "list_key_values topics  10000", R"({"kv":[]})"},
      Asked{"GET", "/api/dtmsvr/scanKV?cat=topics&position=p", "", "list_key_values topics p 100", kNoValues},
      Asked{"GET", "/api/dtmsvr/scanKV?limit=-5", "", "list_key_values   1", kNoValues},
  });
}

TEST_CASE("dtm/api: prepareWorkflow -> the transaction and its progress; it must be a workflow") {
  FakeServer server;
  const http::Response answer =
      server.ask("POST", "/api/dtmsvr/prepareWorkflow",
                 R"({"gid":"g","trans_type":"workflow","custom_data":"{\"name\":\"checkout\",\"data\":\"e30=\"}"})");
  CHECK(answer.status == 200);
  CHECK(answer.body.starts_with(R"({"progresses":[],"transaction":{"id":0,)"));
  CHECK(server.engine.asked == std::vector<std::string>{"prepare_workflow g checkout {}"});
  for (const char* custom_data : {"", R"(,"custom_data":"{}")"}) {
    CAPTURE(custom_data);
    const std::string body =
        R"({"gid":"g","trans_type":"workflow","query_prepared":"http://a/r")" + std::string(custom_data) + "}";
    CHECK(server.ask("POST", "/api/dtmsvr/prepareWorkflow", body).status == 200);
  }
  server.engine.answer = Error{Code::invalid, "trans_type: must be 'workflow'"};
  CHECK(server.ask("POST", "/api/dtmsvr/prepareWorkflow", R"({"gid":"g","trans_type":"tcc"})").status == 400);
}

TEST_CASE("dtm/api: a workflow that is submitted without a final status -> refused") {
  FakeServer server;
  for (const char* extra :
       {"", R"(,"req_extra":{})", R"(,"req_extra":{"status":"submitted"})", R"(,"req_extra":{"status":null})"}) {
    CAPTURE(extra);
    const http::Response refused =
        server.ask("POST", "/api/dtmsvr/submit", R"({"gid":"g","trans_type":"workflow")" + std::string(extra) + "}");
    CHECK(refused.status == 400);
    CHECK(refused.body.find("req_extra.status: must be succeed or failed") != std::string::npos);
  }
  CHECK(server.engine.asked.empty());
}

TEST_CASE("dtm/api: what needs no engine -> answered by itself") {
  FakeServer server;
  CHECK(server.ask("GET", "/api/dtmsvr/newGid").body == R"({"dtm_result":"SUCCESS","gid":"fresh"})");
  CHECK(server.ask("GET", "/api/dtmsvr/version").body == R"({"version":"1.2.3"})");
  for (const char* method : {"GET", "POST", "PUT", "DELETE", "OPTIONS"}) {
    CHECK(server.ask(method, "/api/ping", "anything").body == R"({"msg":"pong"})");
  }
  CHECK(server.engine.asked.empty());
}

TEST_CASE("dtm/api: metrics -> the text that is given, or 404 where none is") {
  FakeServer server;
  CHECK(server.ask("GET", "/api/metrics").status == 404);
  server.options.metrics = [] { return std::string("dtm_server_info 1\n"); };
  const http::Response answer = server.ask("GET", "/api/metrics");
  CHECK(answer.status == 200);
  CHECK(answer.content_type == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(answer.body == "dtm_server_info 1\n");
}

TEST_CASE("dtm/api: unknown paths and wrong methods -> 404 as text") {
  FakeServer server;
  const std::array<std::pair<const char*, const char*>, 14> requests{{{"GET", "/"},
                                                                      {"GET", ""},
                                                                      {"GET", "/api/dtmsvr/nothing"},
                                                                      {"GET", "/api/dtmsvr/submit"},
                                                                      {"PUT", "/api/dtmsvr/submit"},
                                                                      {"POST", "/api/dtmsvr/query"},
                                                                      {"GET", "/api/dtmsvr/submit/more"},
                                                                      {"get", "/api/dtmsvr/newGid"},
                                                                      {"DELETE", "/api/dtmsvr/topic"},
                                                                      {"DELETE", "/api/dtmsvr/topic/"},
                                                                      {"DELETE", "/api/dtmsvr/topic/a/b"},
                                                                      {"GET", "/api/dtmsvr/topic/a"},
                                                                      {"GET", "/api/json-rpc"},
                                                                      {"POST", "/api/test/clock"}}};
  for (const auto& request : requests) {
    CAPTURE(request.second);
    const http::Response answer = server.ask(request.first, request.second, R"({"advance_seconds":1})");
    CHECK(answer.status == 404);
    CHECK(answer.content_type == "text/plain");
    CHECK(answer.body == "404 page not found");
  }
  CHECK(server.engine.asked.empty());
}

TEST_CASE("dtm/api: malformed requests -> 400, and the engine is not asked") {
  FakeServer server;
  const std::array<std::array<const char*, 3>, 19> requests{{
      {"POST", "/api/dtmsvr/submit", "nonsense"},
      {"POST", "/api/dtmsvr/prepare", R"({"gid":""})"},
      {"POST", "/api/dtmsvr/prepareWorkflow", "nonsense"},
      {"POST", "/api/dtmsvr/prepareWorkflow", R"({"gid":"g"})"},
      {"POST", "/api/dtmsvr/registerBranch", "nonsense"},
      {"POST", "/api/dtmsvr/registerBranch", R"({"gid":"g","trans_type":"tcc","branch_id":1})"},
      {"POST", "/api/dtmsvr/registerTccBranch", R"({"gid":"g","trans_type":"saga"})"},
      {"POST", "/api/dtmsvr/abort", "[]"},
      {"POST", "/api/dtmsvr/forceStop", "{}"},
      {"POST", "/api/dtmsvr/resetNextCronTime", ""},
      {"GET", "/api/dtmsvr/query", ""},
      {"GET", "/api/dtmsvr/query?gid=", ""},
      {"GET", "/api/dtmsvr/query?gid=%zz", ""},
      {"GET", "/api/dtmsvr/all?limit=ten", ""},
      {"GET", "/api/dtmsvr/all?createTimeStart=yesterday", ""},
      {"GET", "/api/dtmsvr/all?createTimeEnd=1.5", ""},
      {"GET", "/api/dtmsvr/resetCronTime?timeout=1h", ""},
      {"GET", "/api/dtmsvr/scanKV?limit=ten", ""},
      {"DELETE", "/api/dtmsvr/topic/%zz", ""},
  }};
  for (const auto& request : requests) {
    CAPTURE(request[1]);
    const http::Response answer = server.ask(request[0], request[1], request[2]);
    CHECK(answer.status == 400);
    CHECK(answer.body.starts_with(R"({"message":")"));
  }
  CHECK(server.engine.asked.empty());
}

TEST_CASE("dtm/api: refusals of the engine -> their statuses") {
  FakeServer server;
  server.engine.answer = Error{Code::failure, "current status 'succeed', cannot sumbmit. FAILURE"};
  const http::Response refused = server.ask("POST", "/api/dtmsvr/submit", R"({"gid":"g","trans_type":"saga"})");
  CHECK(refused.status == 409);
  CHECK(refused.body == R"({"dtm_result":"FAILURE","message":"current status 'succeed', cannot sumbmit. FAILURE"})");
  server.engine.answer = Error{Code::conflict, "this url exists"};
  CHECK(server.ask("GET", "/api/dtmsvr/subscribe?topic=t&url=u").body == R"({"message":"this url exists"})");
  CHECK(server.ask("GET", "/api/dtmsvr/subscribe?topic=t&url=u").status == 500);
  server.engine.answer = Error{Code::invalid, "position: is not one of ours"};
  CHECK(server.ask("GET", "/api/dtmsvr/all?position=x").status == 400);
  CHECK(server.ask("GET", "/api/dtmsvr/scanKV?position=x").status == 400);
  server.engine.answer = Error{Code::unavailable, "stopping"};
  for (const char* target : {"query?gid=g", "all?gid=g", "queryKV?key=k", "queryKV"}) {
    CAPTURE(target);
    CHECK(server.ask("GET", std::string("/api/dtmsvr/") + target).status == 503);
  }
}

TEST_CASE(
    "dtm/api: a trans_type that does not exist -> abort refuses it, who goes by the gid alone does not look at it") {
  FakeServer server;
  const std::string body = R"({"gid":"g","trans_type":"sage"})";
  const http::Response refused = server.ask("POST", "/api/dtmsvr/abort", body);
  CHECK(refused.status == 400);
  CHECK(refused.body.find("trans_type: 'sage' is none of") != std::string::npos);
  CHECK(server.ask("POST", "/api/dtmsvr/forceStop", body).status == 200);
  CHECK(server.ask("POST", "/api/dtmsvr/resetNextCronTime", body).status == 200);
  CHECK(server.engine.asked == std::vector<std::string>{"force_stop g", "make_due g"});
}

TEST_CASE("dtm/api: key-values -> scanKV tells the newest first, queryKV of a whole category the oldest") {
  FakeServer server;
  server.engine.key_values = {{2, 0, 0, "topics", "newer", "[]", 1}, {1, 0, 0, "topics", "older", "[]", 1}};
  const std::string scanned = server.ask("GET", "/api/dtmsvr/scanKV?cat=topics").body;
  CHECK(scanned.find("newer") < scanned.find("older"));
  const std::string queried = server.ask("GET", "/api/dtmsvr/queryKV?cat=topics").body;
  CHECK(queried.find("older") < queried.find("newer"));
}

TEST_CASE("dtm/api: filters of all -> the scan's, and nothing for words that do not exist") {
  FakeServer server;
  server.ask("GET", "/api/dtmsvr/all?status=succeed&transType=msg&createTimeStart=5&createTimeEnd=9");
  CHECK(server.engine.filter.status == GlobalStatus::succeed);
  CHECK(server.engine.filter.type == TransType::msg);
  CHECK(server.engine.filter.create_time_ms_min == 5);
  CHECK(server.engine.filter.create_time_ms_max == 9);
  server.engine.asked.clear();
  for (const char* target : {"/api/dtmsvr/all?status=nonsense", "/api/dtmsvr/all?transType=message"}) {
    CHECK(server.ask("GET", target).body == R"({"next_position":"","transactions":[]})");
  }
  CHECK(server.engine.asked.empty());
}

TEST_CASE("dtm/api: the test clock -> moved, and answered when all has settled") {
  FakeServer server;
  TestClock clock;
  server.options.test_clock = &clock;
  const std::int64_t before_ms = clock.now().wall_ms;
  CHECK(server.ask("POST", "/api/test/clock", R"({"advance_seconds":1800})").body == kSuccess);
  CHECK(clock.now().wall_ms >= before_ms + 1'800'000);
  CHECK(server.engine.asked == std::vector<std::string>{"clock_advanced"});
  CHECK(server.ask("POST", "/api/test/clock", R"({"advance_seconds":-1})").status == 400);
  CHECK(server.ask("POST", "/api/test/clock", R"({"advance_seconds":"1"})").status == 400);
  CHECK(server.ask("POST", "/api/test/clock", "nonsense").status == 400);
  CHECK(server.ask("GET", "/api/test/clock").status == 404);
}

}  // namespace
}  // namespace settle::dtm
