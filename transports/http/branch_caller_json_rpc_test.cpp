#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "transports/http/test_participant.hpp"

namespace settle::http {
namespace {

BranchCall json_rpc_call(std::string url) {
  BranchCall call = call_of(std::move(url));
  call.protocol = Protocol::json_rpc;
  return call;
}

TEST_CASE("http/caller: JSON-RPC and a method in the url -> the url as it is, and the request in the body") {
  std::string request;
  const ScriptedParticipant participant({[&request](TestSocket& client) {
    request = client.receive_message();
    client.send(answer("200 OK", R"({"jsonrpc":"2.0","id":"1","result":{"ok":true}})"));
  }});
  CallerShard shard;
  BranchCall call = json_rpc_call(participant.url("/rpc?method=order&shop=5"));
  call.payload = R"({"n":1})";
  const BranchReply reply = shard.call(std::move(call));
  CHECK(reply.result == CallResult::success);
  CHECK(reply.text == R"({"jsonrpc":"2.0","id":"1","result":{"ok":true}})");
  CHECK(request.find("POST /rpc?method=order&shop=5 HTTP/1.1\r\n") == 0);
  CHECK(has(request, "\r\nContent-Type: application/json\r\n"));
  CHECK(has(request,
            "\r\n\r\n"
            R"({"jsonrpc":"2.0","id":"g-01-action","method":"order","params":{"n":1,"gid":"g",)"
            R"("trans_type":"saga","branch_id":"01","op":"action"}})"));
}

TEST_CASE("http/caller: JSON-RPC without a payload -> POST all the same; without a method -> an ordinary call") {
  std::string with_method;
  std::string without_method;
  const ScriptedParticipant participant({[&](TestSocket& client) {
    with_method = client.receive_message();
    client.send(answer("200 OK", "{}"));
    without_method = client.receive_message();
    client.send(answer("200 OK", "not JSON"));
  }});
  CallerShard shard;
  BranchCall call = json_rpc_call(participant.url("/rpc?method=order"));
  call.payload.clear();
  CHECK(shard.call(std::move(call)).result == CallResult::success);
  call = json_rpc_call(participant.url("/order"));
  call.payload.clear();
  CHECK(shard.call(std::move(call)).result == CallResult::success);
  CHECK(with_method.find("POST /rpc?method=order HTTP/1.1\r\n") == 0);
  CHECK(without_method.find("GET /order?branch_id=01&gid=g&op=action&trans_type=saga HTTP/1.1\r\n") == 0);
}

TEST_CASE("http/caller: answers of JSON-RPC -> judged as HTTP first, then by their code; the reason is told") {
  struct Row {
    std::string bytes;
    CallResult result;
    std::string text;
  };
  const std::string refused = R"({"error":{"code":-32901,"message":"no stock"}})";
  const std::string broken = R"({"error":{"code":-32603,"message":"broken"}})";
  const std::vector<Row> rows = {
      {answer("200 OK", refused), CallResult::failure, refused},
      {answer("200 OK", R"({"error":{"code":-32902}})"), CallResult::ongoing, R"({"error":{"code":-32902}})"},
      {answer("200 OK", broken), CallResult::unknown, "not a result of JSON-RPC: " + broken},
      {answer("200 OK", "<html>"), CallResult::unknown, "not a result of JSON-RPC: <html>"},
      {answer("500 Oops", refused), CallResult::unknown, "status 500: " + refused},
      {answer("404 Not Found", "none"), CallResult::unknown, "status 404: none"},
      {answer("500 Oops", "FAILURE"), CallResult::failure, "FAILURE"},
      {answer("200 OK", R"({"error":{"code":-32603,"message":"ONGOING"}})"), CallResult::ongoing,
       R"({"error":{"code":-32603,"message":"ONGOING"}})"},
      {answer("200 OK", R"({"result":"FAILURE"})"), CallResult::failure, R"({"result":"FAILURE"})"},
      {answer("409 Conflict", "{}"), CallResult::failure, "{}"},
      {answer("425 Too Early", "{}"), CallResult::ongoing, "{}"},
  };
  std::vector<ScriptedParticipant::Piece> script;
  script.reserve(rows.size());
  for (const Row& row : rows) {
    script.emplace_back([&row](TestSocket& client) {
      client.receive_message();
      client.send(row.bytes);
    });
  }
  const ScriptedParticipant participant(script);
  CallerShard shard;
  for (const Row& row : rows) {
    CAPTURE(row.bytes);
    const BranchReply reply = shard.call(json_rpc_call(participant.url("/rpc?method=order")));
    CHECK(reply.result == row.result);
    CHECK(reply.text == row.text);
  }
}

TEST_CASE("http/caller: a payload that JSON-RPC cannot carry -> unknown with the reason, nothing is sent") {
  std::string first_request;
  const ScriptedParticipant participant({[&first_request](TestSocket& client) {
    first_request = client.receive_message();
    client.send(answer("200 OK", "{}"));
  }});
  CallerShard shard;
  BranchCall call = json_rpc_call(participant.url("/rpc?method=bad"));
  call.payload = "[1,2]";
  const BranchReply reply = shard.call(std::move(call));
  CHECK(reply.result == CallResult::unknown);
  CHECK(has(reply.text, "is not a JSON object"));
  CHECK(shard.call(json_rpc_call(participant.url("/rpc?method=good"))).result == CallResult::success);
  CHECK(first_request.find("POST /rpc?method=good HTTP/1.1\r\n") == 0);
}

TEST_CASE("http/caller: a scheme in capitals -> called, over HTTP and JSON-RPC") {
  const ScriptedParticipant participant({[](TestSocket& client) {
    while (!client.receive_message().empty()) client.send(answer("200 OK", "{}"));
  }});
  CallerShard shard;
  const std::string host = "HTTP://127.0.0.1:" + std::to_string(participant.port());
  CHECK(shard.call(json_rpc_call(host + "/x")).result == CallResult::success);
  CHECK(shard.call(json_rpc_call(host + "/x?method=order")).result == CallResult::success);
}

}  // namespace
}  // namespace settle::http
