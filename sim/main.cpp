// settle-sim: looks for seeds whose run breaks what settle promises. docs/simulator.md tells how to use it.
#include <cstdio>
#include <string>
#include <variant>
#include <vector>

#include "sim/checks/checks.hpp"
#include "sim/ledger.hpp"
#include "sim/minimise.hpp"
#include "sim/options.hpp"
#include "sim/sweep.hpp"

namespace {

using namespace settle::sim;

int run_one(SimOptions options) {
  const std::uint64_t seed = options.first_seed;
  RunResult result = run_seed(seed, options);
  if (options.minimise && !result.violations.empty() && result.violations.front().rule != "replay") {
    options.selection = minimise(seed, options, result.violations.front().rule);
    result = run_seed(seed, options);
  }
  RunPlan plan = plan_of(seed);
  narrow(plan, options.selection);
  std::fputs(describe(plan).c_str(), stdout);
  if (options.trace) {
    for (const Event& event : result.history.events()) std::printf("%s\n", to_line(event).c_str());
  }
  for (const Violation& violation : result.violations) {
    std::fputs(report(violation, result.history.events()).c_str(), stdout);
  }
  std::printf("%zu violations, trace %016llx\n", result.violations.size(),
              static_cast<unsigned long long>(result.hash));
  if (result.violations.empty()) return kExitFine;
  std::printf("again: %s\n", replay_command(seed, options.selection, options.plant_name).c_str());
  return kExitFound;
}

}  // namespace

int main(int count, char** values) {
  const auto parsed = parse_options({values + 1, values + count});
  if (const int* status = std::get_if<int>(&parsed)) return *status;
  const auto& options = std::get<SimOptions>(parsed);
  if (!options.ledger.empty()) return check_ledger(options.ledger);
  if (options.single) return run_one(options);
  const SweepResult result = sweep(options);
  print_summary(result, options);
  return result.failures.empty() ? kExitFine : kExitFound;
}
