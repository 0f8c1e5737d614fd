// What the server's tests share: a server that runs, requests, and answers to take apart.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "settle/http/server.hpp"
#include "transports/http/test_socket.hpp"

namespace settle::http {

inline constexpr auto kPatience = std::chrono::seconds(10);

// Answers with what it was asked.
inline void echo(const Request& request, Respond respond) {
  respond(Response{.content_type = "text/plain", .body = request.method + ' ' + request.target + ' ' + request.body});
}

// A server with a thread for each of its loops.
class RunningServer {
 public:
  explicit RunningServer(Handler handler = echo, ServerOptions options = {}, std::size_t loop_count = 1) {
    options.address = "127.0.0.1";
    std::vector<boost::asio::io_context*> loops;
    for (std::size_t index = 0; index < loop_count; ++index) {
      loops_.push_back(std::make_unique<boost::asio::io_context>(1));
      guards_.push_back(boost::asio::make_work_guard(*loops_.back()));
      loops.push_back(loops_.back().get());
    }
    server_ = Server::listen(loops, options, std::move(handler)).value();
    for (const auto& loop : loops_) threads_.emplace_back([&loop = *loop] { loop.run(); });
  }

  ~RunningServer() {
    stop(0);
    for (auto& guard : guards_) guard.reset();
    for (std::thread& thread : threads_) thread.join();
  }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;

  std::future<void> start_stop(std::int64_t drain_ms) {
    auto stopped = std::make_shared<std::promise<void>>();
    server_->stop(drain_ms, [stopped] { stopped->set_value(); });
    return stopped->get_future();
  }

  void stop(std::int64_t drain_ms) { REQUIRE(start_stop(drain_ms).wait_for(kPatience) == std::future_status::ready); }

  Server& server() { return *server_; }
  std::uint16_t port() const { return server_->port(); }
  TestSocket client() const { return TestSocket::connect_to(port()); }

 private:
  std::vector<std::unique_ptr<boost::asio::io_context>> loops_;
  std::vector<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> guards_;
  std::shared_ptr<Server> server_;
  std::vector<std::thread> threads_;
};

inline std::string get(const std::string& target, const std::string& more_fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: h\r\n" + more_fields + "\r\n";
}

inline std::string post(const std::string& target, const std::string& body) {
  return "POST " + target + " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

inline std::string body_of(const std::string& message) {
  const std::size_t head_end = message.find("\r\n\r\n");
  return head_end == std::string::npos ? "no answer: " + message : message.substr(head_end + 4);
}

inline std::string status_of(const std::string& message) { return message.substr(0, message.find(' ', 9)); }

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Holds every request until the test answers it.
class HeldRequests {
 public:
  Handler handler() {
    return [this](const Request&, Respond respond) {
      const std::lock_guard lock(mutex_);
      held_.push_back(std::move(respond));
      if (waiting_for_ != 0 && held_.size() >= waiting_for_) arrived_.set_value();
    };
  }

  // Waits until so many requests are held, and hands them out.
  std::vector<Respond> take(std::size_t count) {
    std::future<void> arrived;
    {
      const std::lock_guard lock(mutex_);
      if (held_.size() < count) {
        waiting_for_ = count;
        arrived_ = std::promise<void>();
        arrived = arrived_.get_future();
      }
    }
    if (arrived.valid()) REQUIRE(arrived.wait_for(kPatience) == std::future_status::ready);
    const std::lock_guard lock(mutex_);
    waiting_for_ = 0;
    return std::exchange(held_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<Respond> held_;
  std::size_t waiting_for_ = 0;
  std::promise<void> arrived_;
};

}  // namespace settle::http
