#include "transports/http/test_participant.hpp"

#include <doctest/doctest.h>

#include <utility>

#include <boost/asio/post.hpp>

namespace settle::http {

CallerShard::CallerShard(CallerOptions options)
    : guard_(boost::asio::make_work_guard(loop_)),
      executor_(loop_),
      caller_(caller_port(std::move(options)).make(executor_)),
      thread_([this] { loop_.run(); }) {}

CallerShard::~CallerShard() {
  caller_.reset();
  guard_.reset();
  thread_.join();
}

std::future<BranchReply> CallerShard::start(BranchCall call) {
  auto promise = std::make_shared<std::promise<BranchReply>>();
  executor_.post([this, promise, held = std::move(call)]() mutable {
    caller_->call(std::move(held), [promise](BranchReply reply) { promise->set_value(std::move(reply)); });
  });
  return promise->get_future();
}

BranchReply CallerShard::call(BranchCall call) {
  auto reply = start(std::move(call));
  REQUIRE(reply.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  return reply.get();
}

void CallerShard::run(std::function<void(BranchCaller& caller)> task) {
  std::promise<void> done;
  executor_.post([this, &done, &task] {
    task(*caller_);
    done.set_value();
  });
  REQUIRE(done.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready);
}

void CallerShard::destroy_caller() { caller_.reset(); }

ScriptedParticipant::ScriptedParticipant(std::vector<Piece> script)
    : thread_([this, held = std::move(script)] {
        for (const Piece& piece : held) {
          TestSocket client = listener_.accept();
          if (!client.open()) return;
          piece(client);
        }
      }) {}

ScriptedParticipant::~ScriptedParticipant() {
  listener_.shut_down();
  thread_.join();
}

std::string ScriptedParticipant::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port()) + path;
}

BranchCall call_of(std::string url) {
  BranchCall call;
  call.gid = "g";
  call.branch_id = "01";
  call.operation = "action";
  call.url = std::move(url);
  call.payload = "{}";
  call.timeout_ms = 10'000;
  return call;
}

std::string answer(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace settle::http
