// What clients that do not behave get.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "settle/http/server.hpp"
#include "transports/http/test_server.hpp"
#include "transports/http/test_socket.hpp"

namespace settle::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

TEST_CASE("http/server: a body over the limit -> read, dropped, 413, closed; others unharmed") {
  ServerOptions options;
  options.body_bytes_max = 1'000;
  std::atomic<int> handled = 0;
  RunningServer server(
      [&handled](const Request& request, Respond respond) {
        ++handled;
        echo(request, std::move(respond));
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
  options.idle_timeout_ms = 500;
  RunningServer server(echo, options);
  TestSocket silent = server.client();
  CHECK(silent.receive_to_end().empty());
  TestSocket client = server.client();
  client.send(get("/"));
  CHECK(body_of(client.receive_to_end()) == "GET / ");
}

TEST_CASE("http/server: a client that does not read a long answer -> closed after the write timeout") {
  ServerOptions options;
  options.write_timeout_ms = 100;
  const std::string body(64 << 20, 'x');
  RunningServer server([&body](const Request&, Respond respond) { respond(Response{.body = body}); }, options);
  TestSocket client = server.client();
  client.receive_buffer_bytes(4'096);
  client.send(get("/"));
  REQUIRE(!client.receive().empty());
  const auto begin = steady_clock::now();
  while (server.server().connections() != 0 && steady_clock::now() - begin < kPatience) std::this_thread::yield();
  CHECK(server.server().connections() == 0);
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

TEST_CASE("http/server: more connections than allowed -> 503 at once, and room again when one has closed") {
  ServerOptions options;
  options.connections_max = 2;
  RunningServer server(echo, options, 2);
  std::vector<TestSocket> clients;
  clients.reserve(2);
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

}  // namespace
}  // namespace settle::http
