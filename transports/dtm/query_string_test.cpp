#include "transports/dtm/query_string.hpp"

#include <doctest/doctest.h>

namespace settle::dtm {
namespace {

TEST_CASE("dtm/query string: names and values -> decoded, the first of a name counts") {
  const QueryString query = QueryString::parse("gid=a%20b+c%2f%e4%ba%8b&empty=&bare&gid=second&x%3dy=a=b&&");
  CHECK(query.get("gid") == "a b c/事");
  CHECK(query.get("empty").empty());
  CHECK(query.get("bare").empty());
  CHECK(query.get("missing").empty());
  CHECK(query.get("x=y") == "a=b");
}

TEST_CASE("dtm/query string: a percent sign without digits -> that pair is dropped, and no other") {
  for (const char* text :
       {"gid=%&a=b", "gid=%4&a=b", "gid=%zz&a=b", "a=b&gid=%4z", "gid=%+1&a=b", "a=b&%zz=x&gid=x%"}) {
    CAPTURE(text);
    const QueryString query = QueryString::parse(text);
    CHECK(query.get("gid").empty());
    CHECK(query.get("a") == "b");
  }
  CHECK(QueryString::parse("gid=%zz&gid=second").get("gid") == "second");
}

TEST_CASE("dtm/query string: a plus sign -> a blank in a query, itself in a path") {
  CHECK(percent_decode("a+b%2B", Plus::blank) == "a b+");
  CHECK(percent_decode("a+b%2B", Plus::itself) == "a+b+");
  CHECK(percent_decode("%", Plus::itself) == std::nullopt);
}

TEST_CASE("dtm/query string: numbers -> brought within their limits, or refused with the name") {
  const QueryString query = QueryString::parse(
      "limit=50&zero=0&empty=&word=ten&part=5x&huge=99999999999999999999&tiny=-99999999999999999999&rest=9999999999999"
      "9999999x");
  CHECK(query.number("limit", 100, 1, 100).value() == 50);
  CHECK(query.number("missing", 100, 1, 100).value() == 100);
  CHECK(query.number("empty", 100, 1, 100).value() == 100);
  CHECK(query.number("zero", 100, 1, 100).value() == 1);
  CHECK(query.number("huge", 50, 1, 100).value() == 100);
  CHECK(query.number("tiny", 50, 1, 100).value() == 1);
  for (const char* name : {"word", "part", "rest"}) {
    CAPTURE(name);
    const Result<std::int64_t> number = query.number(name, 100, 1, 100);
    REQUIRE(!number);
    CHECK(number.error().code == Code::invalid);
    CHECK(number.error().message.starts_with(name));
  }
}

}  // namespace
}  // namespace settle::dtm
