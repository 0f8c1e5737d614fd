#include "benches/http_message.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace settle::bench;

TEST_CASE("bench/http message: every prefix -> partial, then whole with what follows left alone") {
  const std::string request = "POST /a?gid=g HTTP/1.1\r\nHost: x\r\nCONTENT-length:  5 \r\n\r\nhello";
  HttpMessage message;
  for (std::size_t size = 0; size < request.size(); ++size) {
    CAPTURE(size);
    CHECK(find_http_message(std::string_view(request).substr(0, size), message) == HttpFound::partial);
  }
  const std::string two = request + "GET / HTTP/1.1\r\n\r\n";
  REQUIRE(find_http_message(two, message) == HttpFound::whole);
  CHECK(message.first_line == "POST /a?gid=g HTTP/1.1");
  CHECK(message.body == "hello");
  CHECK(message.size == request.size());
  CHECK_FALSE(message.close_after);
  const std::string rest = two.substr(message.size);
  REQUIRE(find_http_message(rest, message) == HttpFound::whole);
  CHECK(message.body.empty());
}

TEST_CASE("bench/http message: what the bench cannot read -> malformed, never a wrong body") {
  for (const char* text :
       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"}) {
    CAPTURE(text);
    HttpMessage message;
    CHECK(find_http_message(text, message) == HttpFound::malformed);
  }
  HttpMessage message;
  CHECK(find_http_message(std::string(100'000, 'x'), message) == HttpFound::malformed);
  REQUIRE(find_http_message("HTTP/1.1 200 OK\r\nConnection: Close\r\n\r\n", message) == HttpFound::whole);
  CHECK(message.close_after);
}

TEST_CASE("bench/http message: status lines -> the number, or none") {
  CHECK(http_status("HTTP/1.1 200 OK") == 200);
  CHECK(http_status("HTTP/1.0 409") == 409);
  CHECK(http_status("HTTP/1.1 OK") == 0);
  CHECK(http_status("GET / HTTP/1.1") == 0);
}

TEST_CASE("bench/http message: a branch call's parameters -> found in any order, all or none") {
  const auto call = called_branch("POST /x?a=b&op=action&trans_type=saga&branch_id=01&gid=g1 HTTP/1.1");
  REQUIRE(call.has_value());
  CHECK(call->gid == "g1");
  CHECK(call->branch_id == "01");
  CHECK(call->operation == "action");
  CHECK_FALSE(called_branch("POST /x?gid=g1&op=action HTTP/1.1").has_value());
  CHECK_FALSE(called_branch("POST /x HTTP/1.1").has_value());
}
