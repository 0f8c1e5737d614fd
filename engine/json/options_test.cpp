#include "engine/json/options.hpp"

#include <doctest/doctest.h>

#include <array>

namespace settle::dtm {
namespace {

Options parsed(std::string_view text) {
  const auto options = parse_options(text);
  const std::string why = options ? "" : options.error().message;
  REQUIRE_MESSAGE(options, why);
  return options.value();
}

TEST_CASE("json/options: all of them -> the text that DTM has, and back") {
  Options options;
  options.wait_result = true;
  options.timeout_to_fail_s = 1'000;
  options.request_timeout_s = 2;
  options.retry_interval_s = 15;
  options.retry_limit = 3;
  options.branch_headers = {{"a", "b\""}, {"c", ""}};
  options.concurrent = true;
  const std::string text = options_text(options);
  CHECK(text == R"({"wait_result":true,"timeout_to_fail":1000,"request_timeout":2,"retry_interval":15,)"
                R"("branch_headers":{"a":"b\"","c":""},"concurrent":true,"retry_limit":3})");
  CHECK(parsed(text) == options);
}

TEST_CASE("json/options: none -> concurrent alone; an empty text says as much") {
  CHECK(options_text({}) == R"({"concurrent":false})");
  CHECK(parsed(R"({"concurrent":false})") == Options{});
  CHECK(parsed("") == Options{});
  CHECK(parsed("{}") == Options{});
  CHECK(parsed("null") == Options{});
}

TEST_CASE("json/options: members that are not known, null, and another case -> read as far as they are") {
  Options expected;
  expected.retry_limit = 4;
  CHECK(parsed(R"({"passthrough_headers":["a"],"Retry_Limit":4,"branch_headers":null,"wait_result":null})") ==
        expected);
}

TEST_CASE("json/options: what is no options -> refused, naming the member") {
  struct Row {
    const char* text;
    const char* message;
  };
  const std::array rows{
      Row{"[]", "options: must be an object, is an array"},
      Row{R"({"retry_limit":"4"})", "options.retry_limit: must be a whole number, is a string"},
      Row{R"({"branch_headers":{"a":1}})", "options.branch_headers: must hold strings"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto options = parse_options(row.text);
    REQUIRE(!options);
    CHECK(options.error().message == row.message);
  }
  CHECK(!parse_options("{"));
}

}  // namespace
}  // namespace settle::dtm
