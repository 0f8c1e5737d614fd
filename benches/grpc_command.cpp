// settle-bench grpc: what `settle-bench http` does, with submits and branches over gRPC.
#include <boost/program_options/value_semantic.hpp>

#include "benches/commands.hpp"
#include "benches/grpc_load.hpp"
#include "benches/load_command.hpp"

namespace settle::bench {

int run_grpc(const std::vector<std::string>& arguments) {
  namespace po = boost::program_options;
  LoadPlan plan;
  std::size_t channels = 0;
  LoadCommand command{.title = "settle-bench grpc"};
  // clang-format off
  command.options.add_options()
      ("grpc-port", po::value(&plan.running_grpc_port)->default_value(36790), "of the server that --url names")
      ("channels", po::value(&channels)->default_value(1), "connections that the clients share");
  // clang-format on
  command.start = [&channels](const LoadPlan& current, const GidSeries& gids, CheckedTransactions& transactions) {
    return start_grpc_load(current, channels, gids, transactions);
  };
  command.check = [&channels] { return std::string(channels > 0 ? "" : "--channels must be 1 or more"); };
  return run_load_command(std::move(command), plan, arguments);
}

}  // namespace settle::bench
