#include "benches/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>
#include <variant>

#include "benches/grpc_load.hpp"
#include "benches/http_load.hpp"
#include "benches/recovery.hpp"
#include "benches/summary.hpp"
#include "benches/turns.hpp"

namespace settle::bench {
namespace {

constexpr std::size_t kClients = 64;  // where there is one number of them
constexpr double kSustained = 0.8;    // of what the slower one does in a closed loop
constexpr std::int64_t kSilenceNs = 30'000'000'000;
constexpr const char* kClosedLoop = "http_closed_loop_";
constexpr const char* kOpenLoop = "http_open_loop";

double number_of(const Measurement& measurement, std::string_view key) {
  const Figure* const figure = figure_of(measurement, key);
  if (figure == nullptr) return 0;
  if (const auto* const whole = std::get_if<std::int64_t>(&figure->value)) return static_cast<double>(*whole);
  const auto* const number = std::get_if<double>(&figure->value);
  return number != nullptr ? *number : 0;
}

Result<Section> run_load(const ComparisonPlan& plan, Section section, std::size_t clients, double rate,
                         const StartLoad& start) {
  std::fprintf(stderr, "== %s\n", section.title.c_str());
  const LoadPlan load{.clients = clients, .rate = rate, .seconds = plan.seconds};
  Result<std::vector<Measurement>> results = take_turns(plan.subjects, plan.rounds, load, start);
  if (!results) return results.error();
  section.subjects = plan.names;
  section.results = std::move(results).value();
  return section;
}

struct Rivals {
  std::vector<std::size_t> subjects;
  std::string name;  // what the section's name ends with
};

std::vector<Rivals> rivals_of(const ComparisonPlan& plan) {
  std::vector<Rivals> all;
  for (const Pair& pair : plan.pairs) all.push_back({{pair.ours, pair.theirs}, "_" + plan.subjects[pair.theirs].store});
  if (!all.empty()) return all;
  Rivals& everybody = all.emplace_back();
  for (std::size_t i = 0; i < plan.subjects.size(); ++i) everybody.subjects.push_back(i);
  return all;
}

// What the slowest of these did with as many clients as suit it best.
double slowest_of(const std::vector<Section>& sections, const std::vector<std::size_t>& subjects) {
  double slowest = std::numeric_limits<double>::max();
  for (const std::size_t subject : subjects) {
    double best = 0;
    for (const Section& section : sections) {
      if (section.name.starts_with(kClosedLoop)) {
        best = std::max(best, number_of(section.results[subject], "per_second"));
      }
    }
    slowest = std::min(slowest, best);
  }
  return slowest;
}

Result<Section> run_open_loop(const ComparisonPlan& plan, const std::vector<Section>& closed_loops,
                              const Rivals& rivals) {
  ComparisonPlan part = plan;
  part.subjects.clear();
  part.names.clear();
  for (const std::size_t subject : rivals.subjects) {
    part.subjects.push_back(plan.subjects[subject]);
    part.names.push_back(plan.names[subject]);
  }
  const double rate = std::max(1.0, std::round(kSustained * slowest_of(closed_loops, rivals.subjects)));
  const std::string title = "HTTP, open loop: " + std::to_string(static_cast<int>(rate)) +
                            " sagas due a second, four fifths of what the slower one does in a closed loop";
  return run_load(part, {.name = kOpenLoop + rivals.name, .title = title}, kClients, rate, start_http_load);
}

// What was in memory is gone after a kill. Who fails is left out, and told of.
Section run_recovery(const ComparisonPlan& plan) {
  Section section{.name = "recovery",
                  .title = "Recovery: " + std::to_string(plan.stuck) +
                           " sagas stuck, the server killed, started again when all are due"};
  std::fprintf(stderr, "== %s\n", section.title.c_str());
  for (std::size_t i = 0; i < plan.subjects.size(); ++i) {
    if (plan.subjects[i].store == "memory") continue;
    std::fprintf(stderr, "%s\n", plan.names[i].c_str());
    Result<Measurement> measured = measure_recovery(plan.subjects[i], plan.stuck, kSilenceNs);
    if (!measured) {
      std::fprintf(stderr, "no figures of %s: %s\n", plan.names[i].c_str(), measured.error().message.c_str());
      continue;
    }
    section.subjects.push_back(plan.names[i]);
    section.results.push_back(std::move(measured).value());
  }
  return section;
}

const Section* section_of(const std::vector<Section>& sections, std::string_view name) {
  const auto found =
      std::find_if(sections.begin(), sections.end(), [name](const Section& section) { return section.name == name; });
  return found == sections.end() ? nullptr : &*found;
}

BarChart bars_of(const Section& section, std::string_view key, std::string title, std::string unit) {
  BarChart chart{std::move(title), std::move(unit), {}};
  for (std::size_t i = 0; i < section.results.size(); ++i) {
    chart.bars.emplace_back(section.subjects[i], number_of(section.results[i], key));
  }
  return chart;
}

LineChart lines_of(const std::vector<Section>& sections, std::string_view key, std::string title, std::string unit) {
  LineChart chart{std::move(title), "clients", std::move(unit), {}};
  for (const Section& section : sections) {
    if (!section.name.starts_with(kClosedLoop)) continue;
    chart.series.resize(section.results.size());
    for (std::size_t i = 0; i < section.results.size(); ++i) {
      chart.series[i].name = section.subjects[i];
      chart.series[i].points.emplace_back(number_of(section.results[i], "clients"), number_of(section.results[i], key));
    }
  }
  return chart;
}

LineChart times_of(const Comparison& comparison) {
  LineChart chart{"Sagas over HTTP beside DTM's", "clients", "times", {}};
  for (const Pair& pair : comparison.pairs) {
    Series& series = chart.series.emplace_back();
    for (const Section& section : comparison.sections) {
      if (!section.name.starts_with(kClosedLoop)) continue;
      series.name = section.subjects[pair.theirs];
      const double theirs = number_of(section.results[pair.theirs], "per_second");
      if (theirs <= 0) continue;
      series.points.emplace_back(number_of(section.results[pair.theirs], "clients"),
                                 number_of(section.results[pair.ours], "per_second") / theirs);
    }
  }
  return chart;
}

}  // namespace

Result<std::vector<Section>> compare(const ComparisonPlan& plan) {
  const StartLoad grpc = [](const LoadPlan& load, const GidSeries& gids, CheckedTransactions& transactions) {
    return start_grpc_load(load, 1, gids, transactions);
  };
  std::vector<Section> sections;
  const auto add = [&sections](Result<Section> section) -> Result<Done> {
    if (!section) return section.error();
    sections.push_back(std::move(section).value());
    return Done{};
  };
  for (const std::size_t clients : plan.clients) {
    const std::string count = std::to_string(clients);
    Section section{
        .name = kClosedLoop + count,
        .title = "HTTP, sagas of two branches, closed loop of " + count + (clients == 1 ? " client" : " clients")};
    Result<Done> added = add(run_load(plan, std::move(section), clients, 0, start_http_load));
    if (!added) return added.error();
  }
  Result<Done> added = add(
      run_load(plan, {.name = "grpc_closed_loop", .title = "gRPC, sagas of two branches, closed loop of 64 clients"},
               kClients, 0, grpc));
  if (!added) return added.error();
  for (const Rivals& rivals : rivals_of(plan)) {
    added = add(run_open_loop(plan, sections, rivals));
    if (!added) return added.error();
  }
  if (plan.stuck > 0) sections.push_back(run_recovery(plan));
  return sections;
}

std::string json_of(const Comparison& comparison) {
  std::string json = R"({"machine":)" + quoted_json(comparison.machine) + R"(,"command":)" +
                     quoted_json(comparison.command_line) + R"(,"sections":[)";
  for (const Section& section : comparison.sections) {
    if (json.back() != '[') json += ',';
    json += R"({"name":)" + quoted_json(section.name) + R"(,"subjects":[)";
    for (const std::string& subject : section.subjects) {
      if (json.back() != '[') json += ',';
      json += quoted_json(subject);
    }
    json += "]," + results_json(section.results) + "}";
  }
  return json + "]}\n";
}

std::string table_of(const Comparison& comparison) {
  std::string text = comparison.machine + "\n";
  for (const Section& section : comparison.sections) {
    text += "\n" + section.title + "\n";
    for (std::size_t i = 0; i < section.subjects.size(); ++i) {
      text += (i == 0 ? "  " : ", ") + section.subjects[i];
    }
    text += "\n" + table_of(section.results);
  }
  return text;
}

Page page_of(const Comparison& comparison) {
  const std::vector<Section>& sections = comparison.sections;
  Page page;
  page.title = "settled beside DTM";
  page.introduction = {
      comparison.machine + ". Servers, databases, clients and the branches that are called all run on it.",
      "Measured with: " + comparison.command_line,
      "Servers take turns within each question; where there are several rounds, figures are medians. "
      "RocksDB, BoltDB and MariaDB write what they acknowledge to the disk; Redis keeps it in memory. "
      "Each server logs as much as it does by itself, into a file."};
  page.parts.emplace_back(lines_of(sections, "per_second", "Sagas over HTTP", "a second"));
  if (!comparison.pairs.empty()) page.parts.emplace_back(times_of(comparison));
  page.parts.emplace_back(lines_of(sections, "p99_ms", "Time of a saga over HTTP, 99 %", "ms"));
  page.parts.emplace_back(lines_of(sections, "server_cpu_us", "Processor time of the server a saga", "us"));
  for (const Section& section : sections) {
    if (!section.name.starts_with(kOpenLoop)) continue;
    const std::string rate = std::to_string(static_cast<int>(number_of(section.results.front(), "rate")));
    page.parts.emplace_back(bars_of(section, "p99_ms", "Time of a saga at " + rate + " a second, 99 %", "ms"));
  }
  if (const Section* const grpc = section_of(sections, "grpc_closed_loop")) {
    page.parts.emplace_back(bars_of(*grpc, "per_second", "Sagas over gRPC, 64 clients", "a second"));
    page.parts.emplace_back(bars_of(*grpc, "server_idle_rss_mib", "Memory of the server when it has started", "MiB"));
    page.parts.emplace_back(bars_of(*grpc, "server_rss_mib", "Memory of the server under load", "MiB"));
  }
  if (const Section* const recovery = section_of(sections, "recovery")) {
    page.parts.emplace_back(
        bars_of(*recovery, "per_second_from_start", "Stuck sagas finished after a restart", "a second"));
  }
  for (const Section& section : comparison.sections) {
    page.parts.emplace_back(FigureTable{section.title, section.subjects, section.results});
  }
  return page;
}

}  // namespace settle::bench
