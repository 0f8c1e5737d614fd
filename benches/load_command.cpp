#include "benches/load_command.hpp"

#include <algorithm>
#include <cstdio>
#include <sstream>

#include <boost/program_options/value_semantic.hpp>

#include "benches/command_line.hpp"
#include "benches/commands.hpp"
#include "benches/measured_server.hpp"
#include "benches/turns.hpp"

namespace settle::bench {
namespace {

namespace po = boost::program_options;

// The values of the options that all loads have, besides those that are the plan's.
struct Choices {
  std::string url;
  pid_t pid = 0;
  ServerChoice server;
  std::string dtm;
  std::string dtm_stores;
  std::size_t rounds = 1;
  std::string mode;
};

void add_options(po::options_description& options, LoadPlan& plan, Choices& choices) {
  // clang-format off
  options.add_options()
      ("url", po::value(&choices.url), "of a server that runs already: http://host:port")
      ("pid", po::value(&choices.pid), "its process, for CPU and memory");
  add_server_options(options, choices.server);
  options.add_options()
      ("dtm", po::value(&choices.dtm), "DTM's program (benches/dtm), to be measured beside --server, turn by turn")
      ("dtm-store", po::value(&choices.dtm_stores)->default_value("boltdb,redis"), "its STORE_DRIVERs, one turn each")
      ("servers", po::value(&choices.server.servers)->default_value(1), "settled servers on one mysql, with a part of the clients each")
      ("unfinished", po::value(&choices.server.unfinished)->default_value(0), "transactions that settled finds when it starts, all waiting for an hour")
      ("rounds", po::value(&choices.rounds)->default_value(1), "turns of each started server; figures are medians")
      ("clients", po::value(&plan.clients)->default_value(64), "each with one transaction at a time")
      ("rate", po::value(&plan.rate)->default_value(0), "an open loop: so many transactions are due a second, and their time counts from then; 0: each client starts its next one when it has its answer")
      ("mode", po::value(&choices.mode)->default_value("saga"), "saga, tcc or msg")
      ("steps", po::value(&plan.steps)->default_value(2), "of a saga or msg, branches of a tcc")
      ("seconds", po::value(&plan.seconds)->default_value(5), "measured time")
      ("warm-up-seconds", po::value(&plan.warm_up_seconds)->default_value(1), "before it")
      ("allow-volatile", "exit with 0 although a server's folder is on a file system in memory");
  // clang-format on
}

// What is wrong with them; empty: nothing. Tells the plan what they say.
std::string check_options(const Choices& choices, LoadPlan& plan) {
  if (choices.url.empty() == choices.server.program.empty()) return "give either --url or --server";
  if (!choices.dtm.empty() && choices.server.program.empty()) return "--dtm is for beside --server";
  if (choices.server.unfinished > 0 && (choices.server.program.empty() || !choices.dtm.empty())) {
    return "--unfinished is for a --server that is settled, alone";
  }
  if (!choices.dtm.empty() && choices.dtm_stores.empty()) return "--dtm-store must name one or more";
  if (choices.server.servers == 0) return "--servers must be 1 or more";
  if (choices.server.servers > 1 && choices.server.program.empty()) return "--servers is for a --server";
  if (choices.server.update_branch_sync != "0" && choices.server.update_branch_sync != "1") {
    return "--update-branch-sync must be 0 or 1";
  }
  if (!choices.dtm.empty() && choices.server.mysql_tables.empty() &&
      choices.dtm_stores.find("mysql") != std::string::npos) {
    return "--dtm-store mysql needs --mysql-tables";
  }
  if (choices.rounds == 0) return "--rounds must be 1 or more";
  if (choices.rounds > 1 && choices.server.program.empty()) return "--rounds is for a --server";
  const std::optional<Mode> mode = parse_mode(choices.mode);
  if (!mode) return "--mode must be saga, tcc or msg, is '" + choices.mode + "'";
  plan.mode = *mode;
  if (!(plan.rate >= 0)) return "--rate must be 0 or more";
  if (plan.clients == 0 || plan.steps == 0 || plan.steps > kStepsMax) {
    return "--clients must be 1 or more, --steps 1 to " + std::to_string(kStepsMax);
  }
  return {};
}

// Those that take turns: ours, then DTM on each of its stores.
std::vector<ServerChoice> subjects_of(const Choices& choices) {
  std::vector<ServerChoice> subjects{choices.server};
  if (choices.dtm.empty()) return subjects;
  subjects.front().mysql_tables.clear();  // they are DTM's
  std::istringstream stores(choices.dtm_stores);
  for (std::string store; std::getline(stores, store, ',');) {
    ServerChoice dtm = choices.server;
    dtm.program = choices.dtm;
    dtm.store = store;
    dtm.servers = 1;
    subjects.push_back(std::move(dtm));
  }
  return subjects;
}

// Of the server that runs already.
Result<Measurement> measure_running(const Choices& choices, LoadPlan plan, const StartLoad& start) {
  const std::string& url = choices.url;
  Result<Address> address = parse_address(url);
  if (!address) return address.error();
  plan.servers = {{.http = std::move(address).value(), .grpc_port = plan.running_grpc_port, .pid = choices.pid}};
  Result<Measurement> measured = measure_load(plan, start);
  if (measured) measured.value().insert(measured.value().begin(), {"server", "server", url});
  return measured;
}

int status_of(const Error& error) { return error.code == Code::invalid ? kExitUsage : kExitFailed; }

}  // namespace

int run_load_command(LoadCommand command, LoadPlan& plan, const std::vector<std::string>& arguments) {
  Choices choices;
  po::options_description options(command.title);
  add_options(options, plan, choices);
  for (const auto& option : command.options.options()) options.add(option);
  const CommandLine parsed = parse_command_line(arguments, options);
  if (const int* status = std::get_if<int>(&parsed)) return *status;
  const auto& values = std::get<po::variables_map>(parsed);
  for (const std::string& wrong : {check_options(choices, plan), command.check()}) {
    if (!wrong.empty()) return fail(wrong, kExitUsage);
  }
  const bool json = values.count("json") > 0;
  if (!choices.url.empty()) {
    const Result<Measurement> measurement = measure_running(choices, plan, command.start);
    if (!measurement) return fail(measurement.error().message, status_of(measurement.error()));
    print({measurement.value()}, json);
    return kExitFine;
  }
  const std::vector<ServerChoice> subjects = subjects_of(choices);
  const Result<std::vector<Measurement>> measurements = take_turns(subjects, choices.rounds, plan, command.start);
  if (!measurements) return fail(measurements.error().message, kExitFailed);
  print(measurements.value(), json);
  bool was_volatile = false;
  for (std::size_t i = 0; i < subjects.size(); ++i) was_volatile |= is_volatile(measurements.value()[i], subjects[i]);
  return status_after(was_volatile, values);
}

}  // namespace settle::bench
