// What stands behind the `?` of a request's target.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "settle/result.hpp"

namespace settle::dtm {

// What `+` stands for: a blank in a query, itself in a path.
enum class Plus : std::uint8_t { blank, itself };

// Nothing where a percent sign is not followed by two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text, Plus plus);

class QueryString {
 public:
  // `text` without the `?`. Pairs with a percent sign that is not followed by two hexadecimal digits are dropped, as Go
  // drops them.
  static QueryString parse(std::string_view text);

  // The first value of that name, decoded; empty where there is none, as an empty value means "not given" everywhere.
  // It lives as long as this.
  std::string_view get(std::string_view name) const;

  // The same as a whole number, however large, brought between `least` and `most`; `otherwise` where it is not given.
  // Code::invalid where it is no number.
  Result<std::int64_t> number(std::string_view name, std::int64_t otherwise, std::int64_t least,
                              std::int64_t most) const;

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

}  // namespace settle::dtm
