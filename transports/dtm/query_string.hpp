// What stands behind the `?` of a request's target.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "settle/result.hpp"

namespace settle::dtm {

class QueryString {
 public:
  // `text` without the `?`. Code::invalid where a percent sign is not followed by two hexadecimal digits.
  static Result<QueryString> parse(std::string_view text);

  // The first value of that name, decoded; empty where there is none, as an empty value means "not given" everywhere.
  // It lives as long as this.
  std::string_view get(std::string_view name) const;

  // The same as a whole number from `least` to `most`; `otherwise` where it is not given. Code::invalid names it.
  Result<std::int64_t> number(std::string_view name, std::int64_t otherwise, std::int64_t least,
                              std::int64_t most) const;

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

}  // namespace settle::dtm
