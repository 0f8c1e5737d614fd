// The parameters of one statement, and the texts among them that nobody else keeps.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "storage/mysql/connection.hpp"

namespace settle::mysql {

// How long the list behind IN is made for so many values, which are 1 or more: statements are prepared once for each
// text, so there should be few: four between a power of two and the next. It is filled up with the last of them, which
// changes nothing.
inline std::size_t padded_count(std::size_t count) {
  const std::size_t step = std::max<std::size_t>(1, std::bit_ceil(count) / 8);
  return (count + step - 1) / step * step;
}

// "(?,?,…)"
inline std::string marks(std::size_t count) {
  std::string text = "(?";
  for (std::size_t i = 1; i < count; ++i) text += ",?";
  return text += ')';
}

class Parameters {
 public:
  void number(std::int64_t value) { list_.emplace_back(value); }
  void null() { list_.emplace_back(std::monostate()); }
  void text(std::string value) { list_.emplace_back(std::string_view(texts_.emplace_back(std::move(value)))); }
  // Must live until the statement has run.
  void view(std::string_view value) { list_.emplace_back(value); }
  void view(std::string&& value) = delete;
  // A time that is left open is empty, and NULL in the tables. As view().
  void time(std::string_view text) { text.empty() ? null() : view(text); }
  void time(std::string&& text) = delete;
  // The last `count`, which are 1 or more, are a list behind IN: fills it up, and returns the marks for it.
  std::string close_list(std::size_t count) {
    const std::size_t padded = padded_count(count);
    list_.resize(list_.size() + padded - count, list_.back());
    return marks(padded);
  }

  std::span<const Parameter> list() const { return list_; }

 private:
  std::vector<Parameter> list_;
  std::deque<std::string> texts_;  // which stay where they are
};

}  // namespace settle::mysql
