// The subcommands of settle-bench.
#pragma once

#include <string>
#include <vector>

namespace settle::bench {

// What settle-bench ends with.
inline constexpr int kExitFine = 0;
inline constexpr int kExitFailed = 1;    // what was measured did not do its work: the figures mean nothing
inline constexpr int kExitUsage = 2;     // the command line is wrong
inline constexpr int kExitVolatile = 3;  // it ran, but what should be durable was kept in memory

// Each measures, prints its figures to standard output and its troubles to standard error, and returns an exit status.
// `arguments` is what follows the subcommand.
int run_store(const std::vector<std::string>& arguments);
int run_engine(const std::vector<std::string>& arguments);
int run_http(const std::vector<std::string>& arguments);
int run_grpc(const std::vector<std::string>& arguments);
int run_compare(const std::vector<std::string>& arguments);
int run_recover(const std::vector<std::string>& arguments);

}  // namespace settle::bench
