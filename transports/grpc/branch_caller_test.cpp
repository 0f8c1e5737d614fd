#include "settle/grpc/branch_caller.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "proto/workflow.pb.h"
#include "transports/grpc/test_participant.hpp"

namespace settle::rpc {
namespace {

using Headers = std::map<std::string, std::string>;

std::shared_ptr<const Headers> headers(Headers given) { return std::make_shared<const Headers>(std::move(given)); }

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// An address where nobody listens.
std::string closed_address() { return TestParticipant().address(); }

TEST_CASE("grpc/caller: a call -> the bytes as they are, with the metadata that participants expect") {
  const TestParticipant participant;
  TestShard shard;
  BranchCall call = grpc_call(participant.address() + "/shop.Order/createOrder");
  call.payload = std::string("\x00\xFF\x0A", 3);
  call.operation = "compensate";
  call.branch_id = "02";
  call.headers = headers({{"X-Tenant", "blue"}, {"authorization", "Bearer abc"}});
  CHECK(shard.call(std::move(call)).result == CallResult::success);
  REQUIRE(participant.count() == 1);
  const SeenCall seen = participant.calls().front();
  CHECK(seen.method == "/shop.Order/createOrder");
  CHECK(seen.message == std::string("\x00\xFF\x0A", 3));
  CHECK(seen["dtm-gid"] == "g");
  CHECK(seen["dtm-trans_type"] == "saga");
  CHECK(seen["dtm-branch_id"] == "02");
  CHECK(seen["dtm-op"] == "compensate");
  CHECK(seen["dtm-dtm"] == "");
  CHECK(seen["x-tenant"] == "blue");
  CHECK(seen["authorization"] == "Bearer abc");
}

TEST_CASE("grpc/caller: an empty payload -> an empty message; a long one -> whole") {
  const TestParticipant participant;
  TestShard shard;
  BranchCall call = grpc_call(participant.address() + "/a.B/C");
  call.payload.clear();
  CHECK(shard.call(call).result == CallResult::success);
  call.payload = std::string(5 << 20, 'p') + "end";
  CHECK(shard.call(call).result == CallResult::success);
  REQUIRE(participant.count() == 2);
  CHECK(participant.calls()[0].message.empty());
  CHECK(participant.calls()[1].message == call.payload);
}

TEST_CASE("grpc/caller: query_prepared of a workflow -> wrapped as WorkflowData; its branches are not") {
  const TestParticipant participant;
  TestShard shard;
  BranchCall call = grpc_call(participant.address() + "/workflow.Workflow/Execute");
  call.trans_type = TransType::workflow;
  call.branch_id = "00";
  call.operation = "checkout";
  call.payload = "cart 7";
  CHECK(shard.call(call).result == CallResult::success);
  const SeenCall seen = participant.calls().front();
  CHECK(seen["dtm-op"] == "checkout");
  workflow::WorkflowData data;
  REQUIRE(data.ParseFromString(seen.message));
  CHECK(data.data() == "cart 7");
}

TEST_CASE("grpc/caller: each status -> what it means, and a text that tells who said it") {
  struct Row {
    grpc::StatusCode code;
    const char* message;
    CallResult result;
    std::string text;  // {} stands for the address
  };
  for (const Row& row : {
           Row{grpc::StatusCode::ABORTED, "no stock", CallResult::failure, "no stock"},
           Row{grpc::StatusCode::ABORTED, "ONGOING", CallResult::ongoing, "ONGOING"},
           Row{grpc::StatusCode::ABORTED, "still ONGOING", CallResult::failure, "still ONGOING"},
           Row{grpc::StatusCode::FAILED_PRECONDITION, "not yet", CallResult::ongoing, "not yet"},
           Row{grpc::StatusCode::UNKNOWN, "FAILURE", CallResult::unknown, "UNKNOWN from {}: FAILURE"},
           Row{grpc::StatusCode::INTERNAL, "", CallResult::unknown, "INTERNAL from {}"},
           Row{grpc::StatusCode::UNAVAILABLE, "busy", CallResult::unknown, "UNAVAILABLE from {}: busy"},
           Row{grpc::StatusCode::CANCELLED, "c", CallResult::unknown, "CANCELLED from {}: c"},
           Row{grpc::StatusCode::UNIMPLEMENTED, "unknown method X", CallResult::unknown,
               "UNIMPLEMENTED from {}: unknown method X (the path must be the one that the generated stub invokes, "
               "/package.Service/Method, capitals as they are)"},
       }) {
    CAPTURE(row.code);
    const TestParticipant participant([&row](const SeenCall&) { return grpc::Status(row.code, row.message); });
    TestShard shard;
    const BranchReply reply = shard.call(grpc_call(participant.address() + "/a.B/C"));
    CHECK(reply.result == row.result);
    std::string expected = row.text;
    if (const auto at = expected.find("{}"); at != std::string::npos) expected.replace(at, 2, participant.address());
    CHECK(reply.text == expected);
  }
}

TEST_CASE("grpc/caller: no answer within the timeout -> unknown, and the late answer is nobody's") {
  TestParticipant participant;
  participant.hold();
  TestShard shard;
  BranchCall call = grpc_call(participant.address() + "/a.B/C");
  call.timeout_ms = 100;
  const BranchReply reply = shard.call(std::move(call));
  CHECK(reply.result == CallResult::unknown);
  CHECK(has(reply.text, "DEADLINE_EXCEEDED"));
  participant.release();
}

TEST_CASE("grpc/caller: nobody listens -> unknown; when the service is back -> found again") {
  TestShard shard;
  std::string address;
  int port = 0;
  {
    const TestParticipant participant;
    address = participant.address();
    port = participant.port();
    CHECK(shard.call(grpc_call(address + "/a.B/C")).result == CallResult::success);
  }
  const BranchReply gone = shard.call(grpc_call(address + "/a.B/C"));
  CHECK(gone.result == CallResult::unknown);
  CHECK(has(gone.text, address));
  const TestParticipant back({}, port);
  while (shard.call(grpc_call(address + "/a.B/C")).result != CallResult::success) {
  }
  CHECK(back.count() == 1);
}

TEST_CASE("grpc/caller: urls that cannot be called -> unknown with what they should look like, and no call") {
  TestShard shard;
  for (const char* const url : {"nonsense", "127.0.0.1:9/", "127.0.0.1:9/a.B", "127.0.0.1:9//C", "127.0.0.1:9/a.B/",
                                "/a.B/C", "ftp://x/y", "127.0.0.1:9/a.B/C D"}) {
    CAPTURE(url);
    const BranchReply reply = shard.call(grpc_call(url));
    CHECK(reply.result == CallResult::unknown);
    CHECK(has(reply.text, "host:port/package.Service/Method"));
  }
  const BranchReply no_registry = shard.call(grpc_call("etcd://127.0.0.1:2379/order/a.B/C"));
  CHECK(no_registry.result == CallResult::unknown);
  CHECK(has(no_registry.text, "MicroService.Driver"));
  const BranchReply no_port = shard.call(grpc_call("localhost/a.B/C"));
  CHECK(no_port.result == CallResult::unknown);
  CHECK(has(no_port.text, "host:port"));
}

TEST_CASE("grpc/caller: what gRPC cannot carry -> unknown with what it is, and no call") {
  const TestParticipant participant;
  TestShard shard;
  const std::string url = participant.address() + "/a.B/C";
  BranchCall gid = grpc_call(url);
  gid.gid = "g\xC3\xA4nger";
  const BranchReply reply = shard.call(gid);
  CHECK(reply.result == CallResult::unknown);
  CHECK(reply.text == "dtm-gid: gRPC can carry printable ASCII only, which 'g\xC3\xA4nger' is not");
  BranchCall operation = grpc_call(url);
  operation.operation = "\xE4\xB8\x8B\xE5\x8D\x95";
  CHECK(has(shard.call(operation).text, "dtm-op"));
  BranchCall value = grpc_call(url);
  value.headers = headers({{"tenant", "bl\xC3\xA4u"}});
  CHECK(has(shard.call(value).text, "tenant"));
  BranchCall no_binary = grpc_call(url);
  no_binary.headers = headers({{"-bin", "bl\xC3\xA4u"}});  // too short to be one
  CHECK(has(shard.call(no_binary).text, "-bin"));
  BranchCall name = grpc_call(url);
  name.headers = headers({{"ten ant", "blue"}});
  CHECK(has(shard.call(name).text, "ten ant"));
  CHECK(participant.count() == 0);
}

TEST_CASE("grpc/caller: headers that are the transport's own -> left out, the call is made") {
  const TestParticipant participant;
  TestShard shard;
  BranchCall call = grpc_call(participant.address() + "/a.B/C");
  call.headers = headers({{"Content-Type", "application/json"},
                          {"TE", "x"},
                          {"grpc-timeout", "1n"},
                          {"x", "1"},
                          {"grpclb_client_stats", "1"},
                          {"lb-token", "1"},
                          {"x-bin", "\xFF"}});
  CHECK(shard.call(std::move(call)).result == CallResult::success);
  CHECK(participant.calls().front()["x"] == "1");
  CHECK(participant.calls().front()["x-bin"] == "\xFF");
  CHECK(participant.calls().front()["content-type"] != "application/json");
}

TEST_CASE("grpc/caller: an answer beyond the limit -> unknown") {
  TestParticipant participant;
  participant.answer_with(2'000);
  TestShard shard(make_plain_resolver(), {.answer_bytes_max = 1'000});
  const BranchReply reply = shard.call(grpc_call(participant.address() + "/a.B/C"));
  CHECK(reply.result == CallResult::unknown);
  CHECK(has(reply.text, "RESOURCE_EXHAUSTED"));
}

TEST_CASE("grpc/caller: destroyed with calls out -> each ends as unknown, once") {
  TestParticipant participant;
  participant.hold();
  const auto resolver = std::make_shared<ScriptedResolver>();
  TestShard shard(resolver);
  resolver->tell("etcd://e/order", {{participant.address()}, ""});
  std::future<BranchReply> out = shard.start(grpc_call("etcd://e/order/a.B/C"));
  std::future<BranchReply> waiting = shard.start(grpc_call("etcd://e/unknown/a.B/C"));
  participant.wait_for_calls(1);
  shard.destroy_caller();
  CHECK(out.get().result == CallResult::unknown);
  CHECK(waiting.get().result == CallResult::unknown);
  CHECK(resolver->followings() == 0);
  participant.release();
}

TEST_CASE("grpc/caller: the gRPC codes that decide -> as protocol.md has them") {
  CHECK(classify(grpc::StatusCode::OK, "FAILURE") == CallResult::success);
  CHECK(classify(grpc::StatusCode::ABORTED, "") == CallResult::failure);
  CHECK(classify(grpc::StatusCode::ABORTED, "ONGOING") == CallResult::ongoing);
  CHECK(classify(grpc::StatusCode::FAILED_PRECONDITION, "") == CallResult::ongoing);
  for (const int code : {1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17, -1, 99}) {
    CAPTURE(code);
    CHECK(classify(code, "FAILURE ONGOING") == CallResult::unknown);
  }
}

TEST_CASE("grpc/caller: a participant that was stopped and started again -> called again, without a pause between") {
  auto participant = std::make_unique<TestParticipant>();
  const int port = participant->port();
  const std::string url = participant->address() + "/a.B/C";
  TestShard shard;
  CHECK(shard.call(grpc_call(url)).result == CallResult::success);
  participant.reset();
  for (int i = 0; i < 3; ++i) CHECK(shard.call(grpc_call(url)).result == CallResult::unknown);
  participant = std::make_unique<TestParticipant>(TestParticipant::AnswerCall(), port);
  int failures = 0;
  while (shard.call(grpc_call(url)).result != CallResult::success) REQUIRE(++failures < 4);
}

TEST_CASE("grpc/caller: destroyed, or out of time, while a call waits for a connection -> unknown") {
  const std::string url = closed_address() + "/a.B/C";
  TestShard shard;
  BranchCall hasty = grpc_call(url);
  hasty.timeout_ms = 90;
  CHECK(shard.call(std::move(hasty)).result == CallResult::unknown);
  std::future<BranchReply> waiting = shard.start(grpc_call(url));
  shard.destroy_caller();
  CHECK(waiting.get().result == CallResult::unknown);
}

// ---- several addresses ----------------------------------------------------------------------------------------------

TEST_CASE("grpc/caller: several addresses -> all are used") {
  const TestParticipant one;
  const TestParticipant two;
  const TestParticipant three;
  const auto resolver = std::make_shared<ScriptedResolver>();
  resolver->tell("etcd://e/order", {{one.address(), two.address(), three.address()}, ""});
  TestShard shard(resolver);
  std::size_t calls = 0;
  // Those that are not connected yet get nothing as long as another is.
  while (one.count() < 5 || two.count() < 5 || three.count() < 5) {
    REQUIRE(shard.call(grpc_call("etcd://e/order/a.B/C")).result == CallResult::success);
    ++calls;
  }
  CHECK(one.count() + two.count() + three.count() == calls);
}

TEST_CASE("grpc/caller: one of the addresses is dead -> every call succeeds at another") {
  const TestParticipant alive;
  const auto resolver = std::make_shared<ScriptedResolver>();
  resolver->tell("etcd://e/order", {{closed_address(), closed_address(), alive.address()}, ""});
  TestShard shard(resolver);
  for (int i = 0; i < 20; ++i) {
    const BranchReply reply = shard.call(grpc_call("etcd://e/order/a.B/C"));
    CAPTURE(reply.text);
    CHECK(reply.result == CallResult::success);
  }
  CHECK(alive.count() == 20);
}

TEST_CASE("grpc/caller: a service says UNAVAILABLE itself -> it was called, so nobody else is") {
  const auto busy = [](const SeenCall&) { return grpc::Status(grpc::StatusCode::UNAVAILABLE, "busy"); };
  const TestParticipant one(busy);
  const TestParticipant two(busy);
  const auto resolver = std::make_shared<ScriptedResolver>();
  resolver->tell("etcd://e/order", {{one.address(), two.address()}, ""});
  TestShard shard(resolver);
  for (std::size_t calls = 1; calls <= 4; ++calls) {
    const BranchReply reply = shard.call(grpc_call("etcd://e/order/a.B/C"));
    CHECK(reply.result == CallResult::unknown);
    CHECK(has(reply.text, ": busy"));
    CHECK(one.count() + two.count() == calls);
  }
}

TEST_CASE("grpc/caller: more targets than allowed -> unknown until one is let go") {
  const TestParticipant participant;
  const auto resolver = std::make_shared<ScriptedResolver>();
  resolver->tell("etcd://e/a", {{participant.address()}, ""});
  resolver->tell("etcd://e/b", {{participant.address()}, ""});
  TestShard keeping(resolver, {.targets_max = 1});
  CHECK(keeping.call(grpc_call("etcd://e/a/a.B/C")).result == CallResult::success);
  const BranchReply refused = keeping.call(grpc_call("etcd://e/b/a.B/C"));
  CHECK(refused.result == CallResult::unknown);
  CHECK(has(refused.text, "more than 1 targets"));
  TestShard forgetting(resolver, {.targets_max = 1, .target_idle_ms = 50});
  CHECK(forgetting.call(grpc_call("etcd://e/a/a.B/C")).result == CallResult::success);
  while (forgetting.call(grpc_call("etcd://e/b/a.B/C")).result != CallResult::success) std::this_thread::yield();
}

TEST_CASE("grpc/caller: an address is taken off the list -> no new call goes there, the call on it ends well") {
  TestParticipant leaving;
  const TestParticipant staying;
  const auto resolver = std::make_shared<ScriptedResolver>();
  resolver->tell("etcd://e/order", {{leaving.address()}, ""});
  TestShard shard(resolver);
  leaving.hold();
  std::future<BranchReply> in_flight = shard.start(grpc_call("etcd://e/order/a.B/C"));
  leaving.wait_for_calls(1);
  resolver->tell("etcd://e/order", {{staying.address()}, ""});
  for (int i = 0; i < 10; ++i) CHECK(shard.call(grpc_call("etcd://e/order/a.B/C")).result == CallResult::success);
  CHECK(staying.count() == 10);
  CHECK(leaving.count() == 1);
  leaving.release();
  CHECK(in_flight.get().result == CallResult::success);
}

TEST_CASE("grpc/caller: nobody is registered -> unknown with the reason; then somebody is -> called") {
  const TestParticipant participant;
  const auto resolver = std::make_shared<ScriptedResolver>();
  resolver->tell("etcd://e/order", {{}, "no service is registered under 'order'"});
  TestShard shard(resolver);
  const BranchReply nobody = shard.call(grpc_call("etcd://e/order/a.B/C"));
  CHECK(nobody.result == CallResult::unknown);
  CHECK(nobody.text == "no service is registered under 'order'");
  resolver->tell("etcd://e/order", {{participant.address()}, ""});
  CHECK(shard.call(grpc_call("etcd://e/order/a.B/C")).result == CallResult::success);
}

TEST_CASE("grpc/caller: the addresses are not known yet -> the call waits for them, but not beyond its timeout") {
  const TestParticipant participant;
  const auto resolver = std::make_shared<ScriptedResolver>();
  TestShard shard(resolver);
  std::future<BranchReply> patient = shard.start(grpc_call("etcd://e/order/a.B/C"));
  BranchCall call = grpc_call("etcd://e/order/a.B/C");
  call.timeout_ms = 50;
  const BranchReply impatient = shard.call(std::move(call));
  CHECK(impatient.result == CallResult::unknown);
  CHECK(has(impatient.text, "registry"));
  resolver->tell("etcd://e/order", {{participant.address()}, ""});
  CHECK(patient.get().result == CallResult::success);
  CHECK(participant.count() == 1);
}

TEST_CASE("grpc/caller: many urls of one target -> followed once; a target that nobody calls any more -> let go") {
  const TestParticipant participant;
  const auto resolver = std::make_shared<ScriptedResolver>();
  resolver->tell("etcd://e/order", {{participant.address()}, ""});
  TestShard shard(resolver, {.target_idle_ms = 20});
  for (int i = 0; i < 100; ++i) {
    CHECK(shard.call(grpc_call("etcd://e/order/a.B/C" + std::to_string(i))).result == CallResult::success);
    CHECK(resolver->followings() <= 1);
  }
  while (resolver->followings() > 0) std::this_thread::yield();
  CHECK(shard.call(grpc_call("etcd://e/order/a.B/C")).result == CallResult::success);
}

}  // namespace
}  // namespace settle::rpc
