// A connection of the HTTP server, from its first byte to its last. The first byte says whether the handler answers at
// once or later, and whether the client sends all at once.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include "fuzz/fuzzer.hpp"
#include "transports/http/answer_parser.hpp"
#include "transports/http/connection.hpp"

namespace settle::fuzz {
namespace {

constexpr std::size_t kInputBytesMax = 32 << 10;  // what a socket takes without a reader
constexpr int kTurnsMax = 10'000;

// The client's end of a connection whose other end is served.
class Client {
 public:
  Client(boost::asio::io_context& loop, http::ConnectionLoop& connections) {
    std::array<int, 2> ends{};
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0, "there are sockets");
    descriptor_ = ends[0];
    boost::asio::ip::tcp::socket served(loop);
    served.assign(boost::asio::ip::tcp::v4(), ends[1]);
    connections.reserve();
    connections.serve(std::move(served), false);
  }
  ~Client() { close(descriptor_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // False: nobody reads any more.
  bool send(std::string_view bytes) {
    return ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
  void end() { shutdown(descriptor_, SHUT_WR); }

  // Whether the server has closed. Adds what has come to `answers`.
  bool receive(std::string& answers) {
    std::array<char, 4096> buffer{};
    while (true) {
      const ssize_t count = recv(descriptor_, buffer.data(), buffer.size(), 0);
      if (count == 0) return true;
      if (count < 0) return errno != EAGAIN;
      answers.append(buffer.data(), static_cast<std::size_t>(count));
    }
  }

 private:
  int descriptor_ = -1;
};

struct Handled {
  std::size_t requests = 0;
  std::size_t body_bytes = 0;
};

http::ServerConfig config(boost::asio::io_context& loop, Handled& handled, bool later) {
  http::ServerConfig config;
  config.options.header_bytes_max = 512;
  config.options.body_bytes_max = 512;
  config.handler = [&loop, &handled, later](const http::Request& request, http::Respond respond) {
    ++handled.requests;
    handled.body_bytes += request.body.size();
    // The length of what is left out of an answer to HEAD would be taken for that of a body.
    http::Response response{.content_type = "text/plain", .body = request.method == "HEAD" ? "" : request.body};
    if (!later) return respond(std::move(response));
    boost::asio::post(loop, [respond = std::make_shared<http::Respond>(std::move(respond)),
                             response = std::move(response)]() mutable { (*respond)(std::move(response)); });
  };
  return config;
}

// A client understands all of it: whole answers, one for each request that was handled, and at most one refusal, at the
// end.
void check_answers(std::string_view answers, const Handled& handled) {
  std::size_t successes = 0;
  std::size_t echoed_bytes = 0;
  http::AnswerParser parser(1 << 20);
  while (!answers.empty()) {
    parser.start();
    answers.remove_prefix(parser.feed(answers));
    if (parser.state() == http::AnswerState::more && answers.empty()) return;  // a lone "100 Continue"
    check(parser.state() == http::AnswerState::complete, "what the server sends are answers", answers);
    const http::Answer answer = parser.take_answer();
    if (answer.status == 200) {
      ++successes;
      echoed_bytes += answer.body.size();
      continue;
    }
    check(answer.status >= 400 && answer.status < 500, "a client is refused as one");
    check(is_json(answer.body), "a refusal is JSON");
    check(answers.empty(), "nothing follows a refusal", answers);
    check(!parser.keep_alive(), "a refusal is the last answer");
  }
  check(successes == handled.requests, "each request has its answer");
  check(echoed_bytes <= handled.body_bytes, "no body is answered twice");
}

}  // namespace

void run(std::string_view bytes) {
  Input input(bytes.substr(0, kInputBytesMax));
  const std::uint8_t way = input.byte();
  const std::string_view stream = input.rest();
  boost::asio::io_context loop(1);
  Handled handled;
  const auto connections = std::make_shared<http::ConnectionLoop>(
      loop, std::make_shared<const http::ServerConfig>(config(loop, handled, (way & 1) != 0)));
  {
    Client client(loop, *connections);
    std::string answers;
    const std::size_t first = (way & 2) != 0 ? stream.size() / 2 : stream.size();
    bool taken = client.send(stream.substr(0, first));
    loop.poll();
    taken = taken && client.send(stream.substr(first));
    client.end();
    bool closed = false;
    for (int turn = 0; turn < kTurnsMax && !closed; ++turn) {
      loop.restart();
      loop.poll();
      closed = client.receive(answers);
    }
    check(closed, "the server ends a connection that its client has ended");
    if (taken) check_answers(answers, handled);
  }
  connections->close_all();
  loop.restart();
  loop.poll();
  check(connections->count() == 0, "a connection that has ended is not counted");
}

}  // namespace settle::fuzz
