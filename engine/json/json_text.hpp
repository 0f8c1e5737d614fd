// Writing JSON, and the texts that stand in it, straight into the answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace settle::dtm {

// Appends `text` as a JSON string, quotes included. Bytes that are not UTF-8 become U+FFFD: texts of participants are
// shown, and may be anything.
void append_json_string(std::string& to, std::string_view text);

// The text with U+FFFD for every byte that is not UTF-8.
std::string valid_utf8(std::string_view text);

// What a client is told of an error, which may quote whatever it sent: the whole message, or as much of it as is of use
// to a person, cut between characters and with a mark behind it. UTF-8, as of valid_utf8().
inline constexpr std::size_t kMessageBytesMax = 2'048;  // without the mark
std::string told_message(std::string_view message);

// Appends standard base64 with padding, without quotes.
void append_base64(std::string& to, std::string_view bytes);

// What standard base64 with padding stands for, line breaks aside; nothing where it is something else.
std::optional<std::string> parse_base64(std::string_view lines);

// Appends RFC 3339 with milliseconds in the machine's local zone, without quotes: 2024-01-31T08:00:00.123+08:00. That
// has no form for times beyond the years 1 to 9999: of those the nearest is shown.
void append_time(std::string& to, std::int64_t time_ms);

// One object, written member by member. Names are written as they are: they are ours.
class JsonObject {
 public:
  explicit JsonObject(std::string& to) : to_(to) { to_ += '{'; }
  void text(std::string_view name, std::string_view value);
  void number(std::string_view name, std::int64_t value);
  void number_unless_zero(std::string_view name, std::int64_t value);
  void boolean(std::string_view name, bool value);
  void base64(std::string_view name, std::string_view bytes);
  void time(std::string_view name, std::int64_t wall_ms);
  // Begins a member whose value the caller appends.
  std::string& value(std::string_view name);
  void end() { to_ += '}'; }

 private:
  std::string& to_;
  bool first_ = true;
};

}  // namespace settle::dtm
