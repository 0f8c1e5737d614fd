#include "benches/grpc_load.hpp"

#include <doctest/doctest.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include <boost/json/parse.hpp>

#include "proto/dtm.grpc.pb.h"

using namespace settle;
using namespace settle::bench;

namespace {

// Calls a branch as a coordinator does, and waits for its answer.
grpc::Status call_branch(const std::string& url, const std::string& gid, const std::string& branch_id) {
  const std::size_t slash = url.find('/');
  grpc::GenericStub stub(grpc::CreateChannel(url.substr(0, slash), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.AddMetadata("dtm-gid", gid);
  if (!branch_id.empty()) context.AddMetadata("dtm-branch_id", branch_id);
  context.AddMetadata("dtm-op", "action");
  grpc::CompletionQueue queue;
  const grpc::Slice payload("{}");
  auto call = stub.PrepareUnaryCall(&context, url.substr(slash), grpc::ByteBuffer(&payload, 1), &queue);
  call->StartCall();
  grpc::ByteBuffer reply;
  grpc::Status status;
  call->Finish(&reply, &status, &status);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  return status;
}

// Answers every submit with what the test says, on gRPC's threads.
using AnswerSubmit = std::function<grpc::Status(const dtmgimp::DtmRequest&)>;
class Coordinator final : public dtmgimp::Dtm::Service {
 public:
  explicit Coordinator(AnswerSubmit submit) : submit_(std::move(submit)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~Coordinator() override { server_->Shutdown(); }
  std::uint16_t port() const { return static_cast<std::uint16_t>(port_); }

  grpc::Status Submit(grpc::ServerContext*, const dtmgimp::DtmRequest* request, google::protobuf::Empty*) override {
    return submit_(*request);
  }

 private:
  const AnswerSubmit submit_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

grpc::Status call_all(const dtmgimp::DtmRequest& request) {
  const boost::json::value steps = boost::json::parse(request.steps());
  for (std::size_t step = 0; step < steps.as_array().size(); ++step) {
    const std::string url(steps.at(step).at("action").as_string());
    const grpc::Status status = call_branch(url, request.gid(), "0" + std::to_string(step + 1));
    if (!status.ok()) return status;
  }
  return grpc::Status::OK;
}

// Clients of a coordinator, run by hand.
struct World {
  explicit World(AnswerSubmit submit) : coordinator(std::move(submit)) {
    Result<std::unique_ptr<Load>> started =
        start_grpc_load({.servers = {{.http = {"127.0.0.1", 1}, .grpc_port = coordinator.port()}}, .clients = kClients},
                        2, gids, transactions);
    REQUIRE(started);
    load = std::move(started).value();
  }

  // Until so many were answered; then no more are started, and those under way are waited for.
  void run(std::uint64_t answers) {
    while (transactions.answers() < answers && load->trouble().empty()) load->run_once(1'000'000);
    transactions.stop();
    while (load->busy() > 0 && load->trouble().empty()) load->run_once(1'000'000);
  }

  static constexpr std::size_t kClients = 3;
  Coordinator coordinator;
  GidSeries gids;
  CheckedTransactions transactions{gids, kClients, Mode::saga, 2};
  std::unique_ptr<Load> load;
};

}  // namespace

TEST_CASE("bench/grpc load: a coordinator that calls both branches -> every transaction succeeds") {
  World world(call_all);
  world.run(10);
  CHECK(world.load->trouble().empty());
  CHECK(world.transactions.first_failure() == "");
  CHECK(world.transactions.repeated_calls() == 0);
  CHECK(world.transactions.answers() >= 10);
  CHECK(world.load->busy() == 0);
}

TEST_CASE("bench/grpc load: a coordinator that refuses, or forgets a branch -> failures that say so") {
  World refused([](const dtmgimp::DtmRequest&) { return grpc::Status(grpc::StatusCode::ABORTED, "no FAILURE"); });
  refused.run(1);
  CHECK(refused.transactions.first_failure() == "it was answered 10 no FAILURE");

  World forgotten([](const dtmgimp::DtmRequest&) { return grpc::Status::OK; });
  forgotten.run(1);
  CHECK(forgotten.transactions.first_failure() == "a success was answered before all branches were called");
}

TEST_CASE("bench/grpc load: a call that is not a branch's -> trouble, and UNAVAILABLE for its caller") {
  World world([](const dtmgimp::DtmRequest& request) {
    const boost::json::value steps = boost::json::parse(request.steps());
    return call_branch(std::string(steps.at(0).at("action").as_string()), request.gid(), "");
  });
  world.run(1);
  CHECK(world.load->trouble() == "calls came to the participant that are no branch calls");
}

TEST_CASE("bench/grpc load: given up while calls are under way -> they are cancelled and it ends") {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t waiting = 0;
  bool released = false;
  World world([&](const dtmgimp::DtmRequest&) {
    std::unique_lock lock(mutex);
    ++waiting;
    changed.notify_all();
    changed.wait(lock, [&released] { return released; });
    return grpc::Status::OK;
  });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&waiting] { return waiting == World::kClients; });
  }
  CHECK(world.load->busy() == World::kClients);
  world.load.reset();
  CHECK(world.transactions.answers() == 0);
  const std::lock_guard lock(mutex);
  released = true;
  changed.notify_all();
}
