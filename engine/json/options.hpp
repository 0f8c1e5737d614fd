// A transaction's options as the text that DTM keeps in its column `options` and shows in answers.
#pragma once

#include <string>
#include <string_view>

#include "settle/result.hpp"
#include "settle/transaction.hpp"

namespace settle::dtm {

// A JSON object of the options that were set, and always `concurrent`.
std::string options_text(const Options& options);

// What such a text says; an empty one says nothing. Members that are not known are ignored. Code::invalid, naming the
// member, where one is of another kind.
Result<Options> parse_options(std::string_view text);

}  // namespace settle::dtm
