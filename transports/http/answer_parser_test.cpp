#include "transports/http/answer_parser.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>

namespace settle::http {
namespace {

constexpr std::size_t kAnswerBytesMax = 20;

struct Row {
  std::string name;
  std::string bytes;
  AnswerState state;
  unsigned status = 0;
  std::string body = {};
  bool keep_alive = true;
  bool until_close = false;
  std::string location = {};
};

const Row kRows[] = {
    {"a length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", AnswerState::complete, 200, "ok"},
    {"no reason", "HTTP/1.1 409 \r\nContent-Length: 0\r\n\r\n", AnswerState::complete, 409, ""},
    {"chunks", "HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
     AnswerState::complete, 500, "abc"},
    {"204", "HTTP/1.1 204 No Content\r\n\r\n", AnswerState::complete, 204, ""},
    {"304 with a length", "HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n", AnswerState::complete, 304, ""},
    {"interim answers",
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
     AnswerState::complete, 200, "x"},
    {"close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", AnswerState::complete, 200, "x",
     false},
    {"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", AnswerState::complete, 200, "x", false},
    {"until the end", "HTTP/1.1 200 OK\r\n\r\nwhole", AnswerState::complete, 200, "whole", false, true},
    {"an empty one until the end", "HTTP/1.0 200 OK\r\n\r\n", AnswerState::complete, 200, "", false, true},
    {"a location", "HTTP/1.1 302 Found\r\nlocation: \t/a b \r\nLocation: /c\r\nContent-Length: 0\r\n\r\n",
     AnswerState::complete, 302, "", true, false, "/a b"},
    {"a location of an interim answer, and behind chunks",
     "HTTP/1.1 103 Hints\r\nLocation: /a\r\n\r\nHTTP/1.1 302 Found\r\nTransfer-Encoding: chunked\r\n\r\n"
     "0\r\nLocation: /b\r\n\r\n",
     AnswerState::complete, 302},
    {"no HTTP", "SSH-2.0-OpenSSH\r\n\r\n", AnswerState::malformed},
    {"no status", "HTTP/1.1 abc OK\r\n\r\n", AnswerState::malformed},
    {"too long", "HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n123456789012345678901", AnswerState::too_long},
    {"too long in chunks",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n1234567890\r\nb\r\n12345678901\r\n0\r\n\r\n",
     AnswerState::too_long},
    {"too long until the end", "HTTP/1.1 200 OK\r\n\r\n123456789012345678901", AnswerState::too_long},
};

TEST_CASE("http/answer parser: answers, cut in two at every place -> the same") {
  AnswerParser parser(kAnswerBytesMax);
  for (const Row& row : kRows) {
    CAPTURE(row.name);
    for (std::size_t first = 0; first <= row.bytes.size(); ++first) {
      parser.start();
      std::size_t taken = parser.feed(std::string_view(row.bytes).substr(0, first));
      if (parser.state() == AnswerState::more) taken += parser.feed(std::string_view(row.bytes).substr(taken));
      if (row.until_close) {
        REQUIRE(parser.state() == AnswerState::more);
        parser.feed_end();
      }
      REQUIRE(parser.state() == row.state);
      if (row.state != AnswerState::complete) continue;
      CHECK(taken == row.bytes.size());
      CHECK(parser.keep_alive() == row.keep_alive);
      const Answer answer = parser.take_answer();
      CHECK(answer.status == row.status);
      CHECK(answer.location == row.location);
      CHECK(answer.body == row.body);
    }
  }
}

TEST_CASE("http/answer parser: the end within an answer of known length -> not an answer") {
  for (const char* const bytes :
       {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", "HTTP/1.1 100 Continue\r\n\r\n"}) {
    CAPTURE(bytes);
    AnswerParser parser(kAnswerBytesMax);
    parser.feed(bytes);
    parser.feed_end();
    CHECK(parser.state() == AnswerState::more);
  }
}

TEST_CASE("http/answer parser: a head or interim answers without an end -> a limit holds") {
  const auto state_after_many = [](const std::string& begin, const std::string& piece) {
    AnswerParser parser(kAnswerBytesMax);
    std::string unread = begin;
    for (std::size_t fed = 0; parser.state() == AnswerState::more && fed < 1'000'000; fed += piece.size()) {
      unread += piece;
      unread.erase(0, parser.feed(unread));
    }
    return parser.state();
  };
  CHECK(state_after_many("HTTP/1.1 200 OK\r\n", "X: y\r\n") == AnswerState::too_long);
  CHECK(state_after_many("HTTP/1.1 200 OK\r\nX: ", "yyyy") == AnswerState::too_long);
  CHECK(state_after_many("", "HTTP/1.1 100 Continue\r\n\r\n") == AnswerState::malformed);
}

TEST_CASE("http/answer parser: damaged answers in random pieces -> never more than a refusal") {
  std::mt19937 random(11);
  const auto below = [&random](std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
  };
  AnswerParser parser(kAnswerBytesMax);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = kRows[below(std::size(kRows))].bytes;
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
    parser.start();
    std::size_t taken = 0;
    for (std::size_t end = 0; end < bytes.size() && parser.state() == AnswerState::more;) {
      end = std::min(bytes.size(), end + 1 + below(20));
      taken += parser.feed(std::string_view(bytes).substr(taken, end - taken));
      REQUIRE(taken <= end);
    }
    parser.feed_end();
    if (parser.state() == AnswerState::complete) CHECK(parser.take_answer().body.size() <= kAnswerBytesMax);
  }
}

}  // namespace
}  // namespace settle::http
