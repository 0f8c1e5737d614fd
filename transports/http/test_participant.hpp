// What the caller's tests share: a shard with its caller, and a participant that does what a test says.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "settle/asio_executor.hpp"
#include "settle/http/branch_caller.hpp"
#include "transports/http/test_socket.hpp"

namespace settle::http {

// A loop on a thread of its own, and the caller of that shard.
class CallerShard {
 public:
  explicit CallerShard(CallerOptions options = {});
  ~CallerShard();
  CallerShard(const CallerShard&) = delete;
  CallerShard& operator=(const CallerShard&) = delete;

  // Calls from the shard, as an engine does.
  std::future<BranchReply> start(BranchCall call);
  BranchReply call(BranchCall call);
  // Runs a task on the shard, with its caller, and waits for it.
  void run(std::function<void(BranchCaller& caller)> task);
  void destroy_caller();

 private:
  boost::asio::io_context loop_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
  AsioExecutor executor_;
  std::unique_ptr<BranchCaller> caller_;
  std::thread thread_;
};

// Runs the connections it gets one after another through a script, one piece of the script a connection, and keeps
// none of them longer than its piece does.
class ScriptedParticipant {
 public:
  using Piece = std::function<void(TestSocket& client)>;
  explicit ScriptedParticipant(std::vector<Piece> script);
  ~ScriptedParticipant();
  ScriptedParticipant(const ScriptedParticipant&) = delete;
  ScriptedParticipant& operator=(const ScriptedParticipant&) = delete;

  std::uint16_t port() const { return listener_.port(); }
  std::string url(const std::string& path = "/x") const;

 private:
  TestListener listener_;
  std::thread thread_;
};

// A call of the action `url` with the payload "{}" and a patience of ten seconds.
BranchCall call_of(std::string url);
// An answer with a length.
std::string answer(const std::string& status, const std::string& body);
bool has(const std::string& text, const std::string& part);

}  // namespace settle::http
