// What the subcommands' command lines have in common.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>

namespace settle::bench {

// The parsed options; or the status to exit with: after --help, or after telling what is wrong.
using CommandLine = std::variant<boost::program_options::variables_map, int>;
CommandLine parse_command_line(const std::vector<std::string>& arguments,
                               boost::program_options::options_description options);

// Says what is wrong on standard error and returns `status`.
int fail(const std::string& message, int status);

// What a run that did its work ends with: where what should be durable was in memory, that is told, unless it is
// allowed (`--allow-volatile`).
int status_after(bool was_volatile, const boost::program_options::variables_map& values);

}  // namespace settle::bench
