// What ApiOptions::request_ended is told.
#include <doctest/doctest.h>

#include "transports/dtm/fake_engine.hpp"

namespace settle::dtm {
namespace {

struct Listener {
  FakeServer server;
  std::vector<std::string> told;

  Listener() {
    server.options.request_ended = [this](std::string_view transport, std::string_view api, bool ok,
                                          std::int64_t duration_us) {
      CHECK(duration_us >= 0);
      told.push_back(std::string(transport) + " " + std::string(api) + (ok ? " ok" : " fail"));
    };
  }

  std::vector<std::string> ask(const char* method, const char* target, const char* body = "") {
    told.clear();
    server.ask(method, target, body);
    return told;
  }
};

using Told = std::vector<std::string>;

TEST_CASE("dtm/request ended: over HTTP -> the last part of the path in lower case, and whether it went well") {
  Listener listener;
  CHECK(listener.ask("GET", "/api/dtmsvr/newGid") == Told{"http newgid ok"});
  CHECK(listener.ask("GET", "/api/ping?x=/y") == Told{"http ping ok"});
  CHECK(listener.ask("POST", "/api/dtmsvr/registerTccBranch", R"({"gid":"g","trans_type":"tcc"})") ==
        Told{"http registertccbranch ok"});
  CHECK(listener.ask("DELETE", "/api/dtmsvr/topic/any-name") == Told{"http topic ok"});
  CHECK(listener.ask("GET", "/api/dtmsvr/query") == Told{"http query fail"});
  CHECK(listener.ask("POST", "/api/dtmsvr/submit", "nonsense") == Told{"http submit fail"});
  listener.server.engine.answer = Error{Code::failure, "FAILURE"};
  CHECK(listener.ask("POST", "/api/dtmsvr/forceStop", R"({"gid":"g"})") == Told{"http forcestop fail"});
}

TEST_CASE("dtm/request ended: unknown paths and methods -> one name for all of them") {
  Listener listener;
  CHECK(listener.ask("GET", "/api/dtmsvr/nothing") == Told{"http other fail"});
  CHECK(listener.ask("GET", "/api/dtmsvr/submit") == Told{"http other fail"});
  CHECK(listener.ask("DELETE", "/api/dtmsvr/topic/a/b") == Told{"http other fail"});
  CHECK(listener.ask("POST", "/api/json-rpc", R"({"jsonrpc":"2.0","id":"1","method":"nothing"})") ==
        Told{"json-rpc other fail"});
}

TEST_CASE("dtm/request ended: over JSON-RPC -> each request, under the name that it has over HTTP") {
  Listener listener;
  CHECK(listener.ask("POST", "/api/json-rpc", R"({"jsonrpc":"2.0","id":"1","method":"registerBranch",
        "params":{"gid":"g","trans_type":"tcc"}})") == Told{"json-rpc registerbranch ok"});
  CHECK(listener.ask("POST", "/api/json-rpc", "nonsense") == Told{"json-rpc other fail"});
  CHECK(listener.ask("POST", "/api/json-rpc", "[]") == Told{"json-rpc other fail"});
  CHECK(
      listener.ask("POST", "/api/json-rpc",
                   R"([{"jsonrpc":"2.0","id":"1","method":"newGid"},7,{"jsonrpc":"2.0","id":2,"method":"submit"}])") ==
      Told{"json-rpc newgid ok", "json-rpc other fail", "json-rpc submit fail"});
}

TEST_CASE("dtm/request ended: other paths on the port of JSON-RPC -> told as unknown ones") {
  Listener listener;
  Api(listener.server.engine, listener.server.options)
      .handle_json_rpc_alone({"GET", "/api/ping", ""}, [](http::Response) {});
  CHECK(listener.told == Told{"http other fail"});
}

TEST_CASE("dtm/request ended: an answer that comes when the API is gone -> told nevertheless") {
  for (const char* target : {"/api/dtmsvr/submit", "/api/json-rpc"}) {
    CAPTURE(target);
    FakeEngine engine;
    engine.holds_back = true;
    int told = 0;
    int answered = 0;
    ApiOptions options;
    options.request_ended = [&told](std::string_view, std::string_view, bool, std::int64_t) { ++told; };
    const std::string transaction = R"({"gid":"g","trans_type":"saga"})";
    Api(engine, std::move(options))
        .handle({"POST", target,
                 target == std::string("/api/json-rpc")
                     ? R"({"jsonrpc":"2.0","id":"1","method":"submit","params":)" + transaction + "}"
                     : transaction},
                [&answered](http::Response) { ++answered; });
    REQUIRE(engine.held.size() == 1);
    CHECK(told == 0);
    engine.held.front()(Done{});
    CHECK(told == 1);
    CHECK(answered == 1);
  }
}

}  // namespace
}  // namespace settle::dtm
