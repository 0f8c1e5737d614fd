#include "settle/grpc/server.hpp"

#include <doctest/doctest.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>

#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "proto/dtm.grpc.pb.h"
#include "proto/reflection_v1.grpc.pb.h"
#include "transports/dtm/fake_engine.hpp"

namespace settle::rpc {
namespace {

using dtmgimp::DtmBranchRequest;
using dtmgimp::DtmRequest;
using google::protobuf::Empty;

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Keeps the answer to a submit back until a test gives it.
class HoldingEngine final : public dtm::FakeEngine {
 public:
  void submit(Definition, Completion<Done> completion) override { held_.set_value(std::move(completion)); }
  // Waits for the submit.
  void answer_with(Result<Done> result) { held_.get_future().get()(std::move(result)); }

 private:
  std::promise<Completion<Done>> held_;
};

// A server in front of an engine that is told what to answer, and a client.
template <class FakeEngine = dtm::FakeEngine>
class Served {
 public:
  explicit Served(ServerOptions options = {}) {
    options.address = "127.0.0.1";
    options.request_ended = [this](std::string_view api, bool ok, std::int64_t) {
      const std::lock_guard lock(mutex_);
      ended_.push_back(std::string(api) + (ok ? " ok" : " fail"));
      told_.notify_all();
    };
    auto listening = Server::listen(engine, std::move(options));
    REQUIRE(listening);
    server = std::move(listening).value();
    channel = grpc::CreateChannel("127.0.0.1:" + std::to_string(server->port()), grpc::InsecureChannelCredentials());
    stub = dtmgimp::Dtm::NewStub(channel);
  }

  template <class Request, class Reply = Empty>
  grpc::Status ask(grpc::Status (dtmgimp::Dtm::Stub::*method)(grpc::ClientContext*, const Request&, Reply*),
                   const Request& request, Reply* reply = nullptr) {
    grpc::ClientContext context;
    Reply ignored;
    return (*stub.*method)(&context, request, reply != nullptr ? reply : &ignored);
  }

  // Any bytes to any method.
  grpc::Status ask_raw(const std::string& method, const std::string& bytes) {
    grpc::GenericStub generic(channel);
    grpc::ClientContext context;
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    std::promise<grpc::Status> answered;
    generic.UnaryCall(&context, method, {}, &request, &response,
                      [&answered](grpc::Status status) { answered.set_value(std::move(status)); });
    return answered.get_future().get();
  }

  // What was told of so many requests, which is told behind their answers.
  std::vector<std::string> ended(std::size_t count) {
    std::unique_lock lock(mutex_);
    told_.wait(lock, [&] { return ended_.size() >= count; });
    return ended_;
  }

  FakeEngine engine;
  std::unique_ptr<Server> server;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<dtmgimp::Dtm::Stub> stub;

 private:
  std::mutex mutex_;
  std::condition_variable told_;
  std::vector<std::string> ended_;
};

DtmRequest saga() {
  DtmRequest request;
  request.set_gid("g");
  request.set_transtype("saga");
  request.set_steps(R"([{"action":"h:1/a.B/Do","compensate":"h:1/a.B/Undo"},{"action":"http://h/do"}])");
  request.add_binpayloads("one");
  request.add_binpayloads(std::string("\x00\xFF", 2));
  return request;
}

TEST_CASE("grpc/server: Submit -> the engine gets every field") {
  Served<> served;
  DtmRequest request = saga();
  request.set_customeddata(R"({"concurrent":true,"orders":{"1":[0]}})");
  request.set_queryprepared("h:1/a.B/Query");
  auto& options = *request.mutable_transoptions();
  options.set_waitresult(true);
  options.set_timeouttofail(1);
  options.set_retryinterval(2);
  options.set_requesttimeout(3);
  options.set_retrylimit(4);
  (*options.mutable_branchheaders())["x-tenant"] = "blue";
  CHECK(served.ask(&dtmgimp::Dtm::Stub::Submit, request).ok());
  Definition expected;
  expected.gid = "g";
  expected.protocol = Protocol::grpc;
  expected.options = {true, 1, 3, 2, 4, {{"x-tenant", "blue"}}, false};
  expected.custom_data = R"({"concurrent":true,"orders":{"1":[0]}})";
  expected.query_prepared = "h:1/a.B/Query";
  expected.concurrent = true;
  expected.orders = {{1, {0}}};
  append_saga_steps(expected, {{"h:1/a.B/Do", "h:1/a.B/Undo", "one"}, {"http://h/do", "", std::string("\x00\xFF", 2)}});
  CHECK(served.engine.definition == expected);
  CHECK(served.engine.asked == std::vector<std::string>{"submit g"});
  CHECK(served.ended(1) == std::vector<std::string>{"submit ok"});
}

TEST_CASE("grpc/server: every other method -> the engine is asked for the same as over HTTP") {
  Served<> served;
  dtmgimp::DtmGidReply gid;
  CHECK(served.ask(&dtmgimp::Dtm::Stub::NewGid, Empty(), &gid).ok());
  CHECK(gid.gid() == "fresh");
  DtmRequest tcc;
  tcc.set_gid("t;1");
  tcc.set_transtype("tcc");
  tcc.set_steps("null");
  tcc.set_rollbackreason("no money");
  CHECK(served.ask(&dtmgimp::Dtm::Stub::Prepare, tcc).ok());
  CHECK(served.ask(&dtmgimp::Dtm::Stub::Abort, tcc).ok());
  DtmRequest workflow;
  workflow.set_gid("w");
  workflow.set_transtype("workflow");
  workflow.set_customeddata(R"({"name":"checkout","data":"Y2FydCA3"})");
  workflow.set_queryprepared("h:1/workflow.Workflow/Execute");
  dtmgimp::DtmProgressesReply progresses;
  CHECK(served.ask(&dtmgimp::Dtm::Stub::PrepareWorkflow, workflow, &progresses).ok());
  CHECK(progresses.transaction().gid() == "w");
  CHECK(progresses.transaction().status() == "prepared");
  (*workflow.mutable_reqextra())["status"] = "failed";
  (*workflow.mutable_reqextra())["rollback_reason"] = "no";
  (*workflow.mutable_reqextra())["result"] = "cg==";
  CHECK(served.ask(&dtmgimp::Dtm::Stub::Submit, workflow).ok());
  dtmgimp::DtmTopicRequest topic;
  topic.set_topic("orders");
  topic.set_url("h:1/a.B/C");
  topic.set_remark("r");
  CHECK(served.ask(&dtmgimp::Dtm::Stub::Subscribe, topic).ok());
  CHECK(served.ask(&dtmgimp::Dtm::Stub::Unsubscribe, topic).ok());
  CHECK(served.ask(&dtmgimp::Dtm::Stub::DeleteTopic, topic).ok());
  CHECK(served.engine.asked ==
        std::vector<std::string>{"prepare t;1", "abort t;1 tcc no money", "prepare_workflow w checkout cart 7",
                                 "finish_workflow w failed no cg==", "subscribe orders h:1/a.B/C r",
                                 "unsubscribe orders h:1/a.B/C", "delete_topic orders"});
}

TEST_CASE("grpc/server: RegisterBranch of each type -> urls, payload, operation and status from their places") {
  Served<> served;
  DtmBranchRequest branch;
  branch.set_gid("g");
  branch.set_transtype("tcc");
  branch.set_branchid("01");
  branch.set_busipayload("one");
  (*branch.mutable_data())["confirm"] = "h:1/a.B/Confirm";
  (*branch.mutable_data())["cancel"] = "h:1/a.B/Cancel";
  CHECK(served.ask(&dtmgimp::Dtm::Stub::RegisterBranch, branch).ok());
  CHECK(served.engine.registration == Registration{"01", "one", "h:1/a.B/Confirm", "h:1/a.B/Cancel", ""});
  branch.set_transtype("xa");
  (*branch.mutable_data())["url"] = "h:1/a.B/Xa";
  CHECK(served.ask(&dtmgimp::Dtm::Stub::RegisterBranch, branch).ok());
  CHECK(served.engine.registration == Registration{"01", "one", "h:1/a.B/Xa", "", ""});
  branch.set_transtype("workflow");
  branch.set_op("action");
  (*branch.mutable_data())["status"] = "failed";
  CHECK(served.ask(&dtmgimp::Dtm::Stub::RegisterBranch, branch).ok());
  CHECK(served.engine.registration == Registration{"01", "one", "", "", "action"});
  CHECK(served.engine.asked.back() == "register_branch g workflow failed");
}

TEST_CASE("grpc/server: PrepareWorkflow of one that is known -> its progress, its reason and its result") {
  class Known final : public dtm::FakeEngine {
   public:
    StoredTransaction known;
    void prepare_workflow(Definition, Completion<StoredTransaction> completion) override { completion(known); }
  };
  Known engine;
  Definition definition;
  definition.gid = "w";
  definition.type = TransType::workflow;
  engine.known.definition = std::make_shared<const Definition>(definition);
  engine.known.registrations = {{"01", std::string("p\x00", 2), "", "", "action"}, {"02", "", "", "", "rollback"}};
  engine.known.branches = {{BranchStatus::succeed}, {BranchStatus::failed}};
  engine.known.state.status = GlobalStatus::failed;
  engine.known.state.rollback_reason = "no stock";
  engine.known.state.result = "cg==";
  auto server = Server::listen(engine, {.address = "127.0.0.1"});
  REQUIRE(server);
  const auto stub = dtmgimp::Dtm::NewStub(
      grpc::CreateChannel("127.0.0.1:" + std::to_string(server.value()->port()), grpc::InsecureChannelCredentials()));
  DtmRequest request;
  request.set_gid("w");
  request.set_transtype("workflow");
  dtmgimp::DtmProgressesReply reply;
  grpc::ClientContext context;
  REQUIRE(stub->PrepareWorkflow(&context, request, &reply).ok());
  CHECK(reply.transaction().status() == "failed");
  CHECK(reply.transaction().rollbackreason() == "no stock");
  CHECK(reply.transaction().result() == "cg==");
  REQUIRE(reply.progresses_size() == 2);
  CHECK(reply.progresses(0).status() == "succeed");
  CHECK(reply.progresses(0).bindata() == std::string("p\x00", 2));
  CHECK(reply.progresses(0).branchid() == "01");
  CHECK(reply.progresses(0).op() == "action");
  CHECK(reply.progresses(1).status() == "failed");
  CHECK(reply.progresses(1).op() == "rollback");
}

TEST_CASE("grpc/server: each refusal of the engine -> its status, with the same words as over HTTP") {
  struct Row {
    Code code;
    grpc::StatusCode status;
  };
  for (const Row& row :
       {Row{Code::failure, grpc::StatusCode::ABORTED}, Row{Code::ongoing, grpc::StatusCode::FAILED_PRECONDITION},
        Row{Code::invalid, grpc::StatusCode::INVALID_ARGUMENT}, Row{Code::not_found, grpc::StatusCode::INTERNAL},
        Row{Code::conflict, grpc::StatusCode::INTERNAL}, Row{Code::overloaded, grpc::StatusCode::RESOURCE_EXHAUSTED},
        Row{Code::unavailable, grpc::StatusCode::UNAVAILABLE}, Row{Code::internal, grpc::StatusCode::INTERNAL}}) {
    CAPTURE(row.status);
    Served<> served;
    served.engine.answer = Error{row.code, "why: \xC3\xA4"};
    const grpc::Status status = served.ask(&dtmgimp::Dtm::Stub::Submit, saga());
    CHECK(status.error_code() == row.status);
    CHECK(status.error_message() == "why: \xC3\xA4");
    CHECK(served.ended(1) == std::vector<std::string>{"submit fail"});
  }
}

TEST_CASE("grpc/server: a message that would not fit the headers -> shortened, with its status") {
  Served<> served;
  served.engine.answer = Error{Code::failure, std::string(20'000, 'x')};
  const grpc::Status status = served.ask(&dtmgimp::Dtm::Stub::Submit, saga());
  CHECK(status.error_code() == grpc::StatusCode::ABORTED);
  CHECK(has(status.error_message(), "shortened"));
}

TEST_CASE("grpc/server: what metadata cannot carry -> taken all the same, for branches over HTTP can be told it") {
  Served<> served;
  DtmRequest request = saga();
  request.set_gid("g \xC3\xA4;\n");
  auto& headers = *request.mutable_transoptions()->mutable_branchheaders();
  headers["x!"] = "\xC3\xA4\t";
  CHECK(served.ask(&dtmgimp::Dtm::Stub::Submit, request).ok());
  CHECK(served.engine.definition.gid == "g \xC3\xA4;\n");
  CHECK(served.engine.definition.options.branch_headers.at("x!") == "\xC3\xA4\t");
  request.set_transtype("workflow");
  request.set_customeddata(R"({"name":"\u00e4","data":"e30="})");
  dtmgimp::DtmProgressesReply progresses;
  CHECK(served.ask(&dtmgimp::Dtm::Stub::PrepareWorkflow, request, &progresses).ok());
  DtmBranchRequest branch;
  branch.set_gid("g \xC3\xA4");
  branch.set_transtype("tcc");
  branch.set_branchid("\xC3\xA4");
  CHECK(served.ask(&dtmgimp::Dtm::Stub::RegisterBranch, branch).ok());
  CHECK(served.engine.registration.branch_id == "\xC3\xA4");
}

TEST_CASE("grpc/server: requests that are malformed -> INVALID_ARGUMENT that names what is wrong, nothing is asked") {
  struct Row {
    const char* about;
    void (*change)(DtmRequest& request);
    const char* says;
  };
  for (const Row& row : {
           Row{"no gid", [](DtmRequest& request) { request.clear_gid(); }, "no gid specified"},
           Row{"no type", [](DtmRequest& request) { request.clear_transtype(); }, "trans_type: is missing"},
           Row{"an unknown type", [](DtmRequest& request) { request.set_transtype("nothing"); }, "'nothing'"},
           Row{"steps that are no JSON", [](DtmRequest& request) { request.set_steps("no json"); }, "Steps"},
           Row{"steps that are no array", [](DtmRequest& request) { request.set_steps("{}"); }, "must be a JSON array"},
           Row{"a step that is no object", [](DtmRequest& request) { request.set_steps("[1]"); }, "steps[0]"},
           Row{"too few payloads", [](DtmRequest& request) { request.mutable_binpayloads()->RemoveLast(); },
               "BinPayloads: there must be one for each step, but there are 1 for 2 steps"},
           Row{"too many payloads", [](DtmRequest& request) { request.add_binpayloads("x"); },
               "there are 3 for 2 steps"},
           Row{"custom data that is no JSON", [](DtmRequest& request) { request.set_customeddata("{"); },
               "custom_data"},
           Row{"a header whose name none can have",
               [](DtmRequest& request) { (*request.mutable_transoptions()->mutable_branchheaders())["x y"] = "a"; },
               "branch_headers.x y"},
           Row{"a header that ends its line",
               [](DtmRequest& request) { (*request.mutable_transoptions()->mutable_branchheaders())["x"] = "a\r\nb"; },
               "branch_headers.x"},
       }) {
    CAPTURE(row.about);
    Served<> served;
    DtmRequest request = saga();
    row.change(request);
    const grpc::Status status = served.ask(&dtmgimp::Dtm::Stub::Submit, request);
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CAPTURE(status.error_message());
    CHECK(has(status.error_message(), row.says));
    CHECK(served.engine.asked.empty());
  }
}

TEST_CASE("grpc/server: branches that are malformed -> INVALID_ARGUMENT, nothing is asked") {
  Served<> served;
  DtmBranchRequest branch;
  branch.set_transtype("saga");
  CHECK(has(served.ask(&dtmgimp::Dtm::Stub::RegisterBranch, branch).error_message(), "unknow trans type: saga"));
  branch.set_transtype("tcc");
  CHECK(has(served.ask(&dtmgimp::Dtm::Stub::RegisterBranch, branch).error_message(), "no gid"));
  branch.set_gid("g");
  branch.set_branchid("01");
  branch.set_transtype("workflow");
  (*branch.mutable_data())["status"] = "fine";
  const grpc::Status status = served.ask(&dtmgimp::Dtm::Stub::RegisterBranch, branch);
  CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(has(status.error_message(), "status: must be prepared, succeed or failed, is 'fine'"));
  CHECK(served.engine.asked.empty());
}

TEST_CASE("grpc/server: bytes that are no message -> INVALID_ARGUMENT that says which message is meant") {
  Served<> served;
  for (const char* const method : {"Submit", "Prepare", "Abort", "PrepareWorkflow"}) {
    const grpc::Status status = served.ask_raw("/dtmgimp.Dtm/" + std::string(method), "\xFF\xFF\xFF");
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CHECK(has(status.error_message(), "dtmgimp.DtmRequest"));
  }
  // A text that is not UTF-8: field 1 with the byte 0xFF.
  CHECK(served.ask_raw("/dtmgimp.Dtm/Submit", "\x0A\x01\xFF").error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(has(served.ask_raw("/dtmgimp.Dtm/RegisterBranch", "\xFF").error_message(), "dtmgimp.DtmBranchRequest"));
  CHECK(has(served.ask_raw("/dtmgimp.Dtm/Subscribe", "\xFF").error_message(), "dtmgimp.DtmTopicRequest"));
  CHECK(served.engine.asked.empty());
}

TEST_CASE("grpc/server: a method that does not exist -> UNIMPLEMENTED that names those that do") {
  Served<> served;
  for (const char* const method : {"/dtmgimp.Dtm/submit", "/dtmgimp.Dtm/Nothing", "/a.B/C"}) {
    const grpc::Status status = served.ask_raw(method, "");
    CHECK(status.error_code() == grpc::StatusCode::UNIMPLEMENTED);
    CHECK(has(status.error_message(), method));
    CHECK(has(status.error_message(), "Submit"));
  }
  CHECK(served.ended(3) == std::vector<std::string>{"other fail", "other fail", "other fail"});
}

TEST_CASE("grpc/server: a message beyond the limit -> RESOURCE_EXHAUSTED, the next one is taken") {
  Served<> served({.message_bytes_max = 10'000});
  DtmRequest request = saga();
  request.set_binpayloads(0, std::string(10'000, 'p'));
  const grpc::Status status = served.ask(&dtmgimp::Dtm::Stub::Submit, request);
  CHECK(status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  CHECK(has(status.error_message(), "10000"));
  CHECK(served.engine.asked.empty());
  CHECK(served.ask(&dtmgimp::Dtm::Stub::Submit, saga()).ok());
}

TEST_CASE("grpc/server: more requests at once than allowed -> RESOURCE_EXHAUSTED, nothing is asked; then room again") {
  Served<HoldingEngine> served({.requests_max = 1});
  std::future<grpc::Status> first =
      std::async(std::launch::async, [&] { return served.ask(&dtmgimp::Dtm::Stub::Submit, saga()); });
  while (served.server->requests() == 0) std::this_thread::yield();
  const grpc::Status second =
      served.ask(&dtmgimp::Dtm::Stub::NewGid, Empty(), static_cast<dtmgimp::DtmGidReply*>(nullptr));
  CHECK(second.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  CHECK(has(second.error_message(), "ask again later"));
  served.engine.answer_with(Done{});
  CHECK(first.get().ok());
  while (served.server->requests() > 0) std::this_thread::yield();
  CHECK(served.ask(&dtmgimp::Dtm::Stub::NewGid, Empty(), static_cast<dtmgimp::DtmGidReply*>(nullptr)).ok());
}

TEST_CASE("grpc/server: a client whose deadline passes -> gone; the request is answered to nobody, without harm") {
  Served<HoldingEngine> served;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(50));
  Empty reply;
  CHECK(served.stub->Submit(&context, saga(), &reply).error_code() == grpc::StatusCode::DEADLINE_EXCEEDED);
  while (served.server->requests() == 0) std::this_thread::yield();
  served.engine.answer_with(Done{});
  while (served.server->requests() > 0) std::this_thread::yield();
}

TEST_CASE("grpc/server: stop -> nothing new is taken, what waits is answered, then it has stopped") {
  Served<HoldingEngine> served;
  std::future<grpc::Status> waiting =
      std::async(std::launch::async, [&] { return served.ask(&dtmgimp::Dtm::Stub::Submit, saga()); });
  while (served.server->requests() == 0) std::this_thread::yield();
  std::promise<void> stopped;
  served.server->stop(60'000, [&stopped] { stopped.set_value(); });
  std::future<void> has_stopped = stopped.get_future();
  CHECK(has_stopped.wait_for(std::chrono::milliseconds(0)) == std::future_status::timeout);
  served.engine.answer_with(Error{Code::unavailable, "the server is stopping"});
  CHECK(waiting.get().error_code() == grpc::StatusCode::UNAVAILABLE);
  has_stopped.wait();
  CHECK(served.ask(&dtmgimp::Dtm::Stub::Submit, saga()).error_code() == grpc::StatusCode::UNAVAILABLE);
}

TEST_CASE("grpc/server: stop with a stream of reflection open -> it has stopped all the same") {
  Served<> served;
  const auto stub = grpc::reflection::v1::ServerReflection::NewStub(served.channel);
  grpc::ClientContext context;
  const auto stream = stub->ServerReflectionInfo(&context);
  grpc::reflection::v1::ServerReflectionRequest request;
  request.set_list_services("");
  REQUIRE(stream->Write(request));
  grpc::reflection::v1::ServerReflectionResponse response;
  REQUIRE(stream->Read(&response));
  std::promise<void> stopped;
  served.server->stop(3'600'000, [&stopped] { stopped.set_value(); });
  stopped.get_future().wait();
  CHECK(!stream->Read(&response));
  CHECK(!stream->Finish().ok());
}

TEST_CASE("grpc/server: a port that is taken -> an error with address, port and reason") {
  Served<> served;
  const auto second = Server::listen(served.engine, {.address = "127.0.0.1", .port = served.server->port()});
  REQUIRE(!second);
  CHECK(second.error().message ==
        "cannot listen for gRPC on 127.0.0.1:" + std::to_string(served.server->port()) + ": Address already in use");
  const auto nowhere = Server::listen(served.engine, {.address = "no address"});
  REQUIRE(!nowhere);
  CHECK(has(nowhere.error().message, "no address"));
}

TEST_CASE("grpc/server: health -> SERVING for the server and the service") {
  Served<> served;
  // HealthCheckRequest{service = 1}; a HealthCheckResponse of status 1 is SERVING.
  grpc::GenericStub generic(served.channel);
  for (const std::string service : {"", "dtmgimp.Dtm"}) {
    const grpc::Slice slice(service.empty() ? ""
                                            : "\x0A" + std::string(1, static_cast<char>(service.size())) + service);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    grpc::ClientContext context;
    std::promise<grpc::Status> answered;
    generic.UnaryCall(&context, "/grpc.health.v1.Health/Check", {}, &request, &response,
                      [&answered](grpc::Status status) { answered.set_value(std::move(status)); });
    CHECK(answered.get_future().get().ok());
    std::vector<grpc::Slice> slices;
    REQUIRE(response.Dump(&slices).ok());
    REQUIRE(slices.size() == 1);
    CHECK(std::string(reinterpret_cast<const char*>(slices[0].begin()), slices[0].size()) == "\x08\x01");
  }
}

// ---- reflection -----------------------------------------------------------------------------------------------------

namespace v1 = grpc::reflection::v1;

// The answers of version 1 to these requests, in one conversation.
std::vector<v1::ServerReflectionResponse> reflect(Served<>& served,
                                                  const std::vector<v1::ServerReflectionRequest>& requests) {
  const auto stub = v1::ServerReflection::NewStub(served.channel);
  grpc::ClientContext context;
  const auto stream = stub->ServerReflectionInfo(&context);
  std::vector<v1::ServerReflectionResponse> answers;
  for (const auto& request : requests) {
    REQUIRE(stream->Write(request));
    REQUIRE(stream->Read(&answers.emplace_back()));
  }
  stream->WritesDone();
  CHECK(stream->Finish().ok());
  return answers;
}

TEST_CASE("grpc/reflection: what tools ask -> services, files with all their imports, and clear refusals") {
  Served<> served;
  std::vector<v1::ServerReflectionRequest> requests(7);
  requests[0].set_list_services("");
  requests[1].set_file_containing_symbol("dtmgimp.Dtm.Submit");
  requests[2].set_file_by_filename("google/protobuf/empty.proto");
  requests[3].set_file_containing_symbol("nothing.At.All");
  requests[4].mutable_file_containing_extension()->set_containing_type("dtmgimp.DtmRequest");
  requests[5].set_all_extension_numbers_of_type("dtmgimp.DtmRequest");
  const auto answers = reflect(served, requests);
  std::vector<std::string> services;
  for (const auto& service : answers[0].list_services_response().service()) services.push_back(service.name());
  CHECK(services == std::vector<std::string>{"dtmgimp.Dtm", "grpc.health.v1.Health",
                                             "grpc.reflection.v1.ServerReflection",
                                             "grpc.reflection.v1alpha.ServerReflection"});
  CHECK(answers[1].file_descriptor_response().file_descriptor_proto_size() == 2);  // and empty.proto
  CHECK(answers[1].original_request().file_containing_symbol() == "dtmgimp.Dtm.Submit");
  CHECK(answers[2].file_descriptor_response().file_descriptor_proto_size() == 1);
  CHECK(answers[3].error_response().error_code() == grpc::StatusCode::NOT_FOUND);
  CHECK(answers[4].error_response().error_code() == grpc::StatusCode::NOT_FOUND);
  CHECK(answers[5].all_extension_numbers_response().base_type_name() == "dtmgimp.DtmRequest");
  CHECK(answers[6].error_response().error_code() == grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace settle::rpc
