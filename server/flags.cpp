#include "server/flags.hpp"

#include <sstream>

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/variables_map.hpp>

namespace settle::server {
namespace {

namespace po = boost::program_options;

po::options_description describe() {
  po::options_description options("Flags");
  auto add = options.add_options();
  add("config,c", po::value<std::string>()->value_name("FILE"), "read this YAML file (conf.sample.yml tells its keys)");
  add("debug,d", "log everything, whatever LogLevel says");
  add("reset,r", "remove every transaction from the store before starting");
  add("version,v", "print the version and end");
  add("help,h", "print this and end");
  add("test-clock", "for tests: POST /api/test/clock {\"advance_seconds\":N} moves the clock");
  return options;
}

}  // namespace

Result<Flags> parse_flags(const std::vector<std::string>& arguments) {
  // Abbreviations are not taken: they would stop working when a flag is added.
  constexpr int kStyle = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
  const po::options_description options = describe();
  po::variables_map given;
  try {
    po::store(po::command_line_parser(arguments).options(options).style(kStyle).positional({}).run(), given);
  } catch (const po::too_many_positional_options_error&) {
    return Error{Code::invalid, "only flags are taken, and -c FILE for a configuration; -h tells which"};
  } catch (const po::error& error) {
    return Error{Code::invalid, std::string(error.what()) + "; -h tells the flags"};
  }
  Flags flags;
  if (given.count("config") > 0) flags.config_path = given["config"].as<std::string>();
  flags.debug = given.count("debug") > 0;
  flags.reset = given.count("reset") > 0;
  flags.version = given.count("version") > 0;
  flags.help = given.count("help") > 0;
  flags.test_clock = given.count("test-clock") > 0;
  return flags;
}

std::string help_text() {
  std::ostringstream text;
  text << "settled: a coordinator for distributed transactions, with the API of DTM\n\nsettled [flags]\n\n"
       << describe();
  return std::move(text).str();
}

std::string version_text() { return "settled " SETTLE_VERSION "\n"; }

}  // namespace settle::server
