#include "engine/json/json_text.hpp"

#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace settle::dtm {
namespace {

// With a day to spare for every zone.
constexpr std::int64_t kTimeMsMin = -62'135'510'400'000;  // 0001-01-02 00:00:00 UTC
constexpr std::int64_t kTimeMsMax = 253'402'128'000'000;  // 9999-12-30 00:00:00 UTC

constexpr std::string_view kBase64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool is_continuation(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}

// The length of the UTF-8 character at `at`, which is not ASCII; 0 where there is none.
std::size_t character_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(at);
  if (first < 0xC2 || first > 0xF4 || !is_continuation(text, at + 1)) return 0;
  if (first < 0xE0) return 2;
  const unsigned second = byte(at + 1);
  if (first < 0xF0) {
    const bool overlong = first == 0xE0 && second < 0xA0;
    const bool surrogate = first == 0xED && second > 0x9F;
    return overlong || surrogate || !is_continuation(text, at + 2) ? 0 : 3;
  }
  const bool overlong = first == 0xF0 && second < 0x90;
  const bool beyond = first == 0xF4 && second > 0x8F;
  return overlong || beyond || !is_continuation(text, at + 2) || !is_continuation(text, at + 3) ? 0 : 4;
}

void append_escape(std::string& to, char character) {
  switch (character) {
    case '"':
      to += "\\\"";
      return;
    case '\\':
      to += "\\\\";
      return;
    case '\n':
      to += "\\n";
      return;
    case '\r':
      to += "\\r";
      return;
    case '\t':
      to += "\\t";
      return;
    default:
      break;
  }
  std::array<char, 8> code{};
  std::snprintf(code.data(), code.size(), "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(character)));
  to += code.data();
}

}  // namespace

void append_json_string(std::string& to, std::string_view text) {
  to += '"';
  std::size_t copied = 0;  // what is in front of this stands in `to`
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const bool plain = byte >= 0x20 && byte != '"' && byte != '\\';
    const std::size_t length = byte < 0x80 ? 1 : character_length(text, at);
    if (plain && length > 0) {
      at += length;
      continue;
    }
    to += text.substr(copied, at - copied);
    if (length == 0) {
      to += "\xEF\xBF\xBD";
    } else {
      append_escape(to, text[at]);
    }
    copied = ++at;
  }
  to += text.substr(copied);
  to += '"';
}

std::string valid_utf8(std::string_view text) {
  std::string valid;
  std::size_t copied = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = static_cast<unsigned char>(text[at]) < 0x80 ? 1 : character_length(text, at);
    if (length > 0) {
      at += length;
      continue;
    }
    valid.append(text.substr(copied, at - copied)).append("\xEF\xBF\xBD");
    copied = ++at;
  }
  return valid.append(text.substr(copied));
}

std::string told_message(std::string_view message) {
  // First of all, for a byte that is not UTF-8 becomes three.
  std::string text = valid_utf8(message);
  if (text.size() <= kMessageBytesMax) return text;
  std::size_t end = kMessageBytesMax;
  while (end > 0 && is_continuation(text, end)) --end;
  text.resize(end);
  return text + " … (shortened)";
}

std::optional<std::string> parse_base64(std::string_view lines) {
  std::string text(lines);
  std::erase_if(text, [](char character) { return character == '\n' || character == '\r'; });
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  const std::string_view digits = std::string_view(text).substr(0, text.size() - padding);
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t group = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const std::size_t digit = kBase64Digits.find(digits[i]);
    if (digit == std::string_view::npos) return std::nullopt;
    group = group << 6 | static_cast<std::uint32_t>(digit);
    if (i % 4 == 3) {
      for (int shift = 16; shift >= 0; shift -= 8) bytes += static_cast<char>(group >> shift & 0xFF);
      group = 0;
    }
  }
  if (padding == 2) bytes += static_cast<char>(group >> 4 & 0xFF);
  if (padding == 1) {
    bytes += static_cast<char>(group >> 10 & 0xFF);
    bytes += static_cast<char>(group >> 2 & 0xFF);
  }
  return bytes;
}

void append_base64(std::string& to, std::string_view bytes) {
  to.reserve(to.size() + (bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8 | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) to += i <= count ? kBase64Digits[group >> (18 - 6 * i) & 63] : '=';
  }
}

void append_time(std::string& to, std::int64_t time_ms) {
  const std::int64_t wall_ms = std::clamp(time_ms, kTimeMsMin, kTimeMsMax);
  const std::int64_t fraction_ms = (wall_ms % 1000 + 1000) % 1000;
  const time_t seconds = (wall_ms - fraction_ms) / 1000;
  tm parts{};
  localtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03d", parts.tm_year + 1900, parts.tm_mon + 1,
                parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, static_cast<int>(fraction_ms));
  to += text.data();
  const long east_minutes = parts.tm_gmtoff / 60;
  if (east_minutes == 0) {
    to += 'Z';
    return;
  }
  const long distance = east_minutes < 0 ? -east_minutes : east_minutes;
  std::snprintf(text.data(), text.size(), "%c%02ld:%02ld", east_minutes < 0 ? '-' : '+', distance / 60, distance % 60);
  to += text.data();
}

std::string& JsonObject::value(std::string_view name) {
  if (!first_) to_ += ',';
  first_ = false;
  to_ += '"';
  to_ += name;
  to_ += "\":";
  return to_;
}

void JsonObject::text(std::string_view name, std::string_view text) { append_json_string(value(name), text); }

void JsonObject::number(std::string_view name, std::int64_t number) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  value(name).append(digits.data(), end);
}

void JsonObject::number_unless_zero(std::string_view name, std::int64_t value) {
  if (value != 0) number(name, value);
}

void JsonObject::boolean(std::string_view name, bool boolean) { value(name) += boolean ? "true" : "false"; }

void JsonObject::base64(std::string_view name, std::string_view bytes) {
  value(name) += '"';
  append_base64(to_, bytes);
  to_ += '"';
}

void JsonObject::time(std::string_view name, std::int64_t wall_ms) {
  value(name) += '"';
  append_time(to_, wall_ms);
  to_ += '"';
}

}  // namespace settle::dtm
