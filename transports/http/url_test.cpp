#include "transports/http/url.hpp"

#include <doctest/doctest.h>

#include <string>

namespace settle::http {
namespace {

TEST_CASE("http/url: well-formed urls -> their parts") {
  struct Row {
    std::string text;
    bool tls;
    std::string host;
    std::uint16_t port;
    std::string target;
    std::string authority;
  };
  const Row rows[] = {
      {"http://example.com", false, "example.com", 80, "/", "example.com"},
      {"HTTPS://Example.COM/A", true, "example.com", 443, "/A", "example.com"},
      {"http://h:8080/a/b?c=d&e=%20", false, "h", 8080, "/a/b?c=d&e=%20", "h:8080"},
      {"http://h?x=1", false, "h", 80, "/?x=1", "h"},
      {"http://h:/x#part?y", false, "h", 80, "/x", "h"},
      {"http://[::1]:81/x", false, "::1", 81, "/x", "[::1]:81"},
      {"https://[FE80::1]/", true, "fe80::1", 443, "/", "[fe80::1]"},
      {"http://h:443/", false, "h", 443, "/", "h:443"},
      {"http://h/a b\"<é>", false, "h", 80, "/a%20b%22%3C%C3%A9%3E", "h"},
      {"http://h/x?u=http://a@b:c/", false, "h", 80, "/x?u=http://a@b:c/", "h"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto url = parse_url(row.text);
    REQUIRE(url);
    CHECK(url.value().tls == row.tls);
    CHECK(url.value().host == row.host);
    CHECK(url.value().port == row.port);
    CHECK(url.value().target == row.target);
    CHECK(url.value().user.empty());
    CHECK(authority(url.value()) == row.authority);
  }
}

TEST_CASE("http/url: user and password -> decoded, and not part of the host") {
  const auto url = parse_url("http://us%40er:pass%3aword@h:1/");
  REQUIRE(url);
  CHECK(url.value().user == "us@er:pass:word");
  CHECK(url.value().host == "h");
  CHECK(authority(url.value()) == "h:1");
}

TEST_CASE("http/url: malformed urls -> an error that shows the url and says what is wrong with it") {
  struct Row {
    std::string text;
    std::string why;
  };
  const Row rows[] = {
      {"", "no scheme"},
      {"example.com/x", "no scheme"},
      {"ftp://h/", "neither http nor https"},
      {"http://", "no host"},
      {"http:///x", "no host"},
      {"http://:80/", "no host"},
      {"http://h:0/", "the port"},
      {"http://h:65536/", "the port"},
      {"http://h:8x/", "the port"},
      {"http://h:-1/", "the port"},
      {"http://h o/", "the host"},
      {"http://::1/", "the port"},
      {"http://[::1/", "the port"},
      {"http://h\r\nHost: x/", "control character"},
      {std::string("http://h/\0", 10), "control character"},
      {"http://" + std::string(300, 'a') + "/", "the host"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto url = parse_url(row.text);
    REQUIRE(!url);
    CHECK(url.error().code == Code::invalid);
    CHECK(url.error().message.find("malformed url '") == 0);
    CHECK(url.error().message.find(row.why) != std::string::npos);
    CHECK(url.error().message.find('\n') == std::string::npos);
  }
}

TEST_CASE("http/url: what an answer says -> resolved against the url that was asked") {
  struct Row {
    const char* base;
    const char* location;
    const char* resolved;
  };
  const Row rows[] = {
      {"http://h:8/a/b?c=1", "/x/y?z", "http://h:8/x/y?z"},
      {"http://h/a/b?c=1", "x", "http://h/a/x"},
      {"http://h", "x", "http://h/x"},
      {"http://h/a/b", "../../../x", "http://h/x"},
      {"http://h/a/b", "..", "http://h/"},
      {"http://h/a/b/c/", ".", "http://h/a/b/c/"},
      {"http://h/a/b", "./x/./y/../z/..", "http://h/a/x/"},
      {"http://h/a/b", "/x//../..y/...", "http://h/x/..y/..."},
      {"http://h/a?q", "?x=../y", "http://h/a?x=../y"},
      {"http://h/a?q", "", "http://h/a?q"},
      {"http://h/a?q", "#part", "http://h/a?q"},
      {"http://h/a", "/x#part", "http://h/x"},
      {"http://h/a", "/x:y", "http://h/x:y"},
      {"http://h/a", "//other:81/x", "http://other:81/x"},
      {"https://h/a", "//other/./x", "https://other/x"},
      {"https://h/a", "/x", "https://h/x"},
      {"http://h:8/a", "HTTPS://Other", "https://other/"},
      {"http://h:8/a", "http://other?x", "http://other/?x"},
      {"http://h:8/a", "http://[::1]:9/a/../b", "http://[::1]:9/b"},
      {"http://h/a", "/gr\u00FC\u00DFe an?x=\u00FC y", "http://h/gr%C3%BC%C3%9Fe%20an?x=%C3%BC%20y"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.base);
    CAPTURE(row.location);
    const auto url = resolve_url(parse_url(row.base).value(), row.location);
    REQUIRE(url);
    CHECK(url_text(url.value()) == row.resolved);
  }
}

TEST_CASE("http/url: an answer that leads to no url -> invalid with the reason") {
  const Url base = parse_url("http://h/a").value();
  for (const char* const location :
       {"ftp://h/", "mailto:somebody", "http:x", "http://", "//", "http://h:0/", "/a\tb"}) {
    CAPTURE(location);
    const auto url = resolve_url(base, location);
    REQUIRE(!url);
    CHECK(url.error().code == Code::invalid);
    CHECK(url.error().message.find("malformed url '") == 0);
  }
}

TEST_CASE("http/url: the user -> stays with the host, and is never shown") {
  const Url base = parse_url("http://me:secret@h/a").value();
  CHECK(resolve_url(base, "/x").value().user == "me:secret");
  CHECK(resolve_url(base, "http://h/x").value().user.empty());
  CHECK(resolve_url(base, "//you@h/x").value().user == "you");
  CHECK(url_text(base) == "http://h/a");
}

TEST_CASE("http/url: percent signs -> the bytes they stand for, where they stand for any") {
  CHECK(percent_decode("a%20b%2Bc%2b+") == "a b+c++");
  CHECK(percent_decode("%E4%BA%8B") == "事");
  CHECK(percent_decode("100%") == "100%");
  CHECK(percent_decode("%2") == "%2");
  CHECK(percent_decode("%zz%%41") == "%zz%A");
}

TEST_CASE("http/url: every byte but the plain ones -> percent-encoded") {
  CHECK(percent_encode("aZ09-_.~") == "aZ09-_.~");
  CHECK(percent_encode("a b&c=d#e?f/g\\\"%+") == "a%20b%26c%3Dd%23e%3Ff%2Fg%5C%22%25%2B");
  CHECK(percent_encode("事") == "%E4%BA%8B");
  CHECK(percent_encode(std::string(1, '\0')) == "%00");
}

}  // namespace
}  // namespace settle::http
