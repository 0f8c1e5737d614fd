// settle-bench compare: settled and DTM in one sitting, on the stores that are to be decided between.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include <boost/program_options/value_semantic.hpp>

#include "benches/command_line.hpp"
#include "benches/commands.hpp"
#include "benches/comparison.hpp"
#include "benches/dtm_program.hpp"
#include "benches/machine.hpp"
#include "benches/turns.hpp"

namespace settle::bench {
namespace {

struct Choices {
  std::string server;
  std::string dtm;
  std::string dtm_source;
  std::string mysql_tables;
  std::string update_branch_sync;
  std::vector<std::string> stores;
  std::vector<std::string> dtm_stores;
  std::string path;
  std::string report;
};

std::string name_of(const std::string& server, const std::string& store) {
  for (const auto& [driver, name] : {std::pair{"rocksdb", "RocksDB"},
                                     {"memory", "memory"},
                                     {"mysql", "MariaDB"},
                                     {"boltdb", "BoltDB"},
                                     {"redis", "Redis"}}) {
    if (store == driver) return server + ", " + name;
  }
  return server + ", " + store;
}

// Of ours on the same store, or else on the first.
std::size_t counterpart_of(const std::string& store, const std::vector<std::string>& ours) {
  const auto found = std::find(ours.begin(), ours.end(), store);
  return found == ours.end() ? 0 : static_cast<std::size_t>(found - ours.begin());
}

void add_subjects(ComparisonPlan& plan, const Choices& choices, const std::optional<DtmProgram>& dtm) {
  for (const std::string& store : choices.stores) {
    plan.subjects.push_back({choices.server, store, choices.path, "", choices.update_branch_sync});
    plan.names.push_back(name_of("settled", store));
  }
  if (!dtm) return;
  for (const std::string& store : choices.dtm_stores) {
    plan.pairs.push_back({counterpart_of(store, choices.stores), plan.subjects.size()});
    plan.subjects.push_back(
        {dtm->program.string(), store, choices.path, dtm->mysql_tables.string(), choices.update_branch_sync});
    plan.names.push_back(name_of("DTM", store));
  }
}

// What is wrong; empty: nothing.
std::string check(const Choices& choices, const ComparisonPlan& plan) {
  if (choices.server.empty()) return "--server is needed: the settled program";
  if (choices.stores.empty()) return "--store must name one or more";
  if (plan.clients.empty() || std::count(plan.clients.begin(), plan.clients.end(), 0U) > 0) {
    return "--clients must be 1 or more";
  }
  if (plan.rounds == 0 || plan.seconds <= 0) return "--rounds and --seconds must be more than 0";
  if (choices.update_branch_sync != "0" && choices.update_branch_sync != "1")
    return "--update-branch-sync must be 0 or 1";
  return {};
}

std::string command_line_of(const std::vector<std::string>& arguments) {
  std::string line = "settle-bench compare";
  for (const std::string& argument : arguments) line += " " + argument;
  return line;
}

bool any_volatile(const std::vector<Section>& sections, const ComparisonPlan& plan) {
  for (std::size_t i = 0; i < plan.subjects.size(); ++i) {
    if (is_volatile(sections.front().results[i], plan.subjects[i])) return true;
  }
  return false;
}

}  // namespace

int run_compare(const std::vector<std::string>& arguments) {
  namespace po = boost::program_options;
  Choices choices;
  ComparisonPlan plan;
  po::options_description options("settle-bench compare");
  // clang-format off
  options.add_options()
      ("server", po::value(&choices.server), "the settled program")
      ("store", po::value(&choices.stores)->multitoken()->default_value({"rocksdb", "mysql"}, "rocksdb mysql"), "of settled: rocksdb, mysql and/or memory")
      ("dtm", po::value(&choices.dtm), "DTM's program; left out: it is built from its Go module. none: settled alone, to decide between stores")
      ("dtm-source", po::value(&choices.dtm_source)->default_value(SETTLE_DTM_SOURCE, "benches/dtm"), "what it is built from")
      ("dtm-store", po::value(&choices.dtm_stores)->multitoken()->default_value({"boltdb", "redis", "mysql"}, "boltdb redis mysql"), "of DTM")
      ("mysql-tables", po::value(&choices.mysql_tables), "statements that make DTM's tables, where --dtm names its program")
      ("update-branch-sync", po::value(&choices.update_branch_sync)->default_value("1"), "on mysql, of both: 1 or 0")
      ("clients", po::value(&plan.clients)->multitoken()->default_value({1, 8, 64, 256}, "1 8 64 256"), "of the closed loops over HTTP")
      ("rounds", po::value(&plan.rounds)->default_value(1), "turns of each server; figures are medians")
      ("seconds", po::value(&plan.seconds)->default_value(3), "measured time of a turn")
      ("stuck", po::value(&plan.stuck)->default_value(2000), "sagas of the recovery; 0: it is left out")
      ("path", po::value(&choices.path)->default_value("."), "where temporary folders are made")
      ("report", po::value(&choices.report), "a page with plots that is written too, such as report.html")
      ("allow-volatile", "exit with 0 although a server's folder is on a file system in memory");
  // clang-format on
  const CommandLine parsed = parse_command_line(arguments, options);
  if (const int* status = std::get_if<int>(&parsed)) return *status;
  const auto& values = std::get<po::variables_map>(parsed);
  if (const std::string wrong = check(choices, plan); !wrong.empty()) return fail(wrong, kExitUsage);

  const Result<TemporaryFolder> folder = TemporaryFolder::make(choices.path);
  if (!folder) return fail(folder.error().message, kExitFailed);
  std::optional<DtmProgram> dtm;
  if (choices.dtm.empty()) {
    std::fprintf(stderr, "== building DTM\n");
    const Result<DtmProgram> built = build_dtm(choices.dtm_source, folder.value().path());
    if (!built) return fail(built.error().message, kExitFailed);
    dtm = built.value();
  } else if (choices.dtm != "none") {
    dtm = DtmProgram{choices.dtm, choices.mysql_tables};
  }
  add_subjects(plan, choices, dtm);
  const Result<FileSystem> file_system = file_system_of(folder.value().path());
  const Result<double> synced_ms = synced_write_ms(folder.value().path());
  if (!file_system || !synced_ms)
    return fail((file_system ? synced_ms.error() : file_system.error()).message, kExitFailed);
  Result<std::vector<Section>> sections = compare(plan);
  if (!sections) return fail(sections.error().message, kExitFailed);
  const Comparison comparison{fmt::format("{}, {} with synced writes of 4 KiB in {:.2f} ms", describe_machine(),
                                          file_system.value().name, synced_ms.value()),
                              command_line_of(arguments), plan.pairs, std::move(sections).value()};
  const bool json = values.count("json") > 0;
  const std::string text = json ? json_of(comparison) : table_of(comparison);
  std::fputs(text.c_str(), stdout);
  if (!choices.report.empty()) {
    std::ofstream file(choices.report);
    file << html_of(page_of(comparison));
    if (!file.flush()) return fail("cannot write " + choices.report, kExitFailed);
  }
  return status_after(any_volatile(comparison.sections, plan), values);
}

}  // namespace settle::bench
