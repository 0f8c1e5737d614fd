#include "transports/grpc/test_participant.hpp"

#include <doctest/doctest.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <utility>

namespace settle::rpc {

std::string SeenCall::operator[](const std::string& name) const {
  const auto found = metadata.find(name);
  return found == metadata.end() ? "<missing>" : found->second;
}

class TestParticipant::Reactor final : public grpc::ServerGenericBidiReactor {
 public:
  Reactor(TestParticipant& owner, const grpc::GenericCallbackServerContext& context) : owner_(owner) {
    call_.method = context.method();
    for (const auto& [name, value] : context.client_metadata()) {
      call_.metadata.emplace(std::string(name.data(), name.size()), std::string(value.data(), value.size()));
    }
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish({grpc::StatusCode::INTERNAL, "no message came"});
    std::vector<grpc::Slice> slices;
    (void)request_.Dump(&slices);
    for (const grpc::Slice& slice : slices) {
      call_.message.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
    {
      const std::lock_guard lock(owner_.mutex_);
      owner_.calls_.push_back(call_);
      if (owner_.holds_) owner_.held_.push_back(this);
      owner_.changed_.notify_all();
      if (owner_.holds_) return;
    }
    answer();
  }

  void answer() {
    const grpc::Status status = owner_.answer_ ? owner_.answer_(call_) : grpc::Status::OK;
    if (!status.ok()) return Finish(status);
    const grpc::Slice slice(std::string(owner_.answer_bytes_, 'a'));
    response_ = grpc::ByteBuffer(&slice, 1);
    StartWriteAndFinish(&response_, {}, status);
  }

  void OnDone() override { delete this; }

 private:
  TestParticipant& owner_;
  SeenCall call_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
};

class TestParticipant::Service final : public grpc::CallbackGenericService {
 public:
  explicit Service(TestParticipant& owner) : owner_(owner) {}
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    return new Reactor(owner_, *context);
  }

 private:
  TestParticipant& owner_;
};

TestParticipant::TestParticipant(AnswerCall answer, int port)
    : answer_(std::move(answer)), service_(std::make_unique<Service>(*this)) {
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(-1);
  builder.AddListeningPort("127.0.0.1:" + std::to_string(port), grpc::InsecureServerCredentials(), &port_);
  builder.RegisterCallbackGenericService(service_.get());
  server_ = builder.BuildAndStart();
  REQUIRE(server_);
  REQUIRE(port_ != 0);
}

TestParticipant::~TestParticipant() {
  release();
  server_->Shutdown(std::chrono::system_clock::now());
}

std::vector<SeenCall> TestParticipant::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

void TestParticipant::hold() {
  const std::lock_guard lock(mutex_);
  holds_ = true;
}

void TestParticipant::release() {
  std::vector<Reactor*> held;
  {
    const std::lock_guard lock(mutex_);
    holds_ = false;
    held.swap(held_);
  }
  for (Reactor* const reactor : held) reactor->answer();
}

void TestParticipant::wait_for_calls(std::size_t count) const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return calls_.size() >= count; });
}

struct ScriptedResolver::Follower final : Following {
  Follower(ScriptedResolver& owner, std::string name, AddressListener on_change)
      : resolver(owner), target(std::move(name)), listener(std::move(on_change)) {}
  ~Follower() override {
    const std::lock_guard lock(resolver.mutex_);
    std::erase(resolver.followers_, this);
  }
  ScriptedResolver& resolver;
  std::string target;
  AddressListener listener;
};

void ScriptedResolver::tell(const std::string& target, AddressList list) {
  const std::lock_guard lock(mutex_);
  for (Follower* const follower : followers_) {
    if (follower->target == target) follower->listener(list);
  }
  lists_[target] = std::move(list);
}

std::unique_ptr<Following> ScriptedResolver::follow(const std::string& target, AddressListener listener) {
  auto follower = std::make_unique<Follower>(*this, target, std::move(listener));
  const std::lock_guard lock(mutex_);
  followers_.push_back(follower.get());
  const auto found = lists_.find(target);
  if (found != lists_.end()) follower->listener(found->second);
  return follower;
}

std::size_t ScriptedResolver::followings() const {
  const std::lock_guard lock(mutex_);
  return followers_.size();
}

TestShard::TestShard(std::shared_ptr<Resolver> resolver, CallerOptions options) {
  caller_ = caller_port(std::move(resolver), options).make(executor_);
}

TestShard::~TestShard() {
  if (caller_) destroy_caller();
}

void TestShard::run(std::function<void()> task) {
  std::promise<void> ran;
  executor_.post([&] {
    task();
    ran.set_value();
  });
  ran.get_future().wait();
}

std::future<BranchReply> TestShard::start(BranchCall call) {
  auto promise = std::make_shared<std::promise<BranchReply>>();
  std::future<BranchReply> reply = promise->get_future();
  executor_.post([this, promise, call = std::move(call)]() mutable {
    caller_->call(std::move(call), [promise](BranchReply given) { promise->set_value(std::move(given)); });
  });
  return reply;
}

void TestShard::destroy_caller() {
  run([this] { caller_.reset(); });
}

BranchCall grpc_call(std::string url) {
  BranchCall call;
  call.gid = "g";
  call.branch_id = "01";
  call.protocol = Protocol::grpc;
  call.url = std::move(url);
  call.payload = "pay";
  call.timeout_ms = 10'000;
  return call;
}

}  // namespace settle::rpc
