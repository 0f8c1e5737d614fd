// What `settle-bench http` and `settle-bench grpc` have in common: their options, their rounds and what they print.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <boost/program_options/options_description.hpp>

#include "benches/load.hpp"

namespace settle::bench {

struct LoadCommand {
  const char* title;                                      // "settle-bench http"
  boost::program_options::options_description options{};  // besides those of all loads
  StartLoad start;
  // What is wrong with the values of `options`, once they are known; empty: nothing.
  std::function<std::string()> check = [] { return std::string(); };
};

// Measures one server that runs already, or starts some and measures them turn by turn. Prints, and returns an exit
// status. Changes `plan` as it goes; the command's own options may be kept in it.
int run_load_command(LoadCommand command, LoadPlan& plan, const std::vector<std::string>& arguments);

}  // namespace settle::bench
