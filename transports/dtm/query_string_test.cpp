#include "transports/dtm/query_string.hpp"

#include <doctest/doctest.h>

namespace settle::dtm {
namespace {

TEST_CASE("dtm/query string: names and values -> decoded, the first of a name counts") {
  const Result<QueryString> parsed = QueryString::parse("gid=a%20b+c%2f%e4%ba%8b&empty=&bare&gid=second&x%3dy=a=b&&");
  REQUIRE(parsed);
  const QueryString& query = parsed.value();
  CHECK(query.get("gid") == "a b c/事");
  CHECK(query.get("empty").empty());
  CHECK(query.get("bare").empty());
  CHECK(query.get("missing").empty());
  CHECK(query.get("x=y") == "a=b");
}

TEST_CASE("dtm/query string: a percent sign without digits -> refused, with the name") {
  for (const char* text : {"gid=%", "gid=%4", "gid=%zz", "gid=%4z", "gid=%+1", "a=b&gid=x%"}) {
    CAPTURE(text);
    const Result<QueryString> parsed = QueryString::parse(text);
    REQUIRE(!parsed);
    CHECK(parsed.error().code == Code::invalid);
    CHECK(parsed.error().message.find("gid") != std::string::npos);
  }
}

TEST_CASE("dtm/query string: numbers -> within their limits, or refused with the name") {
  const Result<QueryString> parsed =
      QueryString::parse("limit=50&zero=0&empty=&word=ten&part=5x&huge=99999999999999999999");
  REQUIRE(parsed);
  const QueryString& query = parsed.value();
  CHECK(query.number("limit", 100, 1, 100).value() == 50);
  CHECK(query.number("missing", 100, 1, 100).value() == 100);
  CHECK(query.number("empty", 100, 1, 100).value() == 100);
  for (const char* name : {"zero", "word", "part", "huge"}) {
    CAPTURE(name);
    const Result<std::int64_t> number = query.number(name, 100, 1, 100);
    REQUIRE(!number);
    CHECK(number.error().code == Code::invalid);
    CHECK(number.error().message.starts_with(name));
  }
}

}  // namespace
}  // namespace settle::dtm
