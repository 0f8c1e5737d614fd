#include "transports/http/white_space.hpp"

#include <doctest/doctest.h>

namespace settle::http {
namespace {

TEST_CASE("http/white space: at both ends -> taken off, whatever kind; within the text and alone -> as it must be") {
  struct Row {
    std::string_view text;
    std::string_view trimmed;
  };
  const Row rows[] = {
      {"", ""},
      {"no", "no"},
      {"no\n", "no"},
      {"\r\n\t \v\f no \r\n", "no"},
      {"two\n words\n", "two\n words"},
      {" \n ", ""},
      {"\u0085\u00A0no\u1680\u2000\u200A\u2028\u2029\u202F\u205F\u3000", "no"},
      {"\u200Bno\uFEFF", "\u200Bno\uFEFF"},  // no white space in Unicode
      {"\x1Cno\x1F", "\x1Cno\x1F"},
      {"\x80no\xC2\xE2\x80", "\x80no\xC2\xE2\x80"},  // not UTF-8
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(trimmed(row.text) == row.trimmed);
  }
}

}  // namespace
}  // namespace settle::http
