// settle-bench recover: how fast a server gets rid of what was unfinished when it was killed.
#include <boost/program_options/value_semantic.hpp>

#include "benches/command_line.hpp"
#include "benches/commands.hpp"
#include "benches/recovery.hpp"
#include "benches/report.hpp"

namespace settle::bench {

int run_recover(const std::vector<std::string>& arguments) {
  namespace po = boost::program_options;
  constexpr std::int64_t kNsPerSecond = 1'000'000'000;
  ServerChoice choice;
  std::size_t count = 0;
  std::int64_t limit_seconds = 0;
  po::options_description options("settle-bench recover");
  add_server_options(options, choice);
  // clang-format off
  options.add_options()
      ("transactions", po::value(&count)->default_value(2000), "stuck when the server is killed")
      ("limit-seconds", po::value(&limit_seconds)->default_value(30), "without any call: what is left is given up");
  // clang-format on
  const CommandLine parsed = parse_command_line(arguments, options);
  if (const int* status = std::get_if<int>(&parsed)) return *status;
  const auto& values = std::get<po::variables_map>(parsed);
  if (choice.program.empty()) return fail("--server is needed", kExitUsage);
  if (count == 0 || limit_seconds <= 0) return fail("--transactions and --limit-seconds must be 1 or more", kExitUsage);

  Result<Measurement> measurement = measure_recovery(choice, count, limit_seconds * kNsPerSecond);
  if (!measurement) return fail(measurement.error().message, kExitFailed);
  print({measurement.value()}, values.count("json") > 0);
  const Figure* const left_behind = figure_of(measurement.value(), "left_behind");
  if (std::get<std::int64_t>(left_behind->value) > 0) return fail("transactions were left behind", kExitFailed);
  return kExitFine;
}

}  // namespace settle::bench
