// What texts that are stored and shown must be.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace settle::core {

// The number of characters (code points) of a UTF-8 text; nothing where it is not valid UTF-8.
std::optional<std::size_t> count_characters(const std::string& text);

}  // namespace settle::core
