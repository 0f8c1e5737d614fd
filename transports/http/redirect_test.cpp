#include "transports/http/redirect.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "transports/http/url.hpp"

namespace settle::http {
namespace {

using Headers = std::map<std::string, std::string>;

OutboundRequest request_to(const std::string& url, Headers headers = {}) {
  OutboundRequest request;
  request.url = parse_url(url).value();
  request.posts = true;
  request.headers = std::make_shared<const Headers>(std::move(headers));
  return request;
}

OutboundRequest follow(const OutboundRequest& request, unsigned status, const std::string& location) {
  const Answer answer{.status = status, .location = location};
  REQUIRE(is_redirect(answer));
  auto next = redirected(request, answer);
  REQUIRE(next);
  return std::move(next).value();
}

std::string head_of(const OutboundRequest& request) { return request_head(request, 2).value(); }

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("http/redirect: five statuses with a location -> a redirect, nothing else is one") {
  for (const unsigned status : {200U, 201U, 300U, 301U, 302U, 303U, 304U, 305U, 306U, 307U, 308U, 309U, 409U}) {
    CAPTURE(status);
    const bool leads_on = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    CHECK(is_redirect({.status = status, .location = "/y"}) == leads_on);
    CHECK(!is_redirect({.status = status}));
  }
}

TEST_CASE("http/redirect: 301, 302 and 303 -> a GET without the payload, and without the headers about it") {
  const Headers headers = {
      {"content-encoding", "gzip"}, {"Content-Language", "de"}, {"content-type", "a/b"}, {"X-Tenant", "t1"}};
  for (const unsigned status : {301U, 302U, 303U}) {
    CAPTURE(status);
    const OutboundRequest next = follow(request_to("http://h:1/x?gid=g", headers), status, "/y?z=1");
    CHECK(head_of(next) ==
          "GET /y?z=1 HTTP/1.1\r\nHost: h:1\r\nUser-Agent: settle\r\nAccept: application/json\r\n"
          "Referer: http://h:1/x?gid=g\r\nX-Tenant: t1\r\n\r\n");
    // It stays so, whatever comes behind it.
    const std::string head = head_of(follow(next, 307, "/z"));
    CHECK(has(head, "GET /z HTTP/1.1\r\n"));
    CHECK(!has(head, "ontent-"));
    CHECK(has(head, "Referer: http://h:1/y?z=1\r\n"));
  }
}

TEST_CASE("http/redirect: 307 and 308 -> the same request to another url") {
  for (const unsigned status : {307U, 308U}) {
    CAPTURE(status);
    CHECK(head_of(follow(request_to("http://h:1/x"), status, "http://h:2/y")) ==
          "POST /y HTTP/1.1\r\nHost: h:2\r\nUser-Agent: settle\r\nContent-Type: application/json\r\n"
          "Accept: application/json\r\nReferer: http://h:1/x\r\nContent-Length: 2\r\n\r\n");
    OutboundRequest get = request_to("http://h:1/x");
    get.posts = false;
    const std::string head = head_of(follow(get, status, "/y"));
    CHECK(has(head, "GET /y HTTP/1.1\r\n"));
    CHECK(has(head, "Content-Type: application/json\r\n"));
  }
}

TEST_CASE("http/redirect: secrets -> to the first host and those below it, and no more once the way has left them") {
  const Headers headers = {{"authorization", "a"},
                           {"Cookie", "c"},
                           {"Cookie2", "c"},
                           {"WWW-Authenticate", "w"},
                           {"Proxy-Authenticate", "p"},
                           {"X-Secret", "x"},
                           {"proxy-authorization", "p"}};
  const auto lines = [](const std::string& head) { return std::count(head.begin(), head.end(), '\n'); };
  const OutboundRequest first = request_to("http://shop.example/x", headers);
  const auto all = lines(head_of(first)) + 1;  // and the Referer
  for (const char* const near : {"/y", "http://shop.example:99/y", "https://SHOP.example/y", "//eu.shop.example/y"}) {
    CAPTURE(near);
    CHECK(lines(head_of(follow(first, 307, near))) == all);
  }
  for (const char* const far : {"http://example/y", "http://myshop.example/y", "http://shop.example.org/y",
                                "http://[fe80::1%25.shop.example]/y", "http://127.0.0.1/y"}) {
    CAPTURE(far);
    const OutboundRequest next = follow(first, 307, far);
    CHECK(lines(head_of(next)) == all - 6);
    CHECK(has(head_of(next), "X-Secret: x\r\n"));
    CHECK(lines(head_of(follow(next, 307, "http://shop.example/y"))) == all - 6);
  }
  // Where one host below leads to another, it is the first that counts.
  const OutboundRequest below = follow(first, 307, "http://eu.shop.example/");
  CHECK(lines(head_of(follow(below, 307, "http://us.shop.example/"))) == all);
}

TEST_CASE(
    "http/redirect: user and password -> of the url that is asked now, also where the header's were left behind") {
  CHECK(has(head_of(follow(request_to("http://me:pw@h/x"), 302, "/y")), "Authorization: Basic bWU6cHc=\r\n"));
  CHECK(!has(head_of(follow(request_to("http://me:pw@h/x"), 302, "http://h/y")), "Authorization"));
  const std::string head =
      head_of(follow(request_to("http://h/x", {{"Authorization", "a"}}), 302, "http://me:pw@other/y"));
  CHECK(has(head, "Authorization: Basic bWU6cHc=\r\n"));
  CHECK(!has(head, "Authorization: a"));
  CHECK(!has(head_of(follow(request_to("http://me:pw@h/x"), 302, "/y")), "pw"));
}

TEST_CASE("http/redirect: Host of the branch headers -> stays until a location names a scheme") {
  const OutboundRequest first = request_to("http://h:1/x", {{"host", "mine"}});
  CHECK(has(head_of(follow(first, 302, "/y")), "\r\nhost: mine\r\n"));
  CHECK(has(head_of(follow(first, 302, "//other/y")), "\r\nhost: mine\r\n"));
  const OutboundRequest next = follow(first, 302, "http://h:1/y");
  CHECK(has(head_of(next), "\r\nHost: h:1\r\n"));
  CHECK(!has(head_of(next), "mine"));
  CHECK(!has(head_of(follow(next, 302, "/z")), "mine"));
}

TEST_CASE("http/redirect: the referer -> never from https to http, and not in place of one of the branch headers") {
  CHECK(has(head_of(follow(request_to("https://h/x"), 302, "/y")), "Referer: https://h/x\r\n"));
  CHECK(!has(head_of(follow(request_to("https://h/x"), 302, "http://h/y")), "Referer"));
  const std::string head = head_of(follow(request_to("http://h/x", {{"referer", "http://me/"}}), 302, "/y"));
  CHECK(has(head, "referer: http://me/\r\n"));
  CHECK(!has(head, "Referer"));
}

TEST_CASE("http/redirect: without an end -> nine are followed, the tenth is too many") {
  OutboundRequest request = request_to("http://h/x");
  for (int redirects = 1; redirects < kRequestsOfCallMax; ++redirects) request = follow(request, 302, "/x");
  const auto last = redirected(request, {.status = 302, .location = "/x"});
  REQUIRE(!last);
  CHECK(last.error().message == "redirected 10 times");
}

TEST_CASE("http/redirect: a location that is no url -> refused with the reason") {
  const auto next = redirected(request_to("http://h/x"), {.status = 302, .location = "ftp://h/"});
  REQUIRE(!next);
  CHECK(next.error().message == "redirected to a malformed url 'ftp://h/': the scheme is neither http nor https");
}

}  // namespace
}  // namespace settle::http
