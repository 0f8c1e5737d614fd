#include "benches/command_line.hpp"

#include <cstdio>
#include <sstream>

#include <boost/program_options/parsers.hpp>

#include "benches/commands.hpp"

namespace settle::bench {

namespace po = boost::program_options;

CommandLine parse_command_line(const std::vector<std::string>& arguments, po::options_description options) {
  options.add_options()("json", "print one JSON object instead of a table")("help,h", "print this");
  try {
    po::variables_map values;
    // Without positional options a stray word would be kept silently.
    po::store(po::command_line_parser(arguments).options(options).positional({}).run(), values);
    if (values.count("help") > 0) {
      std::ostringstream text;
      text << options;
      std::fputs(text.str().c_str(), stdout);
      return kExitFine;
    }
    po::notify(values);
    return values;
  } catch (const po::error& failure) {
    return fail(failure.what(), kExitUsage);
  }
}

int fail(const std::string& message, int status) {
  std::fprintf(stderr, "settle-bench: %s\n", message.c_str());
  return status;
}

int status_after(bool was_volatile, const boost::program_options::variables_map& values) {
  if (!was_volatile || values.count("allow-volatile") > 0) return kExitFine;
  return fail("the folder is on a file system in memory: no figure of a durable store. See --path.", kExitVolatile);
}

}  // namespace settle::bench
