#include "transports/dtm/query_string.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace settle::dtm {

std::optional<std::string> percent_decode(std::string_view text, Plus plus) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '+' && plus == Plus::blank) {
      decoded += ' ';
    } else if (text[at] != '%') {
      decoded += text[at];
    } else {
      unsigned char byte = 0;
      if (at + 2 >= text.size()) return std::nullopt;
      const char* const end = text.data() + at + 3;
      if (std::from_chars(text.data() + at + 1, end, byte, 16).ptr != end) return std::nullopt;
      decoded += static_cast<char>(byte);
      at += 2;
    }
  }
  return decoded;
}

QueryString QueryString::parse(std::string_view text) {
  QueryString query;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    auto name = percent_decode(pair.substr(0, equals), Plus::blank);
    const std::string_view encoded = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    auto value = percent_decode(encoded, Plus::blank);
    if (name && value) query.values_.emplace_back(std::move(*name), std::move(*value));
  }
  return query;
}

std::string_view QueryString::get(std::string_view name) const {
  for (const auto& [known, value] : values_) {
    if (known == name) return value;
  }
  return {};
}

Result<std::int64_t> QueryString::number(std::string_view name, std::int64_t otherwise, std::int64_t least,
                                         std::int64_t most) const {
  const std::string_view text = get(name);
  if (text.empty()) return otherwise;
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, failed] = std::from_chars(text.data(), end, number);
  const bool is_number = stopped == end && failed != std::errc::invalid_argument;
  if (!is_number) {
    return Error{Code::invalid, std::string(name) + ": must be a whole number, is '" + std::string(text) + "'"};
  }
  if (failed == std::errc::result_out_of_range) return text.front() == '-' ? least : most;
  return std::clamp(number, least, most);
}

}  // namespace settle::dtm
