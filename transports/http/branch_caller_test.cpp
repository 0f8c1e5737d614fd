#include "settle/http/branch_caller.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "transports/http/test_participant.hpp"
#include "transports/http/test_socket.hpp"

namespace settle::http {
namespace {

using Piece = ScriptedParticipant::Piece;

// Answers the one request of a connection with these bytes and closes.
Piece answering(std::string bytes) {
  return [held = std::move(bytes)](TestSocket& client) {
    client.receive_message();
    client.send(held);
  };
}

// Answers every request of a connection until the caller closes it.
void serve(TestSocket& client) {
  while (!client.receive_message().empty()) client.send(answer("200 OK", "ok"));
}

std::uint16_t closed_port() {
  const TestListener listener;
  return listener.port();
}

TEST_CASE("http/caller: a payload -> POST with the transaction's parameters, success with the body as text") {
  std::string request;
  const ScriptedParticipant participant({[&request](TestSocket& client) {
    request = client.receive_message();
    client.send(answer("200 OK", "done"));
  }});
  CallerShard shard;
  BranchCall call = call_of(participant.url("/order?shop=5"));
  call.headers = std::make_shared<const std::map<std::string, std::string>>(
      std::map<std::string, std::string>{{"X-Tenant", "t1"}});
  const BranchReply reply = shard.call(std::move(call));
  CHECK(reply.result == CallResult::success);
  CHECK(reply.text == "done");
  CHECK(request.find("POST /order?shop=5&branch_id=01&gid=g&op=action&trans_type=saga HTTP/1.1\r\n") == 0);
  CHECK(has(request, "\r\nHost: 127.0.0.1:" + std::to_string(participant.port()) + "\r\n"));
  CHECK(has(request, "\r\nX-Tenant: t1\r\n"));
  CHECK(has(request, "\r\n\r\n{}"));
}

TEST_CASE("http/caller: no payload -> GET without a body; a long payload -> whole") {
  std::string get_request;
  std::string post_request;
  const ScriptedParticipant participant({[&get_request, &post_request](TestSocket& client) {
    get_request = client.receive_message();
    client.send(answer("200 OK", ""));
    post_request = client.receive_message();
    client.send(answer("200 OK", ""));
  }});
  CallerShard shard;
  BranchCall call = call_of(participant.url());
  call.payload.clear();
  CHECK(shard.call(call).result == CallResult::success);
  call.payload = std::string(5 << 20, 'p') + "end";
  CHECK(shard.call(call).result == CallResult::success);
  CHECK(get_request.find("GET /x?") == 0);
  CHECK(!has(get_request, "Content-Length"));
  CHECK(post_request.find("POST /x?") == 0);
  CHECK(post_request.substr(post_request.find("\r\n\r\n") + 4) == call.payload);
}

TEST_CASE("http/caller: every form of an answer -> its meaning and text") {
  struct Row {
    std::string bytes;
    CallResult result;
    std::string text;
  };
  const std::vector<Row> rows = {
      {answer("200 OK", ""), CallResult::success, ""},
      {answer("409 Conflict", "no stock"), CallResult::failure, "no stock"},
      {answer("425 Too Early", "wait"), CallResult::ongoing, "wait"},
      {answer("200 OK", "FAILURE"), CallResult::failure, "FAILURE"},
      {answer("500 Oops", "broken"), CallResult::unknown, "status 500: broken"},
      {answer("409 Conflict", " no\tstock\r\n"), CallResult::failure, "no\tstock"},
      {answer("500 Oops", "\n"), CallResult::unknown, "status 500: "},
      {answer("302 Found", "somewhere"), CallResult::unknown, "status 302: somewhere"},
      {answer("307 Temporary Redirect", "FAILURE"), CallResult::failure, "FAILURE"},
      {"HTTP/1.1 300 Choose\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n", CallResult::unknown, "status 300: "},
      {"HTTP/1.1 204 No Content\r\n\r\n", CallResult::unknown, "status 204: "},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nON\r\n5\r\nGOING\r\n0\r\n\r\n", CallResult::ongoing,
       "ONGOING"},
      {"HTTP/1.1 200 OK\r\n\r\nuntil the end", CallResult::success, "until the end"},
      {"HTTP/1.0 200 OK\r\n\r\n", CallResult::success, ""},
      {"HTTP/1.1 100 Continue\r\n\r\n" + answer("200 OK", "then"), CallResult::success, "then"},
      {"HTTP/1.1 101 Switching Protocols\r\n\r\n", CallResult::unknown, "status 101: "},
      {answer("200 OK", "ok") + "left over", CallResult::success, "ok"},
  };
  std::vector<Piece> script;
  script.reserve(rows.size());
  for (const Row& row : rows) script.push_back(answering(row.bytes));
  const ScriptedParticipant participant(script);
  CallerShard shard;
  for (const Row& row : rows) {
    CAPTURE(row.bytes);
    const BranchReply reply = shard.call(call_of(participant.url()));
    CHECK(reply.result == row.result);
    CHECK(reply.text == row.text);
  }
}

std::string redirect(const std::string& status, const std::string& location) {
  return "HTTP/1.1 " + status + "\r\nLocation: " + location + "\r\nContent-Length: 7\r\n\r\nFAILURE";
}

TEST_CASE("http/caller: redirects -> followed, over a kept connection and to another host; the last answer counts") {
  std::vector<std::string> requests;
  const ScriptedParticipant second({[&requests](TestSocket& client) {
    requests.push_back(client.receive_message());
    client.send(answer("409 Conflict", "no stock"));
  }});
  const ScriptedParticipant first({[&requests, &second](TestSocket& client) {
    for (const std::string& location : {std::string("y"), second.url("/z")}) {
      requests.push_back(client.receive_message());
      client.send(redirect("307 Temporary Redirect", location));
    }
  }});
  CallerShard shard;
  const BranchReply reply = shard.call(call_of(first.url("/a/x")));
  CHECK(reply.result == CallResult::failure);
  CHECK(reply.text == "no stock");
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].find("POST /a/x?branch_id=01&gid=g&") == 0);
  CHECK(requests[1].find("POST /a/y HTTP/1.1\r\n") == 0);
  CHECK(requests[2].find("POST /z HTTP/1.1\r\n") == 0);
  CHECK(has(requests[2], "\r\nReferer: " + first.url("/a/y") + "\r\n"));
  for (const std::string& request : requests) CHECK(has(request, "\r\n\r\n{}"));
}

TEST_CASE("http/caller: a redirect of a long payload, told before all of it was sent -> sent whole to the other url") {
  std::string request;
  std::promise<void> came;
  const ScriptedParticipant second({[&request, &came](TestSocket& client) {
    request = client.receive_message();
    came.set_value();
    client.send(answer("200 OK", "done"));
  }});
  const ScriptedParticipant first({[&second, seen = came.get_future().share()](TestSocket& client) {
    client.receive_buffer_bytes(4'096);
    client.receive();
    client.send(redirect("308 Permanent Redirect", second.url("/y")));
    seen.wait();
  }});
  CallerShard shard;
  BranchCall call = call_of(first.url());
  call.payload = std::string(5 << 20, 'p') + "end";
  CHECK(shard.call(call).text == "done");
  CHECK(request.find("POST /y HTTP/1.1\r\n") == 0);
  CHECK(request.substr(request.find("\r\n\r\n") + 4) == call.payload);
}

TEST_CASE("http/caller: redirects without an end, to nobody and to no url -> unknown with the reason") {
  int requests = 0;
  const std::string nobody = "127.0.0.1:" + std::to_string(closed_port());
  const ScriptedParticipant participant({[&requests](TestSocket& client) {
                                           while (!client.receive_message().empty()) {
                                             ++requests;
                                             client.send(redirect("302 Found", "/x"));
                                             if (requests == 10) return;
                                           }
                                         },
                                         answering(redirect("302 Found", "http://" + nobody + "/")),
                                         answering(redirect("302 Found", "ftp://h/"))});
  CallerShard shard;
  const auto text_of_call = [&] {
    const BranchReply reply = shard.call(call_of(participant.url()));
    CHECK(reply.result == CallResult::unknown);
    return reply.text;
  };
  const std::string peer = "127.0.0.1:" + std::to_string(participant.port());
  CHECK(text_of_call() == peer + ": redirected 10 times");
  CHECK(requests == 10);
  CHECK(text_of_call() == "connect to " + nobody + ": connection refused");
  CHECK(text_of_call() == peer + ": redirected to a malformed url 'ftp://h/': the scheme is neither http nor https");
}

TEST_CASE("http/caller: redirected to who never answers -> unknown at the deadline of the whole call") {
  std::promise<void> release;
  const auto held = release.get_future().share();
  const ScriptedParticipant silent({[held](TestSocket&) { held.wait(); }});
  const ScriptedParticipant participant({answering(redirect("302 Found", silent.url()))});
  CallerShard shard;
  BranchCall call = call_of(participant.url());
  call.timeout_ms = 200;
  const BranchReply reply = shard.call(std::move(call));
  CHECK(reply.result == CallResult::unknown);
  CHECK(reply.text == "127.0.0.1:" + std::to_string(silent.port()) + ": no answer within 200 ms");
  release.set_value();
}

TEST_CASE("http/caller: destroyed while a redirect is followed -> ends as unknown") {
  std::promise<void> came;
  const ScriptedParticipant silent({[&came](TestSocket& client) {
    client.receive_message();
    came.set_value();
    client.receive_message();
  }});
  const ScriptedParticipant participant({answering(redirect("302 Found", silent.url()))});
  CallerShard shard;
  auto reply = shard.start(call_of(participant.url()));
  came.get_future().wait();
  shard.run([&shard](BranchCaller&) { shard.destroy_caller(); });
  CHECK(reply.get().text == "the caller has been closed");
}

TEST_CASE("http/caller: broken answers -> unknown with the reason") {
  struct Row {
    std::string bytes;
    std::string text;
  };
  const std::vector<Row> rows = {
      {"", "closed the connection without an answer"},
      {"HTTP/1.1 200 OK\r\nContent-Le", "closed the connection within its answer"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "closed the connection within its answer"},
      {"SSH-2.0-OpenSSH_9\r\n\r\n", "the answer is not HTTP"},
      {answer("200 OK", std::string(2'000, 'x')), "the answer is longer than 1000 bytes"},
      {"HTTP/1.1 200 OK\r\n\r\n" + std::string(100'000, 'x'), "the answer is longer than 1000 bytes"},
      {"HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x'), "the answer is longer than"},
  };
  std::vector<Piece> script;
  script.reserve(rows.size());
  for (const Row& row : rows) script.push_back(answering(row.bytes));
  const ScriptedParticipant participant(script);
  CallerOptions options;
  options.answer_bytes_max = 1'000;
  CallerShard shard(options);
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const BranchReply reply = shard.call(call_of(participant.url()));
    CHECK(reply.result == CallResult::unknown);
    CAPTURE(reply.text);
    CHECK(has(reply.text, row.text));
    CHECK(has(reply.text, "127.0.0.1:" + std::to_string(participant.port())));
  }
}

TEST_CASE("http/caller: calls that cannot be made -> unknown with the reason, at once") {
  CallerShard shard;
  const auto text_of = [&shard](const std::string& url) {
    const BranchReply reply = shard.call(call_of(url));
    CHECK(reply.result == CallResult::unknown);
    return reply.text;
  };
  CHECK(has(text_of("no url"), "malformed url 'no url?"));
  CHECK(has(text_of("http://"), "no host"));
  CHECK(has(text_of("http://h\r\nX: y/"), "control character"));
  const std::string refused = "127.0.0.1:" + std::to_string(closed_port());
  CHECK(text_of("http://" + refused + "/x") == "connect to " + refused + ": connection refused");
  BranchCall call = call_of("http://127.0.0.1:1/");
  call.headers = std::make_shared<const std::map<std::string, std::string>>(
      std::map<std::string, std::string>{{"A", "b\r\nInjected: c"}});
  CHECK(has(shard.call(call).text, "branch header 'A'"));
  call.headers = nullptr;
  call.timeout_ms = 0;
  CHECK(shard.call(call).text == "no time was left for the call");
}

TEST_CASE("http/caller: a name -> looked up; one that nobody has -> unknown") {
  const ScriptedParticipant participant({serve});
  CallerShard shard;
  CHECK(shard.call(call_of("http://LOCALHOST:" + std::to_string(participant.port()) + "/")).result ==
        CallResult::success);
  BranchCall call = call_of("http://nobody.invalid/");
  call.timeout_ms = 3'000;
  CHECK(shard.call(std::move(call)).result == CallResult::unknown);
}

TEST_CASE("http/caller: an IPv6 address -> called, with brackets in its Host") {
  const int listener = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  socklen_t length = sizeof(address);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0) {
    MESSAGE("this machine has no IPv6 loopback");
    ::close(listener);
    return;
  }
  ::listen(listener, 1);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  const std::string authority = "[::1]:" + std::to_string(ntohs(address.sin6_port));
  std::string request;
  std::thread participant([listener, &request] {
    TestSocket client(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    request = client.receive_message();
    client.send(answer("200 OK", ""));
  });
  CallerShard shard;
  CHECK(shard.call(call_of("http://" + authority + "/x")).result == CallResult::success);
  participant.join();
  ::close(listener);
  CHECK(has(request, "\r\nHost: " + authority + "\r\n"));
}

TEST_CASE("http/caller: calls one after another -> one connection") {
  std::atomic<int> connections = 0;
  const auto counted = [&connections](TestSocket& client) {
    ++connections;
    serve(client);
  };
  const ScriptedParticipant participant({counted, counted});
  CallerShard shard;
  for (int index = 0; index < 50; ++index) {
    CHECK(shard.call(call_of(participant.url())).result == CallResult::success);
  }
  CHECK(connections == 1);
}

TEST_CASE("http/caller: an answer that says close -> the next call gets a fresh connection") {
  const std::string closing = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
  const ScriptedParticipant participant({answering(closing), answering(closing)});
  CallerShard shard;
  CHECK(shard.call(call_of(participant.url())).result == CallResult::success);
  CHECK(shard.call(call_of(participant.url())).result == CallResult::success);
}

TEST_CASE("http/caller: a kept connection closed between calls, or at the next request -> a fresh one, no error") {
  const ScriptedParticipant participant({answering(answer("200 OK", "1")),
                                         [](TestSocket& client) {
                                           client.receive_message();
                                           client.send(answer("200 OK", "2"));
                                           client.receive_message();
                                           client.reset();
                                         },
                                         [](TestSocket& client) {
                                           client.receive_message();
                                           client.send(answer("200 OK", "3"));
                                           client.receive_message();
                                         },
                                         answering(answer("200 OK", "4"))});
  CallerShard shard;
  for (const char* const text : {"1", "2", "3", "4"}) {
    const BranchReply reply = shard.call(call_of(participant.url()));
    CHECK(reply.result == CallResult::success);
    CHECK(reply.text == text);
  }
}

TEST_CASE("http/caller: a kept connection closed within the answer, or a fresh one at once -> not repeated") {
  std::atomic<int> requests = 0;
  const ScriptedParticipant participant({[&requests](TestSocket& client) {
                                           client.receive_message();
                                           client.send(answer("200 OK", ""));
                                           client.receive_message();
                                           ++requests;
                                           client.send("HTTP/1.1 200");
                                         },
                                         [&requests](TestSocket& client) {
                                           client.receive_message();
                                           ++requests;
                                         },
                                         serve});
  CallerShard shard;
  CHECK(shard.call(call_of(participant.url())).result == CallResult::success);
  CHECK(shard.call(call_of(participant.url())).result == CallResult::unknown);
  CHECK(requests == 1);
  CHECK(shard.call(call_of(participant.url())).result == CallResult::unknown);
  CHECK(requests == 2);
}

TEST_CASE("http/caller: a participant that never answers, or trickles -> unknown at the deadline; others go on") {
  std::promise<void> release;
  const auto held = release.get_future().share();
  const ScriptedParticipant silent({[held](TestSocket&) { held.wait(); }});
  const ScriptedParticipant trickling({[](TestSocket& client) {
    client.receive_message();
    client.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    while (client.send("x")) std::this_thread::yield();
  }});
  const ScriptedParticipant quick({serve});
  CallerOptions options;
  options.answer_bytes_max = 2'000'000;
  CallerShard shard(options);
  BranchCall call = call_of(silent.url());
  call.timeout_ms = 500;
  auto unanswered = shard.start(call);
  call.url = trickling.url();
  call.timeout_ms = 50;
  auto trickled = shard.start(call);
  CHECK(shard.call(call_of(quick.url())).result == CallResult::success);
  const BranchReply reply = unanswered.get();
  CHECK(reply.result == CallResult::unknown);
  CHECK(reply.text == "127.0.0.1:" + std::to_string(silent.port()) + ": no answer within 500 ms");
  CHECK(trickled.get().result == CallResult::unknown);
  release.set_value();
}

TEST_CASE("http/caller: more calls than connections -> they wait, within their deadline") {
  std::promise<void> first_came;
  std::promise<void> release;
  const auto held = release.get_future().share();
  const ScriptedParticipant participant({[&first_came, held](TestSocket& client) {
    client.receive_message();
    first_came.set_value();
    held.wait();
    client.send(answer("200 OK", "1"));
    serve(client);
  }});
  CallerOptions options;
  options.connections_per_host_max = 1;
  CallerShard shard(options);
  auto first = shard.start(call_of(participant.url()));
  first_came.get_future().wait();
  BranchCall hasty = call_of(participant.url());
  hasty.timeout_ms = 20;
  auto expired = shard.start(std::move(hasty));
  auto second = shard.start(call_of(participant.url()));
  auto third = shard.start(call_of(participant.url()));
  CHECK(expired.get().text == "127.0.0.1:" + std::to_string(participant.port()) + ": no free connection within 20 ms");
  release.set_value();
  CHECK(first.get().text == "1");
  CHECK(second.get().text == "ok");
  CHECK(third.get().text == "ok");
}

TEST_CASE("http/caller: a call that times out while others wait -> its place goes to the next") {
  std::promise<void> release;
  const auto held = release.get_future().share();
  const ScriptedParticipant participant({[held](TestSocket& client) {
                                           client.receive_message();
                                           client.receive_message();
                                         },
                                         serve});
  CallerOptions options;
  options.connections_per_host_max = 1;
  CallerShard shard(options);
  BranchCall doomed = call_of(participant.url());
  doomed.timeout_ms = 50;
  auto first = shard.start(std::move(doomed));
  auto second = shard.start(call_of(participant.url()));
  CHECK(first.get().result == CallResult::unknown);
  CHECK(second.get().result == CallResult::success);
}

TEST_CASE("http/caller: idle connections -> closed after the idle timeout") {
  std::promise<void> closed;
  const ScriptedParticipant participant({[&closed](TestSocket& client) {
    serve(client);
    closed.set_value();
  }});
  CallerOptions options;
  options.idle_timeout_ms = 50;
  CallerShard shard(options);
  CHECK(shard.call(call_of(participant.url())).result == CallResult::success);
  CHECK(closed.get_future().wait_for(std::chrono::seconds(8)) == std::future_status::ready);
}

TEST_CASE("http/caller: an early answer while the request is still being sent -> taken, connection not used again") {
  const std::string refusal = "HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\nno";
  std::promise<void> done;
  const ScriptedParticipant participant({[&refusal, seen = done.get_future().share()](TestSocket& client) {
                                           client.receive_buffer_bytes(4'096);
                                           client.receive();
                                           client.send(refusal);
                                           seen.wait();
                                         },
                                         serve});
  CallerShard shard;
  BranchCall call = call_of(participant.url());
  call.payload = std::string(64 << 20, 'x');
  const BranchReply reply = shard.call(std::move(call));
  CHECK(reply.result == CallResult::failure);
  CHECK(reply.text == "no");
  done.set_value();
  CHECK(shard.call(call_of(participant.url())).result == CallResult::success);
}

TEST_CASE("http/caller: a completion that calls again -> works, on the same connection") {
  const ScriptedParticipant participant({serve});
  CallerShard shard;
  std::promise<int> done;
  std::function<void(int)> call_again;
  shard.run([&](BranchCaller& caller) {
    call_again = [&](int left) {
      if (left == 0) return done.set_value(0);
      caller.call(call_of(participant.url()), [&call_again, left](const BranchReply& reply) {
        call_again(reply.result == CallResult::success ? left - 1 : left);
      });
    };
    call_again(20);
  });
  CHECK(done.get_future().wait_for(std::chrono::seconds(10)) == std::future_status::ready);
}

TEST_CASE("http/caller: destroyed with calls in flight and waiting -> each ends as unknown, from any thread") {
  for (const bool on_shard : {true, false}) {
    CAPTURE(on_shard);
    std::promise<void> came;
    const ScriptedParticipant participant({[&came](TestSocket& client) {
      client.receive_message();
      came.set_value();
      client.receive_message();
    }});
    CallerOptions options;
    options.connections_per_host_max = 1;
    CallerShard shard(options);
    auto in_flight = shard.start(call_of(participant.url()));
    auto waiting = shard.start(call_of(participant.url()));
    came.get_future().wait();
    if (on_shard) {
      shard.run([&shard](BranchCaller&) { shard.destroy_caller(); });
    } else {
      shard.run([](BranchCaller&) {});
      shard.destroy_caller();
    }
    CHECK(in_flight.get().text == "the caller has been closed");
    CHECK(waiting.get().result == CallResult::unknown);
  }
}

TEST_CASE("http/caller: destroyed by a completion -> the others end as unknown") {
  const ScriptedParticipant participant({[](TestSocket& client) {
    client.receive_message();
    client.send(answer("200 OK", "first"));
    client.receive_message();
  }});
  CallerOptions options;
  options.connections_per_host_max = 1;
  CallerShard shard(options);
  std::promise<BranchReply> first;
  std::promise<BranchReply> second;
  shard.run([&](BranchCaller& caller) {
    caller.call(call_of(participant.url()), [&](BranchReply reply) {
      shard.destroy_caller();
      first.set_value(std::move(reply));
    });
    caller.call(call_of(participant.url()), [&second](BranchReply reply) { second.set_value(std::move(reply)); });
  });
  CHECK(first.get_future().get().text == "first");
  CHECK(second.get_future().get().text == "the caller has been closed");
}

}  // namespace
}  // namespace settle::http
