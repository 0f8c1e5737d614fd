#include "settle/http/poster.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "transports/http/test_participant.hpp"

namespace settle::http {
namespace {

// A poster, and the loop that it works on.
class PosterLoop {
 public:
  explicit PosterLoop(CallerOptions options = {}) {
    poster_.emplace(executor_, std::move(options));
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~PosterLoop() {
    poster_.reset();
    guard_.reset();
    thread_.join();
  }
  PosterLoop(const PosterLoop&) = delete;
  PosterLoop& operator=(const PosterLoop&) = delete;

  std::future<BranchReply> start(std::string url, std::int64_t timeout_ms = 10'000) {
    auto promise = std::make_shared<std::promise<BranchReply>>();
    poster_->post(std::move(url), R"({"n":1})", timeout_ms,
                  [promise](BranchReply reply) { promise->set_value(std::move(reply)); });
    return promise->get_future();
  }
  BranchReply post(std::string url, std::int64_t timeout_ms = 10'000) {
    return wait(start(std::move(url), timeout_ms));
  }
  static BranchReply wait(std::future<BranchReply> reply) {
    REQUIRE(reply.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
    return reply.get();
  }
  void destroy_poster() { poster_.reset(); }

 private:
  boost::asio::io_context loop_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_ = boost::asio::make_work_guard(loop_);
  AsioExecutor executor_{loop_};
  std::optional<Poster> poster_;
  std::thread thread_;
};

TEST_CASE("http/poster: a hook -> gets the JSON at its url as it is") {
  std::string request;
  const ScriptedParticipant hook({[&request](TestSocket& client) {
    request = client.receive_message();
    client.send(answer("204 No Content", ""));
  }});
  PosterLoop loop;
  CHECK(loop.post(hook.url("/hook?token=a%20b")).result == CallResult::success);
  CHECK(request.find("POST /hook?token=a%20b HTTP/1.1\r\n") == 0);
  CHECK(has(request, "\r\nContent-Type: application/json\r\n"));
  CHECK(request.ends_with("\r\n\r\n{\"n\":1}"));
}

TEST_CASE("http/poster: answers -> any 2xx is a success, whatever it says; others and none are told with the reason") {
  struct Row {
    std::string bytes;
    CallResult result;
    std::string text;
  };
  const std::vector<Row> rows = {
      {answer("200 OK", "FAILURE"), CallResult::success, "FAILURE"},
      {answer("202 Accepted", "ONGOING"), CallResult::success, "ONGOING"},
      {answer("302 Found", ""), CallResult::unknown, "status 302: "},
      {answer("409 Conflict", "FAILURE"), CallResult::unknown, "status 409: FAILURE"},
      {answer("500 Oops", "broken"), CallResult::unknown, "status 500: broken"},
      {"", CallResult::unknown, "closed the connection without an answer"},
  };
  std::vector<ScriptedParticipant::Piece> script;
  script.reserve(rows.size());
  for (const Row& row : rows) {
    script.emplace_back([&row](TestSocket& client) {
      client.receive_message();
      client.send(row.bytes);
    });
  }
  const ScriptedParticipant hook(script);
  PosterLoop loop;
  for (const Row& row : rows) {
    CAPTURE(row.bytes);
    const BranchReply reply = loop.post(hook.url());
    CHECK(reply.result == row.result);
    CHECK(has(reply.text, row.text));
  }
}

TEST_CASE("http/poster: a hook that does not answer in time, a url that is none -> unknown with the reason") {
  TestListener silent;
  PosterLoop loop;
  const BranchReply late = loop.post("http://127.0.0.1:" + std::to_string(silent.port()) + "/", 50);
  CHECK(late.result == CallResult::unknown);
  CHECK(has(late.text, "within 50 ms"));
  const BranchReply malformed = loop.post("hook.example");
  CHECK(malformed.result == CallResult::unknown);
  CHECK(has(malformed.text, "malformed url"));
}

TEST_CASE("http/poster: destroyed with a post under way -> that one ends as unknown") {
  TestListener silent;
  PosterLoop loop;
  auto reply = loop.start("http://127.0.0.1:" + std::to_string(silent.port()) + "/");
  loop.destroy_poster();
  CHECK(PosterLoop::wait(std::move(reply)).text == "the caller has been closed");
}

}  // namespace
}  // namespace settle::http
