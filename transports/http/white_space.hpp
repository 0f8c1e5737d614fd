// White space around what participants say.
#pragma once

#include <string_view>

namespace settle::http {

// Without the white space at both ends, as Unicode has it: a line break at the end is not a part of a reason.
std::string_view trimmed(std::string_view text);

}  // namespace settle::http
