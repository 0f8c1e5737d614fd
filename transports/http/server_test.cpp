// What clients that behave get.
#include "settle/http/server.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "transports/http/test_server.hpp"
#include "transports/http/test_socket.hpp"

namespace settle::http {
namespace {

using std::chrono::milliseconds;

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
  RunningServer server([holds = held.handler()](const Request& request, Respond respond) {
    if (request.target == "/held") {
      holds(request, std::move(respond));
    } else {
      echo(request, std::move(respond));
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
  RunningServer server([](const Request& request, Respond respond) {
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

TEST_CASE("http/server: a client that closes its side after the request -> still gets the answer") {
  HeldRequests held;
  RunningServer server(held.handler());
  TestSocket client = server.client();
  client.send(get("/"));
  client.shut_down_sending();
  held.take(1)[0](Response{.body = "late"});
  CHECK(body_of(client.receive_to_end()) == "late");
}

TEST_CASE("http/server: a handler that takes longer than every timeout -> is not cut short") {
  ServerOptions options;
  options.idle_timeout_ms = 500;
  options.read_timeout_ms = 500;
  options.write_timeout_ms = 500;
  HeldRequests held;
  RunningServer server(held.handler(), options);
  TestSocket client = server.client();
  client.send(get("/"));
  auto responds = held.take(1);
  // This one comes after the request, so its end tells that the request's time has passed.
  TestSocket silent = server.client();
  CHECK(silent.receive_to_end().empty());
  responds[0](Response{.body = "late"});
  CHECK(body_of(client.receive_message()) == "late");
}

TEST_CASE("http/server: a long answer to a client that reads -> whole") {
  std::string body(30 << 20, 'x');
  body.back() = 'y';
  RunningServer server([&body](const Request&, Respond respond) { respond(Response{.body = body}); });
  TestSocket client = server.client();
  client.send(get("/") + get("/", "Connection: close\r\n"));
  const std::string first = client.receive_message();
  CHECK(body_of(first) == body);
  CHECK(body_of(client.receive_to_end()) == body);
}

TEST_CASE("http/server: a respond that is dropped -> 500; one that is invoked twice -> the first answer") {
  RunningServer server([](const Request& request, Respond respond) {
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
  clients.reserve(6);
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
  // The server asks for the rest, so it has begun to read this request.
  reading.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
  CHECK(reading.receive_message() == "HTTP/1.1 100 Continue\r\n\r\n");
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
  reading.send("x");
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
  boost::asio::io_context loop;
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
