#include "server/alerts.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "transports/http/test_socket.hpp"

namespace settle::server {
namespace {

constexpr const char* kTaken = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
constexpr const char* kRefused = "HTTP/1.1 500 Oops\r\nContent-Length: 6\r\n\r\nbroken";

// Keeps what is logged.
class Lines final : public Logger {
 public:
  void write(LogLevel level, std::string_view gid, std::string_view message) override {
    CHECK(level == LogLevel::warn);
    const std::scoped_lock lock(mutex_);
    lines_.push_back(std::string(gid) + "|" + std::string(message));
  }
  std::vector<std::string> all() const {
    const std::scoped_lock lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

// A sender, its loop and what it logs.
class SenderLoop {
 public:
  explicit SenderLoop(std::uint16_t port, AlertLimits limits = {}) {
    sender_.emplace(executor_, "http://127.0.0.1:" + std::to_string(port) + "/hook?token=secret", lines_, limits);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~SenderLoop() {
    sender_.reset();
    guard_.reset();
    thread_.join();
  }
  SenderLoop(const SenderLoop&) = delete;
  SenderLoop& operator=(const SenderLoop&) = delete;

  void send(const std::string& gid) { sender_->send({gid, GlobalStatus::submitted, "http://shop/order", "broken", 3}); }
  AlertStatistics statistics() const { return sender_->statistics(); }
  // Waits until that many alerts have been delivered or not.
  AlertStatistics after(std::uint64_t ended) const {
    for (int waited = 0; waited < 2'000; ++waited) {
      const AlertStatistics now = statistics();
      if (now.delivered + now.failed >= ended) return now;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    FAIL("the alerts do not end");
    return {};
  }
  // Ends the sender, and all of its work.
  std::vector<std::string> end() {
    sender_.reset();
    guard_.reset();
    thread_.join();
    thread_ = std::thread([] {});
    return lines_.all();
  }
  std::vector<std::string> lines() const { return lines_.all(); }

 private:
  Lines lines_;
  boost::asio::io_context loop_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_ = boost::asio::make_work_guard(loop_);
  AsioExecutor executor_{loop_};
  std::optional<AlertSender> sender_;
  std::thread thread_;
};

TEST_CASE("server/alerts: an alert -> JSON with the names of DTM, fit to be read whatever the branch said") {
  CHECK(alert_json({"g1", GlobalStatus::aborting, "http://shop/order?a=1", "status 500: \"no\"\n", 4}) ==
        R"({"gid":"g1","status":"aborting","branch":"http://shop/order?a=1","error":"status 500: \"no\"\n",)"
        R"("retry_count":4})");
  CHECK(alert_json({"g1", GlobalStatus::prepared, "", "\xff", 3}).find("\"error\":\"\xef\xbf\xbd\"") !=
        std::string::npos);
}

TEST_CASE("server/alerts: a hook that takes them -> one POST each, counted, nothing logged") {
  http::TestListener hook;
  SenderLoop loop(hook.port());
  loop.send("g1");
  http::TestSocket client = hook.accept();
  const std::string request = client.receive_message();
  CHECK(request.find("POST /hook?token=secret HTTP/1.1\r\n") == 0);
  CHECK(request.find("\r\nContent-Type: application/json\r\n") != std::string::npos);
  CHECK(request.ends_with("\r\n\r\n" + alert_json({"g1", GlobalStatus::submitted, "http://shop/order", "broken", 3})));
  client.send(kTaken);
  CHECK(loop.after(1).delivered == 1);
  loop.send("g2");
  CHECK(client.receive_message().find(R"("gid":"g2")") != std::string::npos);
  client.send(kTaken);
  CHECK(loop.after(2).delivered == 2);
  CHECK(loop.lines().empty());
}

TEST_CASE("server/alerts: a hook that fails -> logged and counted, not tried again, and its url is not told") {
  http::TestListener hook;
  SenderLoop loop(hook.port());
  loop.send("g1");
  http::TestSocket client = hook.accept();
  client.receive_message();
  client.send(kRefused);
  CHECK(loop.after(1).failed == 1);
  loop.send("g2");
  CHECK(client.receive_message().find(R"("gid":"g2")") != std::string::npos);
  client.close();
  hook.accept().close();  // the one repetition on a fresh connection
  CHECK(loop.after(2).failed == 2);
  const std::vector<std::string> lines = loop.lines();
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "g1|alert not delivered: status 500: broken");
  CHECK(lines[1].find("g2|alert not delivered: 127.0.0.1:") == 0);
  CHECK(lines[1].find("secret") == std::string::npos);
}

TEST_CASE("server/alerts: nobody at the hook's address, and one who never answers -> logged and counted") {
  std::uint16_t closed_port = 0;
  {
    const http::TestListener closed;
    closed_port = closed.port();
  }
  SenderLoop nobody(closed_port);
  nobody.send("g1");
  CHECK(nobody.after(1).failed == 1);
  CHECK(nobody.lines().at(0).find("g1|alert not delivered: connect to 127.0.0.1:") == 0);

  const http::TestListener silent;
  AlertLimits limits;
  limits.timeout_ms = 50;
  SenderLoop loop(silent.port(), limits);
  loop.send("g1");
  CHECK(loop.after(1).failed == 1);
  CHECK(loop.lines().at(0).ends_with("within 50 ms"));
}

TEST_CASE("server/alerts: more than a slow hook takes -> so many wait, in order, the others are dropped; told twice") {
  http::TestListener hook;
  AlertLimits limits;
  limits.waiting_max = 4;
  limits.at_once_max = 1;
  SenderLoop loop(hook.port(), limits);
  loop.send("g0");
  http::TestSocket client = hook.accept();
  client.receive_message();
  for (int i = 1; i <= 8; ++i) loop.send("g" + std::to_string(i));
  CHECK(loop.statistics().waiting == 4);
  CHECK(loop.statistics().dropped == 4);
  REQUIRE(loop.lines() == std::vector<std::string>{"g5|alerts are dropped from here on: the hook is slow, 4 wait"});
  for (int i = 1; i <= 4; ++i) {
    client.send(kTaken);
    CHECK(client.receive_message().find("\"gid\":\"g" + std::to_string(i) + "\"") != std::string::npos);
  }
  client.send(kTaken);
  CHECK(loop.after(5).delivered == 5);
  CHECK(loop.statistics().waiting == 0);
  CHECK(loop.statistics().dropped == 4);
  REQUIRE(loop.lines().size() == 2);
  CHECK(loop.lines()[1] == "|alerts are sent again; dropped so far: 4");
}

TEST_CASE("server/alerts: the sender ends -> what is under way ends, what waits is dropped, both are logged") {
  http::TestListener hook;
  AlertLimits limits;
  limits.at_once_max = 1;
  SenderLoop loop(hook.port(), limits);
  for (int i = 0; i < 3; ++i) loop.send("g" + std::to_string(i));
  http::TestSocket client = hook.accept();
  client.receive_message();
  std::vector<std::string> lines = loop.end();
  std::sort(lines.begin(), lines.end());
  CHECK(lines == std::vector<std::string>{"g0|alert not delivered: the caller has been closed",
                                          "|2 alerts are dropped: the server ends"});
}

}  // namespace
}  // namespace settle::server
