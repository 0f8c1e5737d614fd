#include "settle/dtm/api.hpp"

#include <doctest/doctest.h>

#include <array>
#include <utility>
#include <vector>

namespace settle::dtm {
namespace {

// Writes down what is asked of it, and answers at once with what it was told.
class FakeEngine final : public Engine {
 public:
  std::vector<std::string> asked;
  Result<Done> answer = Done{};
  std::optional<StoredTransaction> found;
  ScanPage page;
  ScanFilter filter;
  Definition definition;

  void submit(Definition given, Completion<Done> completion) override {
    asked.push_back("submit " + given.gid);
    definition = std::move(given);
    completion(answer);
  }
  void prepare(Definition given, Completion<Done> completion) override {
    asked.push_back("prepare " + given.gid);
    completion(answer);
  }
  void abort(std::string gid, std::optional<TransType> type, std::string reason, Completion<Done> completion) override {
    asked.push_back("abort " + gid + " " + (type ? std::string(to_string(*type)) : "-") + " " + reason);
    completion(answer);
  }
  void force_stop(std::string gid, Completion<Done> completion) override {
    asked.push_back("force_stop " + gid);
    completion(answer);
  }
  void make_due(std::string gid, Completion<Done> completion) override {
    asked.push_back("make_due " + gid);
    completion(answer);
  }
  void make_all_due(std::int64_t later_than_ms, std::size_t limit, Completion<MadeDue> completion) override {
    asked.push_back("make_all_due " + std::to_string(later_than_ms) + " " + std::to_string(limit));
    completion(MadeDue{2, true});
  }
  void query(std::string gid, Completion<std::optional<StoredTransaction>> completion) override {
    asked.push_back("query " + gid);
    if (!answer) return completion(answer.error());
    completion(found);
  }
  void list(ScanFilter given, std::string position, std::size_t limit, Completion<ScanPage> completion) override {
    asked.push_back("list " + position + " " + std::to_string(limit));
    filter = given;
    if (!answer) return completion(answer.error());
    completion(page);
  }
  void wait(std::string, Completion<GlobalStatus>) override {}
  void watch(std::string, UniqueFunction<void(Result<GlobalStatus>)>) override {}
  std::string new_gid() override { return "fresh"; }
  void clock_advanced(UniqueFunction<void()> settled) override {
    asked.emplace_back("clock_advanced");
    settled();
  }
  void stop(std::int64_t, UniqueFunction<void()>) override {}
  EngineStatistics statistics() const override { return {}; }
};

struct Server {
  FakeEngine engine;
  ApiOptions options{.version = "1.2.3"};

  http::Response ask(const char* method, const char* target, std::string body = "") {
    http::Response response;
    int answers = 0;
    Api(engine, options).handle({method, target, std::move(body)}, [&](http::Response given) {
      response = std::move(given);
      ++answers;
    });
    CHECK(answers == 1);
    return response;
  }
};

TEST_CASE("dtm/api: requests -> what they ask of the engine") {
  struct Row {
    const char* method;
    const char* target;
    const char* body;
    const char* asked;
    const char* answer;
  };
  constexpr const char* kSuccess = R"({"dtm_result":"SUCCESS"})";
  const std::array rows{
      Row{"POST", "/api/dtmsvr/submit", R"({"gid":"g","trans_type":"saga"})", "submit g", kSuccess},
      Row{"POST", "/api/dtmsvr/prepare", R"({"gid":"g","trans_type":"saga"})", "prepare g", kSuccess},
      Row{"POST", "/api/dtmsvr/abort", R"({"gid":"g","trans_type":"saga","rollback_reason":"r"})", "abort g saga r",
          kSuccess},
      Row{"POST", "/api/dtmsvr/abort", R"({"gid":"g"})", "abort g - ", kSuccess},
      Row{"POST", "/api/dtmsvr/forceStop", R"({"gid":"g"})", "force_stop g", kSuccess},
      Row{"POST", "/api/dtmsvr/resetNextCronTime", R"({"gid":"g"})", "make_due g", kSuccess},
      Row{"GET", "/api/dtmsvr/resetCronTime", "", "make_all_due 105000 100",
          R"({"has_remaining":true,"succeed_count":2})"},
      Row{"GET", "/api/dtmsvr/resetCronTime?timeout=4000&limit=7", "", "make_all_due 4000000 7",
          R"({"has_remaining":true,"succeed_count":2})"},
      Row{"GET", "/api/dtmsvr/query?gid=a%3Bb%0A", "", "query a;b\n", R"({"branches":[],"transaction":null})"},
      Row{"GET", "/api/dtmsvr/all?gid=a%20b", "", "query a b", R"({"next_position":"","transactions":[]})"},
      Row{"GET", "/api/dtmsvr/all", "", "list  100", R"({"next_position":"","transactions":[]})"},
      Row{"GET", "/api/dtmsvr/all?position=p1&limit=10000&status=failed", "", "list p1 10000",
          R"({"next_position":"","transactions":[]})"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.target);
    Server server;
    const http::Response answer = server.ask(row.method, row.target, row.body);
    CHECK(answer.status == 200);
    CHECK(answer.body == row.answer);
    CHECK(server.engine.asked == std::vector<std::string>{row.asked});
  }
}

TEST_CASE("dtm/api: what needs no engine -> answered by itself") {
  Server server;
  CHECK(server.ask("GET", "/api/dtmsvr/newGid").body == R"({"dtm_result":"SUCCESS","gid":"fresh"})");
  CHECK(server.ask("GET", "/api/dtmsvr/version").body == R"({"version":"1.2.3"})");
  for (const char* method : {"GET", "POST", "PUT", "DELETE", "OPTIONS"}) {
    CHECK(server.ask(method, "/api/ping", "anything").body == R"({"msg":"pong"})");
  }
}

TEST_CASE("dtm/api: unknown paths and wrong methods -> 404 as text") {
  Server server;
  const std::array<std::pair<const char*, const char*>, 9> requests{{{"GET", "/"},
                                                                     {"GET", ""},
                                                                     {"GET", "/api/dtmsvr/nothing"},
                                                                     {"GET", "/api/dtmsvr/submit"},
                                                                     {"PUT", "/api/dtmsvr/submit"},
                                                                     {"POST", "/api/dtmsvr/query"},
                                                                     {"GET", "/api/dtmsvr/submit/more"},
                                                                     {"get", "/api/dtmsvr/newGid"},
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
  Server server;
  const std::array<std::array<const char*, 3>, 13> requests{{
      {"POST", "/api/dtmsvr/submit", "nonsense"},
      {"POST", "/api/dtmsvr/prepare", R"({"gid":""})"},
      {"POST", "/api/dtmsvr/abort", "[]"},
      {"POST", "/api/dtmsvr/forceStop", "{}"},
      {"POST", "/api/dtmsvr/resetNextCronTime", ""},
      {"GET", "/api/dtmsvr/query", ""},
      {"GET", "/api/dtmsvr/query?gid=", ""},
      {"GET", "/api/dtmsvr/query?gid=%zz", ""},
      {"GET", "/api/dtmsvr/all?limit=0", ""},
      {"GET", "/api/dtmsvr/all?limit=10001", ""},
      {"GET", "/api/dtmsvr/all?createTimeStart=yesterday", ""},
      {"GET", "/api/dtmsvr/all?createTimeEnd=1.5", ""},
      {"GET", "/api/dtmsvr/resetCronTime?timeout=-1", ""},
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
  Server server;
  server.engine.answer = Error{Code::failure, "current status 'succeed', cannot sumbmit. FAILURE"};
  const http::Response refused = server.ask("POST", "/api/dtmsvr/submit", R"({"gid":"g","trans_type":"saga"})");
  CHECK(refused.status == 409);
  CHECK(refused.body == R"({"dtm_result":"FAILURE","message":"current status 'succeed', cannot sumbmit. FAILURE"})");
  server.engine.answer = Error{Code::invalid, "position: is not one of ours"};
  CHECK(server.ask("GET", "/api/dtmsvr/all?position=x").status == 400);
  server.engine.answer = Error{Code::unavailable, "stopping"};
  CHECK(server.ask("GET", "/api/dtmsvr/query?gid=g").status == 503);
  CHECK(server.ask("GET", "/api/dtmsvr/all?gid=g").status == 503);
}

TEST_CASE("dtm/api: filters of all -> the scan's, and nothing for words that do not exist") {
  Server server;
  server.ask("GET", "/api/dtmsvr/all?status=succeed&transType=saga&createTimeStart=5&createTimeEnd=9");
  CHECK(server.engine.filter.status == GlobalStatus::succeed);
  CHECK(server.engine.filter.type == TransType::saga);
  CHECK(server.engine.filter.create_time_ms_min == 5);
  CHECK(server.engine.filter.create_time_ms_max == 9);
  server.engine.asked.clear();
  for (const char* target : {"/api/dtmsvr/all?status=nonsense", "/api/dtmsvr/all?transType=msg"}) {
    CHECK(server.ask("GET", target).body == R"({"next_position":"","transactions":[]})");
  }
  CHECK(server.engine.asked.empty());
}

TEST_CASE("dtm/api: the test clock -> moved, and answered when all has settled") {
  Server server;
  TestClock clock;
  server.options.test_clock = &clock;
  const std::int64_t before_ms = clock.now().wall_ms;
  const http::Response answer = server.ask("POST", "/api/test/clock", R"({"advance_seconds":1800})");
  CHECK(answer.body == R"({"dtm_result":"SUCCESS"})");
  CHECK(clock.now().wall_ms >= before_ms + 1'800'000);
  CHECK(server.engine.asked == std::vector<std::string>{"clock_advanced"});
  CHECK(server.ask("POST", "/api/test/clock", R"({"advance_seconds":-1})").status == 400);
  CHECK(server.ask("POST", "/api/test/clock", R"({"advance_seconds":"1"})").status == 400);
  CHECK(server.ask("GET", "/api/test/clock").status == 404);
}

}  // namespace
}  // namespace settle::dtm
