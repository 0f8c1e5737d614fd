// settled beside DTM, as a person sees it who decides between them, and between stores.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "benches/html_report.hpp"
#include "benches/measured_server.hpp"
#include "benches/report.hpp"
#include "settle/result.hpp"

namespace settle::bench {

// Two of the subjects, one of which could stand in the other's place.
struct Pair {
  std::size_t ours = 0;
  std::size_t theirs = 0;
};

struct ComparisonPlan {
  std::vector<ServerChoice> subjects;  // the first is what the others are compared with
  std::vector<std::string> names;      // of each, for people
  std::vector<Pair> pairs;             // none: there is nobody but us
  std::vector<std::size_t> clients;    // of the closed loops over HTTP
  std::size_t rounds = 1;
  double seconds = 3;
  std::size_t stuck = 2000;  // of the recovery; 0: none
};

// One question, and what each subject that was asked has answered.
struct Section {
  std::string name;   // in JSON
  std::string title;  // for people
  std::vector<std::string> subjects;
  std::vector<Measurement> results;
};

// Runs all of it: closed loops over HTTP by number of clients, one over gRPC, for each pair an open loop at four fifths
// of what the slower one does (without pairs one for all), and recovery. The servers take turns in each. Says on
// standard error what it is at.
Result<std::vector<Section>> compare(const ComparisonPlan& plan);

struct Comparison {
  std::string machine;  // and its disk
  std::string command_line;
  std::vector<Pair> pairs;
  std::vector<Section> sections;
};

// {"machine":…,"command":…,"sections":[{"name":…,"subjects":[…],"results":[…]},…]}
std::string json_of(const Comparison& comparison);
std::string table_of(const Comparison& comparison);
Page page_of(const Comparison& comparison);

}  // namespace settle::bench
