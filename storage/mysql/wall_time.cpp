#include "storage/mysql/wall_time.hpp"

#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>

namespace settle::mysql {
namespace {

constexpr std::string_view kForm = "0000-00-00 00:00:00";
constexpr time_t kDayS = 86'400;

tm local_parts(time_t seconds) {
  tm parts{};
  localtime_r(&seconds, &parts);
  return parts;
}

void write_number(char* to, std::size_t digits, int number) {
  for (std::size_t i = digits; i-- > 0; number /= 10) to[i] = static_cast<char>('0' + number % 10);
}

std::string text_of(const tm& parts) {
  std::string text(kForm);
  write_number(&text[0], 4, parts.tm_year + 1900);
  write_number(&text[5], 2, parts.tm_mon + 1);
  write_number(&text[8], 2, parts.tm_mday);
  write_number(&text[11], 2, parts.tm_hour);
  write_number(&text[14], 2, parts.tm_min);
  write_number(&text[17], 2, parts.tm_sec);
  return text;
}

bool has_form(std::string_view text) {
  if (text.size() > kForm.size() && text[kForm.size()] != '.') return false;
  const std::string_view seconds = text.substr(0, kForm.size());
  return std::equal(seconds.begin(), seconds.end(), kForm.begin(), kForm.end(),
                    [](char is, char form) { return form == '0' ? is >= '0' && is <= '9' : is == form; });
}

int read_number(std::string_view text, std::size_t at, std::size_t digits) {
  int number = 0;
  std::from_chars(text.data() + at, text.data() + at + digits, number);
  return number;
}

// The seconds of these parts, if they were those of UTC; nothing where there is no such date.
std::optional<time_t> as_utc(std::string_view text) {
  tm parts{};
  parts.tm_year = read_number(text, 0, 4) - 1900;
  parts.tm_mon = read_number(text, 5, 2) - 1;
  parts.tm_mday = read_number(text, 8, 2);
  parts.tm_hour = read_number(text, 11, 2);
  parts.tm_min = read_number(text, 14, 2);
  parts.tm_sec = read_number(text, 17, 2);
  const time_t seconds = timegm(&parts);
  if (text_of(parts) != text) return std::nullopt;  // timegm() has put right what was beyond its month or hour
  return seconds;
}

// `shown`: what the clocks of the local zone show, as seconds of UTC. No zone changes its clocks twice within two days.
time_t local_seconds(time_t shown) {
  const auto shows = [shown](time_t seconds) { return seconds + local_parts(seconds).tm_gmtoff == shown; };
  const time_t before = shown - local_parts(shown - kDayS).tm_gmtoff;
  const time_t after = shown - local_parts(shown + kDayS).tm_gmtoff;
  if (!shows(before)) return shows(after) ? after : before;
  return shows(after) ? std::max(before, after) : before;
}

}  // namespace

std::string WallTime::text(std::int64_t wall_ms) const {
  const time_t seconds = floor_to_seconds(wall_ms) / 1000;
  if (!offset_s_) return text_of(local_parts(seconds));
  const time_t shown = seconds + *offset_s_;
  tm parts{};
  gmtime_r(&shown, &parts);
  return text_of(parts);
}

const std::string& TimeTexts::of(std::int64_t wall_ms) {
  static const std::string kOpen;
  if (wall_ms == 0) return kOpen;
  const auto [place, is_new] = made_.try_emplace(floor_to_seconds(wall_ms));
  if (is_new) place->second = times_.text(wall_ms);
  return place->second;
}

std::optional<std::int64_t> WallTime::parse(std::string_view text) const {
  if (!has_form(text)) return std::nullopt;
  const auto shown = as_utc(text.substr(0, kForm.size()));
  if (!shown) return std::nullopt;
  return (offset_s_ ? *shown - *offset_s_ : local_seconds(*shown)) * 1000;
}

}  // namespace settle::mysql
