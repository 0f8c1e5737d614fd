// What clients and participants of a real settled saw, noted by a test as JSON lines: docs/simulator.md describes them.
#pragma once

#include <istream>
#include <string>
#include <vector>

#include "settle/result.hpp"
#include "sim/history.hpp"
#include "sim/plan.hpp"

namespace settle::sim {

struct Ledger {
  RunPlan plan;                   // one coordinator on a store of its own, and what its clients asked for
  History history;                // seen from outside
  std::vector<std::string> gids;  // by the number of the transaction
};

// Code::invalid: a line is not one of a ledger, and the message names it; or how a transaction ended is not told whole,
// so that its rules would be kept by saying nothing.
Result<Ledger> read_ledger(std::istream& lines);

// Reads the file, and prints what breaks the rules and, by name, which of them were not applied. The status to exit
// with, as in options.hpp; a complaint about the file goes to stderr.
int check_ledger(const std::string& path);

}  // namespace settle::sim
