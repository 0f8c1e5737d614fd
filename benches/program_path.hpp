// Where programs are that the bench does not bring along.
#pragma once

#include <filesystem>
#include <string>

#include "settle/result.hpp"

namespace settle::bench {

// That of PATH, or of where Debian keeps servers, off a user's PATH. Where there is none, an Error that tells to
// install it (`package`) or to leave out what needs it (`otherwise`).
Result<std::filesystem::path> program_path(const std::string& name, const std::string& package,
                                           const std::string& otherwise);

}  // namespace settle::bench
