// settle-bench: how fast settle is, in process and as a server, beside others that speak the same API.
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "benches/commands.hpp"

namespace {

using namespace settle::bench;

struct Command {
  std::string_view name;
  int (*run)(const std::vector<std::string>& arguments);
  const char* purpose;
};

constexpr Command kCommands[] = {
    {"store", run_store, "a storage adapter alone: what it accepts, writes, reads and takes up again"},
    {"engine", run_engine, "an engine in this process, with branches that are functions"},
    {"http", run_http, "a server, with clients and a participant over HTTP"},
    {"grpc", run_grpc, "the same over gRPC"},
    {"recover", run_recover, "a server that is killed with many unfinished transactions and started again"},
    {"compare", run_compare, "settled beside DTM, by store and number of clients, with a page of plots"},
};

void print_usage(std::FILE* file) {
  std::fputs("usage: settle-bench COMMAND [OPTIONS]\n\n", file);
  for (const Command& command : kCommands) {
    std::fprintf(file, "  %-10s%s\n", std::string(command.name).c_str(), command.purpose);
  }
  std::fputs("\nsettle-bench COMMAND --help tells the options.\n", file);
}

int dispatch(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    print_usage(stderr);
    return kExitUsage;
  }
  if (arguments.front() == "--help" || arguments.front() == "-h") {
    print_usage(stdout);
    return kExitFine;
  }
  for (const Command& command : kCommands) {
    if (command.name == arguments.front()) return command.run({arguments.begin() + 1, arguments.end()});
  }
  std::fprintf(stderr, "settle-bench: no such command: %s\n", arguments.front().c_str());
  return kExitUsage;
}

}  // namespace

int main(int count, char** values) {
  try {
    return dispatch({values + 1, values + count});
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "settle-bench: %s\n", failure.what());
    return kExitFailed;
  }
}
