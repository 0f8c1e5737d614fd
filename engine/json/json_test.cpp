#include "engine/json/json.hpp"

#include <doctest/doctest.h>

#include <array>

namespace settle::dtm {
namespace {

std::string text_in(std::string_view document_text) {
  const Document document(document_text, "it");
  if (document.error()) return "refused: " + document.error()->message;
  return text_of(document.value().as_string());
}

TEST_CASE("json/reading: what is not UTF-8 and halves of surrogate pairs -> U+FFFD") {
  struct Row {
    const char* name;
    std::string_view json;
    const char* text;
  };
  const std::array rows{
      Row{"sound", "\"a\\u00e9\xC3\xA9\"", "aéé"},
      Row{"a pair", R"("\ud83d\ude00")", "😀"},
      Row{"the first half, at the end", R"("a\ud83d")", "a\uFFFD"},
      Row{"the first half, before text", R"("\ud83dz")", "\uFFFDz"},
      Row{"the first half, before another escape", R"("\uD83D\u0041")", "\uFFFDA"},
      Row{"the first half, before a pair", R"("\ud83d\ud83d\ude00")", "\uFFFD😀"},
      Row{"the second half", R"("\ude00a")", "\uFFFDa"},
      Row{"both halves, the wrong way round", R"("\ude00\ud83d")", "\uFFFD\uFFFD"},
      Row{"a backslash that is text, before what looks like a half", R"("\\ud83d\ud83d")", "\\ud83d\uFFFD"},
      Row{"a byte that begins nothing", "\"a\xFFz\"", "a\uFFFDz"},
      Row{"cut off", "\"\xE4\xBA\"", "\uFFFD\uFFFD"},
      Row{"a surrogate in bytes", "\"\xED\xA0\x80\"", "\uFFFD\uFFFD\uFFFD"},
      Row{"bytes and a half", "\"\xFF\\ud83d\"", "\uFFFD\uFFFD"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(text_in(row.json) == row.text);
  }
}

TEST_CASE("json/reading: escapes that are none -> refused") {
  for (const char* text : {R"("\u12")", R"("\u12g4")", R"("\ud83d\u12")", R"("\x")", R"("\)"}) {
    CAPTURE(text);
    CHECK(text_in(text).starts_with("refused: it: is not JSON, "));
  }
}

TEST_CASE("json/reading: deep nesting -> read, up to a bound") {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(!Document(nested(1'000), "it").error());
  const Document beyond(nested(1'001), "it");
  REQUIRE(beyond.error());
  CHECK(beyond.error()->message == "it: is not JSON, too deep at byte 1000");
  CHECK(Document(std::string(1'000'000, '['), "it").error());
}

TEST_CASE("json/reading: a document larger than the room in place -> read whole") {
  const std::string text(100'000, 'x');
  CHECK(text_in("\"" + text + "\"") == text);
}

TEST_CASE("json/fields: names in another case -> found, the exact one first") {
  const Document document(R"({"Gid":"folded","GID":"last","gid":"exact","Wait":true})", "it");
  std::string text;
  CHECK(Fields(document.value(), "it").read("gid", text));
  CHECK(text == "exact");
  bool truth = false;
  Fields(document.value(), "it").read("wait", truth);
  CHECK(truth);
  CHECK(Fields(document.value(), "it").find("wai") == nullptr);
  CHECK(Fields(document.value(), "it", Fields::Names::exact).find("wait") == nullptr);
}

TEST_CASE("json/fields: several things that are wrong -> the first is told, and nothing more is read") {
  const Document document(R"({"a":1,"b":"x","c":"y"})", "it");
  Fields fields = Fields::within(document.value(), "steps[0]");
  std::string text;
  CHECK(!fields.read("a", text));
  CHECK(!fields.read("b", text));
  fields.refuse("c", "is something else");
  fields.fail(invalid("and more"));
  REQUIRE(fields.error());
  CHECK(fields.error()->message == "steps[0].a: must be a string, is a number");
  CHECK(text.empty());
}

TEST_CASE("json/fields: null, and what is no object -> no members, and refused under its name") {
  const json::value null;
  std::string text = "before";
  CHECK(!Fields(null, "params").read("a", text));
  CHECK(!Fields(null, "params").error());
  CHECK(text == "before");
  const json::value array = json::array{};
  CHECK(Fields(array, "params").error()->message == "params: must be an object, is an array");
  CHECK(Fields::within(array, "steps[3]").error()->message == "steps[3]: must be an object, is an array");
}

}  // namespace
}  // namespace settle::dtm
