#include "transports/http/request_parser.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>

namespace settle::http {
namespace {

constexpr std::size_t kHeaderBytesMax = 300;
constexpr std::size_t kBodyBytesMax = 50;
constexpr std::size_t kDropBytesMax = 200;

// Feeds what has come in two parts, the first `first` bytes long, as a connection does: what was not taken comes again.
RequestState feed_split(RequestParser& parser, std::string_view bytes, std::size_t first, std::size_t& taken) {
  taken = parser.feed(bytes.substr(0, first));
  if (parser.state() == RequestState::more) taken += parser.feed(bytes.substr(taken));
  return parser.state();
}

RequestState feed_bytewise(RequestParser& parser, std::string_view bytes) {
  std::size_t taken = 0;
  for (std::size_t end = 1; end <= bytes.size() && parser.state() == RequestState::more; ++end) {
    taken += parser.feed(bytes.substr(taken, end - taken));
  }
  return parser.state();
}

const std::string kRest = "GET /next";

struct Row {
  std::string name;
  std::string bytes;
  RequestState state;
  std::string method = {};
  std::string target = {};
  std::string body = {};
};

const Row kRows[] = {
    {"plain GET", "GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n", RequestState::complete, "GET", "/a?b=c", ""},
    {"empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", RequestState::complete, "GET", "/", ""},
    {"a body", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", RequestState::complete, "POST", "/",
     "hello"},
    {"a chunked body",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: "
     "x\r\n\r\n",
     RequestState::complete, "POST", "/", "abcde"},
    {"an empty chunked body", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     RequestState::complete, "POST", "/", ""},
    {"a method of its own", "BREW /pot HTTP/1.1\r\nHost: h\r\n\r\n", RequestState::complete, "BREW", "/pot", ""},
    {"an absolute target", "GET http://h:1/a?b HTTP/1.1\r\nHost: h\r\n\r\n", RequestState::complete, "GET", "/a?b", ""},
    {"an absolute target without path", "GET http://h HTTP/1.1\r\nHost: h\r\n\r\n", RequestState::complete, "GET", "/",
     ""},
    {"an absolute target with a query only", "GET http://h?a HTTP/1.1\r\nHost: h\r\n\r\n", RequestState::complete,
     "GET", "/?a", ""},
    {"HTTP/1.0 without a host", "GET / HTTP/1.0\r\n\r\n", RequestState::complete, "GET", "/", ""},
    {"HTTP/1.1 without a host", "GET / HTTP/1.1\r\n\r\n", RequestState::malformed},
    {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", RequestState::malformed},
    {"a bare line break", "GET / HTTP/1.1\nHost: h\r\n\r\n", RequestState::malformed},
    {"a field without a colon", "GET / HTTP/1.1\r\nHost\r\n\r\n", RequestState::malformed},
    {"lengths that differ", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
     RequestState::malformed},
    {"a negative length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", RequestState::malformed},
    {"length and chunks",
     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     RequestState::malformed},
    {"an encoding that is not chunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n",
     RequestState::malformed},
    {"a chunk without a size", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
     RequestState::malformed},
    {"a header that is too long", "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(kHeaderBytesMax, 'x') + "\r\n\r\n",
     RequestState::header_too_long},
    {"a body that is too long", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 51\r\n\r\n" + std::string(51, 'x'),
     RequestState::body_too_long},
    {"a body that is far too long",
     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9999\r\n\r\n" + std::string(9999, 'x'),
     RequestState::body_too_long},
    {"chunks that are too long",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + std::string(64, 'x') + "\r\n0\r\n\r\n",
     RequestState::body_too_long},
};

TEST_CASE("http/request parser: requests, cut in two at every place -> the same") {
  for (const Row& row : kRows) {
    CAPTURE(row.name);
    for (std::size_t first = 0; first <= row.bytes.size(); ++first) {
      RequestParser parser(kHeaderBytesMax, kBodyBytesMax, kDropBytesMax);
      std::size_t taken = 0;
      REQUIRE(feed_split(parser, row.bytes + (row.state == RequestState::complete ? kRest : ""), first, taken) ==
              row.state);
      if (row.state != RequestState::complete) continue;
      CHECK(taken == row.bytes.size());
      const Request request = parser.take_request();
      CHECK(request.method == row.method);
      CHECK(request.target == row.target);
      CHECK(request.body == row.body);
    }
  }
}

TEST_CASE("http/request parser: requests, byte by byte and one after another on one parser -> the same") {
  RequestParser parser(kHeaderBytesMax, kBodyBytesMax, kDropBytesMax);
  for (const Row& row : kRows) {
    CAPTURE(row.name);
    parser.start();
    CHECK(!parser.started());
    REQUIRE(feed_bytewise(parser, row.bytes) == row.state);
    CHECK(parser.started());
    if (row.state == RequestState::complete) CHECK(parser.take_request().body == row.body);
  }
}

TEST_CASE("http/request parser: keep-alive -> as version and header say") {
  const auto keeps_alive = [](const std::string& bytes) {
    RequestParser parser(kHeaderBytesMax, kBodyBytesMax, kDropBytesMax);
    parser.feed(bytes);
    REQUIRE(parser.state() == RequestState::complete);
    return parser.keep_alive();
  };
  CHECK(keeps_alive("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  CHECK(!keeps_alive("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
  CHECK(!keeps_alive("GET / HTTP/1.0\r\n\r\n"));
  CHECK(keeps_alive("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
}

TEST_CASE("http/request parser: a header in pieces that end with a line each -> the limit holds") {
  RequestParser parser(kHeaderBytesMax, kBodyBytesMax, kDropBytesMax);
  std::string unread = "GET / HTTP/1.1\r\nHost: h\r\n";
  int lines = 0;
  while (parser.state() == RequestState::more && lines < 1'000) {
    unread += "X: y\r\n";
    unread.erase(0, parser.feed(unread));
    ++lines;
  }
  CHECK(parser.state() == RequestState::header_too_long);
  CHECK(lines <= static_cast<int>(kHeaderBytesMax) / 6);
}

TEST_CASE("http/request parser: a chunk's header, or trailing fields, without an end -> the limit holds") {
  for (const std::string begin : {"1;", "0\r\nX: "}) {
    CAPTURE(begin);
    RequestParser parser(kHeaderBytesMax, kBodyBytesMax, kDropBytesMax);
    std::string unread = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + begin;
    while (parser.state() == RequestState::more) {
      unread.erase(0, parser.feed(unread));
      unread += "xxxxxxx";
      REQUIRE(unread.size() < 2 * kHeaderBytesMax);
    }
    CHECK(parser.state() == RequestState::header_too_long);
  }
}

TEST_CASE("http/request parser: Expect -> asked for once, and only before the body") {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n";
  RequestParser parser(kHeaderBytesMax, kBodyBytesMax, kDropBytesMax);
  CHECK(!parser.take_expects_continue());
  parser.feed(head);
  CHECK(!parser.announces_too_long_body());
  CHECK(parser.take_expects_continue());
  CHECK(!parser.take_expects_continue());
  parser.start();
  parser.feed(head + "ab");
  CHECK(!parser.take_expects_continue());
  parser.start();
  parser.feed("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 51\r\n\r\n");
  CHECK(parser.announces_too_long_body());
}

// Whatever comes, the parser ends or wants more: no assertion of Beast's, no memory fault, no endless loop.
TEST_CASE("http/request parser: damaged requests in random pieces -> never more than a refusal") {
  std::mt19937 random(7);
  const auto below = [&random](std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
  };
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = kRows[below(std::size(kRows))].bytes.substr(0, 600);
    for (std::size_t damage = below(4); damage > 0; --damage) {
      const std::size_t place = below(bytes.size());
      switch (below(3)) {
        case 0:
          bytes[place] = static_cast<char>(below(256));
          break;
        case 1:
          bytes.erase(place, below(8));
          break;
        default:
          bytes.insert(place, bytes.substr(below(bytes.size()), below(12)));
      }
      if (bytes.empty()) bytes = "x";
    }
    RequestParser parser(kHeaderBytesMax, kBodyBytesMax, kDropBytesMax);
    std::size_t taken = 0;
    for (std::size_t end = 0; end < bytes.size() && parser.state() == RequestState::more;) {
      end = std::min(bytes.size(), end + 1 + below(40));
      taken += parser.feed(std::string_view(bytes).substr(taken, end - taken));
      REQUIRE(taken <= end);
    }
    if (parser.state() == RequestState::complete) CHECK(parser.take_request().body.size() <= kBodyBytesMax);
  }
}

}  // namespace
}  // namespace settle::http
