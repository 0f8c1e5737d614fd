// The command line of settled.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "settle/result.hpp"

namespace settle::server {

struct Flags {
  std::optional<std::string> config_path;
  bool debug = false;
  bool reset = false;
  bool version = false;
  bool help = false;
  bool test_clock = false;
};

// `arguments` without the program's name. An error is one line that names the flag.
Result<Flags> parse_flags(const std::vector<std::string>& arguments);

// What -h and -v print.
std::string help_text();
std::string version_text();

}  // namespace settle::server
