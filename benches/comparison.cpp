#include "benches/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
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
constexpr double kSustained = 0.8;    // of what the slowest does in a closed loop
constexpr std::int64_t kSilenceNs = 30'000'000'000;
constexpr const char* kClosedLoop = "http_closed_loop_";

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
  double slowest = 0;
  for (const std::size_t clients : plan.clients) {
    const std::string count = std::to_string(clients);
    Section section{.name = kClosedLoop + count,
                    .title = "HTTP, sagas of two branches, closed loop of " + count + " clients"};
    Result<Done> added = add(run_load(plan, std::move(section), clients, 0, start_http_load));
    if (!added) return added.error();
    double slowest_here = number_of(sections.back().results.front(), "per_second");
    for (const Measurement& result : sections.back().results) {
      slowest_here = std::min(slowest_here, number_of(result, "per_second"));
    }
    slowest = std::max(slowest, slowest_here);
  }
  Result<Done> added = add(
      run_load(plan, {.name = "grpc_closed_loop", .title = "gRPC, sagas of two branches, closed loop of 64 clients"},
               kClients, 0, grpc));
  if (!added) return added.error();
  const double rate = std::max(1.0, std::round(kSustained * slowest));
  const std::string title =
      "HTTP, open loop: " + std::to_string(static_cast<int>(rate)) + " sagas due a second, which all sustain";
  added = add(run_load(plan, {.name = "http_open_loop", .title = title}, kClients, rate, start_http_load));
  if (!added) return added.error();
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
      "RocksDB, BoltDB and MariaDB write what they acknowledge to the disk; Redis keeps it in memory."};
  page.parts.emplace_back(lines_of(sections, "per_second", "Sagas over HTTP", "a second"));
  page.parts.emplace_back(lines_of(sections, "p99_ms", "Time of a saga over HTTP, 99 %", "ms"));
  page.parts.emplace_back(lines_of(sections, "server_cpu_us", "Processor time of the server a saga", "us"));
  if (const Section* const open = section_of(sections, "http_open_loop")) {
    page.parts.emplace_back(bars_of(*open, "p50_ms", "At a rate that all sustain, median", "ms"));
    page.parts.emplace_back(bars_of(*open, "p99_ms", "At a rate that all sustain, 99 %", "ms"));
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
