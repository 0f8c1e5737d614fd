// settle-bench store: a storage adapter alone, by the size of the groups that it is given and of the payloads.
#include <algorithm>

#include <boost/program_options/value_semantic.hpp>

#include "benches/command_line.hpp"
#include "benches/commands.hpp"
#include "benches/progress_bar.hpp"
#include "benches/store_load.hpp"

namespace settle::bench {
namespace {

struct Choices {
  std::vector<std::string> stores;
  std::vector<std::size_t> groups;
  std::vector<std::size_t> payloads;
  std::string path;
  double seconds = 1;
};

std::vector<StorePlan> plans_of(const Choices& choices) {
  std::vector<StorePlan> plans;
  for (const std::string& store : choices.stores) {
    for (const std::size_t payload_bytes : choices.payloads) {
      for (const std::size_t group : choices.groups) plans.push_back({store, group, payload_bytes, choices.seconds});
    }
  }
  return plans;
}

// What is wrong with them; empty: nothing.
std::string check(const Choices& choices) {
  constexpr std::size_t kGroupMax = 1024;  // of a committer
  for (const std::string& store : choices.stores) {
    if (!is_store_kind(store)) return "no such store: " + store + "; there are memory, rocksdb and mysql";
  }
  for (const std::size_t group : choices.groups) {
    if (group == 0 || group > kGroupMax) return "--group must be 1 to " + std::to_string(kGroupMax);
  }
  if (choices.seconds <= 0) return "--seconds must be more than 0";
  return {};
}

}  // namespace

int run_store(const std::vector<std::string>& arguments) {
  namespace po = boost::program_options;
  Choices choices;
  po::options_description options("settle-bench store");
  // clang-format off
  options.add_options()
      ("store", po::value(&choices.stores)->multitoken()->default_value({"memory", "rocksdb"}, "memory rocksdb"), "memory, rocksdb and/or mysql; a MariaDB is started for that")
      ("group", po::value(&choices.groups)->multitoken()->default_value({1, 8, 64}, "1 8 64"), "changes that are applied together: transactions at once")
      ("payload-bytes", po::value(&choices.payloads)->multitoken()->default_value({64}, "64"), "of each of two steps")
      ("seconds", po::value(&choices.seconds)->default_value(1), "of accepting; all else is done with what was accepted")
      ("path", po::value(&choices.path)->default_value("."), "where the stores' temporary folders are made")
      ("allow-volatile", "exit with 0 although a durable store is on a file system in memory");
  // clang-format on
  const CommandLine parsed = parse_command_line(arguments, options);
  if (const int* status = std::get_if<int>(&parsed)) return *status;
  const auto& values = std::get<po::variables_map>(parsed);
  if (const std::string wrong = check(choices); !wrong.empty()) return fail(wrong, kExitUsage);

  std::vector<Measurement> measurements;
  bool in_memory_only = false;
  for (const StorePlan& plan : plans_of(choices)) {
    const std::string name = plan.kind + ", groups of " + std::to_string(plan.group);
    ProgressBar bar(name + ", payloads of " + std::to_string(plan.payload_bytes) + " bytes");
    bar.show("start", 0);
    Result<OpenedStore> opened = open_empty_store(plan.kind, choices.path);
    if (!opened) return fail(plan.kind + ": " + opened.error().message, kExitFailed);
    in_memory_only |= opened.value().is_volatile();
    Result<Measurement> measurement =
        measure_store(plan, opened.value(), [&bar](const std::string& what, double done) { bar.show(what, done); });
    if (!measurement) return fail(name + ": " + measurement.error().message, kExitFailed);
    measurements.push_back(std::move(measurement).value());
  }
  print(measurements, values.count("json") > 0);
  return status_after(in_memory_only, values);
}

}  // namespace settle::bench
