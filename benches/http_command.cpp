// settle-bench http: clients that run transactions with wait_result in a closed loop, each over one kept connection,
// and the participant that their branches call, on one thread.
#include "benches/commands.hpp"
#include "benches/http_load.hpp"
#include "benches/load_command.hpp"

namespace settle::bench {

int run_http(const std::vector<std::string>& arguments) {
  LoadPlan plan;
  return run_load_command({.title = "settle-bench http", .start = start_http_load}, plan, arguments);
}

}  // namespace settle::bench
