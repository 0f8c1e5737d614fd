// What the gRPC tests share: participants that answer as they are told, and a shard with a caller.
#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "settle/executor.hpp"
#include "settle/grpc/branch_caller.hpp"

namespace settle::rpc {

// One call, as a participant sees it.
struct SeenCall {
  std::string method;
  std::string message;
  std::multimap<std::string, std::string> metadata;  // all that the library shows
  // The value of that name; "<missing>" where there is none.
  std::string operator[](const std::string& name) const;
};

// Takes every method. Threads: gRPC's call `answer`, at the same time too.
class TestParticipant {
 public:
  using AnswerCall = std::function<grpc::Status(const SeenCall& call)>;
  // port 0: any free one.
  explicit TestParticipant(AnswerCall answer = {}, int port = 0);
  ~TestParticipant();
  TestParticipant(const TestParticipant&) = delete;
  TestParticipant& operator=(const TestParticipant&) = delete;

  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::vector<SeenCall> calls() const;
  std::size_t count() const { return calls().size(); }
  // Calls from now on get no answer until release() or the end.
  void hold();
  void release();
  // Blocks until so many calls have come.
  void wait_for_calls(std::size_t count) const;
  // The next answers carry a message of so many bytes.
  void answer_with(std::size_t bytes) { answer_bytes_ = bytes; }

 private:
  class Service;
  class Reactor;
  void finish(Reactor& reactor);

  AnswerCall answer_;
  std::atomic<std::size_t> answer_bytes_ = 0;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<SeenCall> calls_;
  bool holds_ = false;
  std::vector<Reactor*> held_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

// Tells the lists that a test gives it.
class ScriptedResolver final : public Resolver {
 public:
  // From now on, also to those that follow already.
  void tell(const std::string& target, AddressList list);
  std::unique_ptr<Following> follow(const std::string& target, AddressListener listener) override;
  std::size_t followings() const;

 private:
  struct Follower;
  mutable std::mutex mutex_;
  std::map<std::string, AddressList> lists_;
  std::vector<Follower*> followers_;
};

// A thread as a shard, and its caller.
class TestShard {
 public:
  explicit TestShard(std::shared_ptr<Resolver> resolver = make_plain_resolver(), CallerOptions options = {});
  ~TestShard();
  TestShard(const TestShard&) = delete;
  TestShard& operator=(const TestShard&) = delete;

  std::future<BranchReply> start(BranchCall call);
  BranchReply call(BranchCall call) { return start(std::move(call)).get(); }
  // On the shard, as an engine does; later calls are impossible.
  void destroy_caller();

 private:
  void run(std::function<void()> task);
  std::unique_ptr<BranchCaller> caller_;
  ThreadExecutor executor_{"test-shard"};
};

// A call of the action of branch 01 of the saga "g", with the payload "pay" and a patience of ten seconds.
BranchCall grpc_call(std::string url);

}  // namespace settle::rpc
