#include "benches/turns.hpp"

#include <cstdio>
#include <string>
#include <utility>
#include <variant>

#include "benches/summary.hpp"

namespace settle::bench {
namespace {

// One turn of a server: started in a fresh folder, measured, stopped.
Result<Measurement> take_turn(const ServerChoice& subject, LoadPlan plan, const StartLoad& start) {
  Result<MeasuredServer> server = start_server(subject);
  if (!server) return server.error();
  for (const StartedServer& started : server.value().servers) {
    plan.servers.push_back(
        {.http = started.process->address(), .grpc_port = started.setting.grpc_port, .pid = started.process->pid()});
  }
  plan.store_pid = server.value().store_pid();
  Result<Measurement> measured = measure_load(plan, start);
  if (!measured) return measured.error();
  for (const StartedServer& started : server.value().servers) {
    const Result<Done> stopped = started.process->stop(kServerStopTimeoutMs);
    if (!stopped) return stopped.error();
  }
  const bool syncs = !kept_in_mariadb(subject.store) || subject.update_branch_sync == "1";
  Measurement measurement{{"server", "server", server.value().servers.front().setting.program.filename().string()},
                          {"store", "store", subject.store},
                          {"update_branch_sync", "progress is written at once", syncs},
                          {"unfinished", "found waiting at the start", static_cast<std::int64_t>(subject.unfinished)},
                          {"start_seconds", "start, s", server.value().servers.front().start_seconds},
                          {"durable", "durable", server.value().durable},
                          {"file_system", "file system", server.value().file_system.name}};
  measurement.insert(measurement.end(), measured.value().begin(), measured.value().end());
  return measurement;
}

}  // namespace

Result<std::vector<Measurement>> take_turns(const std::vector<ServerChoice>& subjects, std::size_t rounds,
                                            const LoadPlan& plan, const StartLoad& start) {
  // Before any time is spent on the first ones.
  for (const ServerChoice& subject : subjects) {
    const Result<Done> checked = check(subject);
    if (!checked) return checked.error();
  }
  std::vector<std::vector<Measurement>> runs(subjects.size());
  const bool tells = subjects.size() * rounds > 1;
  for (std::size_t round = 1; round <= rounds; ++round) {
    for (std::size_t i = 0; i < subjects.size(); ++i) {
      const std::string name = subjects[i].program + " on " + subjects[i].store;
      if (tells) std::fprintf(stderr, "round %zu of %zu: %s\n", round, rounds, name.c_str());
      Result<Measurement> measurement = take_turn(subjects[i], plan, start);
      if (!measurement) return Error{measurement.error().code, name + ": " + measurement.error().message};
      runs[i].push_back(std::move(measurement).value());
    }
  }
  std::vector<Measurement> summaries;
  summaries.reserve(runs.size());
  for (const std::vector<Measurement>& run : runs) summaries.push_back(summary_of(run));
  add_ratios(summaries);
  return summaries;
}

bool is_volatile(const Measurement& measurement, const ServerChoice& choice) {
  return kept_in_folder(choice.store) && !std::get<bool>(figure_of(measurement, "durable")->value);
}

}  // namespace settle::bench
