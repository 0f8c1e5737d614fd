#include "engine/json/json_text.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <time.h>

#include <array>

namespace settle::dtm {
namespace {

std::string json_string(std::string_view text) {
  std::string to;
  append_json_string(to, text);
  return to;
}

std::string base64(std::string_view bytes) {
  std::string to;
  append_base64(to, bytes);
  return to;
}

std::string time_in(const char* zone, std::int64_t wall_ms) {
  setenv("TZ", zone, 1);  // NOLINT(concurrency-mt-unsafe): this program has one thread
  tzset();
  std::string to;
  append_time(to, wall_ms);
  unsetenv("TZ");  // NOLINT(concurrency-mt-unsafe)
  tzset();
  return to;
}

TEST_CASE("json/writing: strings -> escaped, and always UTF-8") {
  struct Row {
    const char* name;
    std::string_view text;
    const char* json;
  };
  const std::array rows{
      Row{"empty", "", R"("")"},
      Row{"plain", "saga 1", R"("saga 1")"},
      Row{"quotes and backslashes", "a\"b\\c", R"("a\"b\\c")"},
      Row{"control characters", std::string_view("\n\r\t\0\x1f", 5), R"("\n\r\t\u0000\u001f")"},
      Row{"two, three and four bytes", "ü事😀", "\"ü事😀\""},
      Row{"a byte that begins nothing", "a\xFFz", "\"a\uFFFDz\""},
      Row{"cut off at the end", "a\xE4\xBA", "\"a\uFFFD\uFFFD\""},
      Row{"overlong", "\xC0\xAF", "\"\uFFFD\uFFFD\""},
      Row{"a surrogate", "\xED\xA0\x80", "\"\uFFFD\uFFFD\uFFFD\""},
      Row{"beyond Unicode", "\xF4\x90\x80\x80", "\"\uFFFD\uFFFD\uFFFD\uFFFD\""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(json_string(row.text) == row.json);
  }
}

TEST_CASE("json/writing: base64 -> padded to whole groups") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("{\"n\":1}") == "eyJuIjoxfQ==");
  CHECK(base64("\xFB\xFF\xFE") == "+//+");
}

TEST_CASE("json/writing: what is given as base64 -> its bytes, or nothing") {
  CHECK(parse_base64("") == "");
  CHECK(parse_base64("Zg==") == "f");
  CHECK(parse_base64("Zm8=") == "fo");
  CHECK(parse_base64("Zm9v") == "foo");
  CHECK(parse_base64("+//+") == "\xFB\xFF\xFE");
  CHECK(parse_base64("Zm\r\n9v\n") == "foo");
  for (const char* text : {"Z", "Zg", "Zg=", "Z===", "====", "Zm9v=", "Zg==Zg==", "Zm-_", "Zm 9", "\xC3\xA9+/"}) {
    CAPTURE(text);
    CHECK(!parse_base64(text));
  }
}

TEST_CASE("json/writing: text -> UTF-8, with U+FFFD for every byte that is none") {
  CHECK(valid_utf8("") == "");
  CHECK(valid_utf8("sound ü事😀") == "sound ü事😀");
  CHECK(valid_utf8("\xFFz\xE4\xBA") == "\uFFFDz\uFFFD\uFFFD");
}

TEST_CASE("json/writing: a message that is too long -> its beginning, cut between characters, with a mark") {
  CHECK(told_message(std::string(kMessageBytesMax, 'x')) == std::string(kMessageBytesMax, 'x'));
  CHECK(told_message(std::string(kMessageBytesMax + 1, 'x')) == std::string(kMessageBytesMax, 'x') + " … (shortened)");
  std::string wide = "x";
  while (wide.size() <= kMessageBytesMax) wide += "\xC3\xA4";
  CHECK(told_message(wide) == wide.substr(0, kMessageBytesMax - 1) + " … (shortened)");
}

TEST_CASE("json/writing: a message of bytes that are no UTF-8 -> as long as it is shown, no longer than any other") {
  CHECK(told_message("is '\xFF'") == "is '\uFFFD'");
  const std::string told = told_message(std::string(kMessageBytesMax, '\xFF'));
  CHECK(told == valid_utf8(std::string(kMessageBytesMax / 3, '\xFF')) + " … (shortened)");
}

TEST_CASE("json/writing: times -> RFC 3339 with milliseconds and the local zone") {
  CHECK(time_in("UTC0", 1'700'000'000'123) == "2023-11-14T22:13:20.123Z");
  CHECK(time_in("UTC0", 1'700'000'000'000) == "2023-11-14T22:13:20.000Z");
  CHECK(time_in("EAST-08", 1'700'000'000'007) == "2023-11-15T06:13:20.007+08:00");
  CHECK(time_in("WEST03:30", 1'700'000'000'007) == "2023-11-14T18:43:20.007-03:30");
  CHECK(time_in("UTC0", -1) == "1969-12-31T23:59:59.999Z");
  CHECK(time_in("WEST12", INT64_MAX) == "9999-12-29T12:00:00.000-12:00");
  CHECK(time_in("EAST-12", INT64_MIN) == "0001-01-02T12:00:00.000+12:00");
}

TEST_CASE("json/writing: an object -> its members in the order they were written") {
  std::string to;
  JsonObject object(to);
  object.text("a", "x");
  object.number("b", -5);
  object.boolean("c", true);
  object.base64("d", "foo");
  object.value("e") += "[]";
  object.end();
  CHECK(to == R"({"a":"x","b":-5,"c":true,"d":"Zm9v","e":[]})");
}

}  // namespace
}  // namespace settle::dtm
