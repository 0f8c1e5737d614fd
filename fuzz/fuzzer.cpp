#include "fuzz/fuzzer.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <boost/json/parse.hpp>

#include "engine/core/utf8.hpp"

namespace settle::fuzz {

void check(bool holds, const char* what, std::string_view seen) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  if (!seen.empty()) std::fprintf(stderr, "seen: %.*s\n", static_cast<int>(seen.size()), seen.data());
  std::abort();
}

std::uint8_t Input::byte() {
  if (rest_.empty()) return 0;
  const auto value = static_cast<std::uint8_t>(rest_.front());
  rest_.remove_prefix(1);
  return value;
}

std::int64_t Input::number() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 8) value |= std::uint64_t{byte()} << shift;
  return static_cast<std::int64_t>(value);
}

std::string_view Input::until(char end) {
  const std::string_view part = rest_.substr(0, rest_.find(end));
  rest_.remove_prefix(std::min(rest_.size(), part.size() + 1));
  return part;
}

std::string_view Input::rest() { return std::exchange(rest_, {}); }

bool is_utf8(std::string_view text) { return core::count_characters(std::string(text)).has_value(); }

bool is_json(std::string_view text) {
  boost::json::error_code failed;
  boost::json::parse({text.data(), text.size()}, failed, {}, {.max_depth = 2'000});
  return !failed;
}

void check_error_text(std::string_view text) {
  check(!text.empty(), "an error says what is wrong");
  check(text.size() <= kErrorTextBytesMax, "an error's text is bounded");
  check(is_utf8(text), "an error's text is UTF-8", text);
}

}  // namespace settle::fuzz
