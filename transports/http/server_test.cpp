#include "settle/http/server.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "transports/http/test_socket.hpp"

namespace settle::http {
namespace {

using boost::asio::io_context;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(10);

// Answers with what it was asked.
void echo(Request request, Respond respond) {
  respond(Response{.content_type = "text/plain", .body = request.method + ' ' + request.target + ' ' + request.body});
}

// A server with a thread for each of its loops.
class RunningServer {
 public:
  explicit RunningServer(Handler handler = echo, ServerOptions options = {}, std::size_t loop_count = 1) {
    options.address = "127.0.0.1";
    std::vector<io_context*> loops;
    for (std::size_t index = 0; index < loop_count; ++index) {
      loops_.push_back(std::make_unique<io_context>(1));
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
  std::vector<std::unique_ptr<io_context>> loops_;
  std::vector<boost::asio::executor_work_guard<io_context::executor_type>> guards_;
  std::shared_ptr<Server> server_;
  std::vector<std::thread> threads_;
};

std::string get(const std::string& target, const std::string& more_fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: h\r\n" + more_fields + "\r\n";
}

std::string post(const std::string& target, const std::string& body) {
  return "POST " + target + " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

std::string body_of(const std::string& message) {
  const std::size_t head_end = message.find("\r\n\r\n");
  return head_end == std::string::npos ? "no answer: " + message : message.substr(head_end + 4);
}

std::string status_of(const std::string& message) { return message.substr(0, message.find(' ', 9)); }

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Holds every request until the test answers it.
class HeldRequests {
 public:
  Handler handler() {
    return [this](Request, Respond respond) {
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

TEST_CASE("http/server: one request -> the handler's answer with its fields") {
  RunningServer server;
  TestSocket client = server.client();
  client.send(post("/a?b=c%20d", "hello"));
  const std::string answer = client.receive_message();
  CHECK(answer.find("HTTP/1.1 200 OK\r\n") == 0);
  CHECK(has(answer, "\r\nContent-Type: text/plain\r\n"));
  CHECK(has(answer, "\r\nDate: "));
  CHECK(!has(answer, "Connection:"));
  CHECK(body_of(answer) == "POST /a?b=c%20d hello");
  CHECK(server.server().connections() == 1);
}

TEST_CASE("http/server: requests one after another -> one connection") {
  RunningServer server;
  TestSocket client = server.client();
  for (int index = 0; index < 50; ++index) {
    client.send(get("/" + std::to_string(index)));
    CHECK(body_of(client.receive_message()) == "GET /" + std::to_string(index) + " ");
  }
}

TEST_CASE("http/server: pipelined requests -> answered in order") {
  HeldRequests held;
  RunningServer server([&held, holds = held.handler()](Request request, Respond respond) {
    if (request.target == "/held") {
      holds(std::move(request), std::move(respond));
    } else {
      echo(std::move(request), std::move(respond));
    }
  });
  TestSocket client = server.client();
  client.send(get("/1") + get("/held") + post("/2", "x") + get("/3"));
  CHECK(body_of(client.receive_message()) == "GET /1 ");
  held.take(1)[0](Response{.body = "held"});
  CHECK(body_of(client.receive_message()) == "held");
  CHECK(body_of(client.receive_message()) == "POST /2 x");
  CHECK(body_of(client.receive_message()) == "GET /3 ");
}

TEST_CASE("http/server: several thousand pipelined requests -> each answered") {
  RunningServer server;
  TestSocket client = server.client();
  constexpr int kRequests = 5'000;
  std::thread sender([&client] {
    std::string all;
    for (int index = 0; index < kRequests; ++index) all += get("/" + std::to_string(index));
    client.send(all);
  });
  int right = 0;
  for (int index = 0; index < kRequests; ++index) {
    right += body_of(client.receive_message()) == "GET /" + std::to_string(index) + " " ? 1 : 0;
  }
  sender.join();
  CHECK(right == kRequests);
}

TEST_CASE("http/server: a request byte by byte -> answered") {
  RunningServer server;
  TestSocket client = server.client();
  for (const char byte : post("/slow", "body")) REQUIRE(client.send(std::string_view(&byte, 1)));
  CHECK(body_of(client.receive_message()) == "POST /slow body");
}

TEST_CASE("http/server: a chunked body, and one of the greatest length -> whole") {
  ServerOptions options;
  options.body_bytes_max = 3 << 20;
  RunningServer server(echo, options);
  TestSocket client = server.client();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  CHECK(body_of(client.receive_message()) == "POST / abcde");
  std::string body(options.body_bytes_max, 'x');
  body.back() = 'y';
  client.send(post("/", body));
  CHECK(body_of(client.receive_message()) == "POST / " + body);
  client.send(get("/after"));
  CHECK(body_of(client.receive_message()) == "GET /after ");
}

TEST_CASE("http/server: a body over the limit -> read, dropped, 413, closed; others unharmed") {
  ServerOptions options;
  options.body_bytes_max = 1'000;
  std::atomic<int> handled = 0;
  RunningServer server(
      [&handled](Request request, Respond respond) {
        ++handled;
        echo(std::move(request), std::move(respond));
      },
      options);
  TestSocket other = server.client();
  other.send(get("/before"));
  CHECK(body_of(other.receive_message()) == "GET /before ");
  TestSocket client = server.client();
  REQUIRE(client.send(post("/", std::string(20 << 20, 'x'))));
  const std::string answer = client.receive_to_end();
  CHECK(status_of(answer) == "HTTP/1.1 413");
  CHECK(has(answer, "Connection: close\r\n"));
  CHECK(has(answer, R"({"message":")"));
  CHECK(handled == 1);
  TestSocket chunked = server.client();
  REQUIRE(chunked.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n800\r\n" +
                       std::string(0x800, 'x') + "\r\n0\r\n\r\n"));
  CHECK(status_of(chunked.receive_to_end()) == "HTTP/1.1 413");
  other.send(get("/after"));
  CHECK(body_of(other.receive_message()) == "GET /after ");
}

TEST_CASE("http/server: Expect: 100-continue -> asked for the body, or refused without it") {
  ServerOptions options;
  options.body_bytes_max = 1'000;
  RunningServer server(echo, options);
  TestSocket client = server.client();
  client.send("POST /e HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  CHECK(client.receive_message() == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  CHECK(body_of(client.receive_message()) == "POST /e abc");
  client.send("POST /e HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n");
  CHECK(status_of(client.receive_to_end()) == "HTTP/1.1 413");
}

TEST_CASE("http/server: HTTP/1.0 and Connection: close -> closed or kept as asked") {
  RunningServer server;
  TestSocket old = server.client();
  old.send("GET /old HTTP/1.0\r\n\r\n");
  const std::string closed = old.receive_to_end();
  CHECK(body_of(closed) == "GET /old ");
  CHECK(has(closed, "\r\nConnection: close\r\n"));
  TestSocket kept = server.client();
  kept.send("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const std::string first = kept.receive_message();
  CHECK(body_of(first) == "GET /1 ");
  CHECK(has(first, "\r\nConnection: keep-alive\r\n"));
  kept.send(get("/2", "Connection: close\r\n"));
  CHECK(body_of(kept.receive_to_end()) == "GET /2 ");
}

TEST_CASE("http/server: HEAD and 204 -> a length without a body, and neither") {
  RunningServer server([](Request request, Respond respond) {
    respond(request.target == "/empty" ? Response{.status = 204} : Response{.status = 404, .body = "12345"});
  });
  TestSocket client = server.client();
  client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n" + get("/empty", "Connection: close\r\n"));
  const std::string answers = client.receive_to_end();
  CHECK(answers.find("HTTP/1.1 404 Not Found\r\n") == 0);
  CHECK(has(answers, "Content-Length: 5\r\n"));
  CHECK(!has(answers, "12345"));
  const std::size_t second = answers.find("HTTP/1.1 204 No Content\r\n");
  REQUIRE(second != std::string::npos);
  CHECK(answers.find("Content-Length", second) == std::string::npos);
}

TEST_CASE("http/server: garbage and header floods -> 400 and 431, closed") {
  ServerOptions options;
  options.header_bytes_max = 2'000;
  RunningServer server(echo, options);
  const auto answer_to = [&server](const std::string& bytes) {
    TestSocket client = server.client();
    client.send(bytes);
    const std::string answer = client.receive_to_end();
    CHECK(has(answer, "Connection: close\r\n"));
    CHECK(body_of(answer).find(R"({"message":")") == 0);
    return status_of(answer);
  };
  CHECK(answer_to("\x16\x03\x01 garbage\r\n\r\n") == "HTTP/1.1 400");
  CHECK(answer_to("GET / HTTP/1.1\r\n\r\n") == "HTTP/1.1 400");
  CHECK(answer_to("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n") == "HTTP/1.1 400");
  CHECK(answer_to(get("/", "X: " + std::string(3'000, 'x') + "\r\n")) == "HTTP/1.1 431");
  std::string flood;
  for (int line = 0; line < 50'000; ++line) flood += "X-" + std::to_string(line) + ": y\r\n";
  CHECK(answer_to("GET / HTTP/1.1\r\nHost: h\r\n" + flood) == "HTTP/1.1 431");
  CHECK(answer_to(get("/" + std::string(3'000, 'x'))) == "HTTP/1.1 431");
}

TEST_CASE("http/server: a client that sends half a request and no more -> 400") {
  RunningServer server;
  TestSocket client = server.client();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf");
  client.shut_down_sending();
  CHECK(status_of(client.receive_to_end()) == "HTTP/1.1 400");
}

TEST_CASE("http/server: a client that closes its side after the request -> still gets the answer") {
  HeldRequests held;
  RunningServer server(held.handler());
  TestSocket client = server.client();
  client.send(get("/"));
  client.shut_down_sending();
  held.take(1)[0](Response{.body = "late"});
  CHECK(body_of(client.receive_to_end()) == "late");
}

TEST_CASE("http/server: a request that arrives too slowly -> 408, though bytes keep coming") {
  ServerOptions options;
  options.read_timeout_ms = 200;
  RunningServer server(echo, options);
  TestSocket client = server.client();
  std::atomic<bool> answered = false;
  std::promise<void> pulse;
  std::thread trickle([&client, &answered, tick = pulse.get_future()] {
    client.send("GET / HTTP/1.1\r\nHost: h\r\n");
    while (!answered && client.send("X: y\r\n")) tick.wait_for(milliseconds(10));
  });
  CHECK(status_of(client.receive_message()) == "HTTP/1.1 408");
  answered = true;
  trickle.join();
}

TEST_CASE("http/server: a connection without a request -> closed after the idle timeout, before and after a request") {
  ServerOptions options;
  options.idle_timeout_ms = 100;
  RunningServer server(echo, options);
  TestSocket silent = server.client();
  CHECK(silent.receive_to_end().empty());
  TestSocket client = server.client();
  client.send(get("/"));
  CHECK(body_of(client.receive_to_end()) == "GET / ");
}

TEST_CASE("http/server: a handler that takes longer than every timeout -> is not cut short") {
  ServerOptions options;
  options.idle_timeout_ms = 50;
  options.read_timeout_ms = 50;
  options.write_timeout_ms = 50;
  HeldRequests held;
  RunningServer server(held.handler(), options);
  TestSocket silent = server.client();
  TestSocket client = server.client();
  client.send(get("/"));
  auto responds = held.take(1);
  // Both came at the same time, so the other one's end tells that the time has passed.
  CHECK(silent.receive_to_end().empty());
  responds[0](Response{.body = "late"});
  CHECK(body_of(client.receive_message()) == "late");
}

TEST_CASE("http/server: a client that does not read a long answer -> closed after the write timeout") {
  ServerOptions options;
  options.write_timeout_ms = 100;
  const std::string body(64 << 20, 'x');
  RunningServer server([&body](Request, Respond respond) { respond(Response{.body = body}); }, options);
  TestSocket client = server.client();
  client.receive_buffer_bytes(4'096);
  client.send(get("/"));
  REQUIRE(!client.receive().empty());
  const auto begin = steady_clock::now();
  while (server.server().connections() != 0 && steady_clock::now() - begin < kPatience) std::this_thread::yield();
  CHECK(server.server().connections() == 0);
}

TEST_CASE("http/server: a long answer to a client that reads -> whole") {
  std::string body(30 << 20, 'x');
  body.back() = 'y';
  RunningServer server([&body](Request, Respond respond) { respond(Response{.body = body}); });
  TestSocket client = server.client();
  client.send(get("/") + get("/", "Connection: close\r\n"));
  const std::string first = client.receive_message();
  CHECK(body_of(first) == body);
  CHECK(body_of(client.receive_to_end()) == body);
}

TEST_CASE("http/server: a client that left before the answer -> nothing but the connection's end") {
  HeldRequests held;
  RunningServer server(held.handler());
  TestSocket gone = server.client();
  TestSocket reset = server.client();
  TestSocket other = server.client();
  gone.send(get("/"));
  reset.send(get("/"));
  other.send(get("/"));
  auto responds = held.take(3);
  gone.close();
  reset.reset();
  for (Respond& respond : responds) respond(Response{.body = std::string(100'000, 'x')});
  CHECK(body_of(other.receive_message()).size() == 100'000);
  const auto begin = steady_clock::now();
  while (server.server().connections() != 1 && steady_clock::now() - begin < kPatience) std::this_thread::yield();
  CHECK(server.server().connections() == 1);
}

TEST_CASE("http/server: a respond that is dropped -> 500; one that is invoked twice -> the first answer") {
  RunningServer server([](Request request, Respond respond) {
    if (request.target == "/drop") return;
    respond(Response{.body = "first"});
    respond(Response{.body = "second"});
  });
  TestSocket client = server.client();
  client.send(get("/drop"));
  const std::string dropped = client.receive_message();
  CHECK(status_of(dropped) == "HTTP/1.1 500");
  CHECK(has(dropped, R"({"message":")"));
  client.send(get("/twice") + get("/drop"));
  CHECK(body_of(client.receive_message()) == "first");
  CHECK(status_of(client.receive_message()) == "HTTP/1.1 500");
}

TEST_CASE("http/server: more connections than allowed -> 503 at once, and room again when one has closed") {
  ServerOptions options;
  options.connections_max = 2;
  RunningServer server(echo, options, 2);
  std::vector<TestSocket> clients;
  for (int index = 0; index < 2; ++index) {
    clients.push_back(server.client());
    clients.back().send(get("/"));
    CHECK(status_of(clients.back().receive_message()) == "HTTP/1.1 200");
  }
  TestSocket refused = server.client();
  refused.send(get("/"));
  CHECK(status_of(refused.receive_to_end()) == "HTTP/1.1 503");
  clients.pop_back();
  const auto begin = steady_clock::now();
  while (server.server().connections() != 1 && steady_clock::now() - begin < kPatience) std::this_thread::yield();
  TestSocket again = server.client();
  again.send(get("/"));
  CHECK(status_of(again.receive_message()) == "HTTP/1.1 200");
}

TEST_CASE("http/server: several loops, answers from foreign threads -> each client gets its own") {
  std::mutex mutex;
  std::vector<std::thread> threads;
  RunningServer server(
      [&mutex, &threads](Request request, Respond respond) {
        const std::lock_guard lock(mutex);
        threads.emplace_back([held = std::move(respond), body = std::move(request.target)]() mutable {
          held(Response{.body = std::move(body)});
        });
      },
      {}, 3);
  std::vector<std::thread> clients;
  std::atomic<int> right = 0;
  for (int client = 0; client < 6; ++client) {
    clients.emplace_back([&server, &right, client] {
      TestSocket socket = server.client();
      for (int index = 0; index < 30; ++index) {
        const std::string target = "/" + std::to_string(client) + "/" + std::to_string(index);
        socket.send(get(target));
        right += body_of(socket.receive_message()) == target ? 1 : 0;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  CHECK(right == 6 * 30);
  const std::lock_guard lock(mutex);
  for (std::thread& thread : threads) thread.join();
}

TEST_CASE("http/server: stop -> idle connections close, answers that are owed are given, no new connections") {
  HeldRequests held;
  RunningServer server(held.handler(), {}, 2);
  TestSocket idle = server.client();
  TestSocket waiting = server.client();
  TestSocket reading = server.client();
  reading.send("GET / HT");
  waiting.send(get("/"));
  auto responds = held.take(1);
  auto stopped = server.start_stop(60'000);
  CHECK(idle.receive_to_end().empty());
  CHECK(stopped.wait_for(milliseconds(0)) == std::future_status::timeout);
  responds[0](Response{.body = "owed"});
  const std::string answer = waiting.receive_to_end();
  CHECK(body_of(answer) == "owed");
  CHECK(has(answer, "Connection: close\r\n"));
  waiting.close();
  reading.send("TP/1.1\r\nHost: h\r\n\r\n");
  held.take(1)[0](Response{.body = "owed too"});
  CHECK(body_of(reading.receive_to_end()) == "owed too");
  reading.close();
  CHECK(stopped.wait_for(kPatience) == std::future_status::ready);
  CHECK(!server.client().open());
  CHECK(server.server().connections() == 0);
}

TEST_CASE("http/server: stop with answers that never come -> closed after the drain time; a late answer is nothing") {
  HeldRequests held;
  RunningServer server(held.handler());
  TestSocket client = server.client();
  client.send(get("/"));
  auto responds = held.take(1);
  server.stop(20);
  CHECK(client.receive_to_end().empty());
  responds[0](Response{.body = "late"});
  server.stop(0);
}

TEST_CASE("http/server: a port that is taken, an address that is none -> an error that names it") {
  RunningServer server;
  io_context loop;
  ServerOptions options;
  options.address = "127.0.0.1";
  options.port = server.port();
  const auto taken = Server::listen({&loop}, options, echo);
  REQUIRE(!taken);
  CHECK(taken.error().message ==
        "cannot listen on 127.0.0.1:" + std::to_string(server.port()) + ": Address already in use");
  options.address = "nowhere";
  const auto nowhere = Server::listen({&loop}, options, echo);
  REQUIRE(!nowhere);
  CHECK(has(nowhere.error().message, "nowhere:" + std::to_string(server.port())));
}

}  // namespace
}  // namespace settle::http
