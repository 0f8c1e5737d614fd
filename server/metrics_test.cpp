#include "server/metrics.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

namespace settle::server {
namespace {

// A scrape, read as Prometheus reads it.
struct Scrape {
  std::map<std::string, std::string> types;  // by the metric's name
  std::map<std::string, double> values;      // by name and labels as they are written
};

// The name that HELP and TYPE stand under: a histogram's samples have endings.
std::string family_of(const Scrape& scrape, const std::string& sample) {
  for (const char* const ending : {"_bucket", "_sum", "_count"}) {
    if (!sample.ends_with(ending)) continue;
    std::string name = sample.substr(0, sample.size() - std::string(ending).size());
    const auto found = scrape.types.find(name);
    if (found != scrape.types.end() && found->second == "histogram") return name;
  }
  return sample;
}

bool is_name(const std::string& text) {
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos;
}

// Where the labels that begin at this brace end, behind their brace; npos where they are malformed.
std::size_t end_of_labels(const std::string& line, std::size_t at) {
  do {
    const std::size_t equals = line.find("=\"", ++at);
    if (equals == std::string::npos || !is_name(line.substr(at, equals - at))) return std::string::npos;
    for (at = equals + 2; at < line.size() && line[at] != '"'; ++at) {
      if (line[at] != '\\') continue;
      if (++at == line.size() || std::string("\"\\n").find(line[at]) == std::string::npos) return std::string::npos;
    }
    ++at;
  } while (at < line.size() && line[at] == ',');
  return at < line.size() && line[at] == '}' ? at + 1 : std::string::npos;
}

void read_sample(const std::string& line, const std::set<std::string>& helped, Scrape& scrape) {
  const std::size_t name_end = line.find_first_of("{ ");
  REQUIRE(name_end != std::string::npos);
  const std::string name = line.substr(0, name_end);
  REQUIRE(is_name(name));
  const std::size_t end = line[name_end] == '{' ? end_of_labels(line, name_end) : name_end;
  REQUIRE(end < line.size());
  REQUIRE(line[end] == ' ');
  std::size_t number_length = 0;
  const double value = std::stod(line.substr(end + 1), &number_length);
  CHECK(end + 1 + number_length == line.size());
  const std::string family = family_of(scrape, name);
  CHECK(scrape.types.count(family) == 1);
  CHECK(helped.count(family) == 1);
  CHECK(scrape.values.emplace(line.substr(0, end), value).second);
}

// Every line must be one of the text format.
Scrape read(const std::string& text) {
  CHECK(text.ends_with("\n"));
  Scrape scrape;
  std::set<std::string> helped;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    if (line[0] != '#') {
      read_sample(line, helped, scrape);
      continue;
    }
    std::istringstream words(line);
    std::string hash;
    std::string keyword;
    std::string name;
    std::string rest;
    words >> hash >> keyword >> name >> rest;
    CHECK(is_name(name));
    CHECK(!rest.empty());
    if (keyword == "HELP") {
      CHECK(helped.insert(name).second);
    } else {
      CHECK(keyword == "TYPE");
      CHECK((rest == "counter" || rest == "gauge" || rest == "histogram"));
      CHECK(scrape.types.emplace(name, rest).second);
    }
  }
  return scrape;
}

std::size_t series(const Scrape& scrape, const std::string& name) {
  std::size_t count = 0;
  for (const auto& [sample, value] : scrape.values) count += sample.starts_with(name + "{") ? 1 : 0;
  return count;
}

TEST_CASE("server/metrics: what happened -> DTM's metrics with DTM's labels") {
  Metrics metrics("1.2.3");
  metrics.request_ended("http", "submit", true, 7'000);
  metrics.request_ended("http", "submit", true, 20'000'000);
  metrics.request_ended("http", "submit", false, 1'000);
  metrics.request_ended("grpc", "submit", true, 1'000);
  metrics.pass_ended(TransType::saga, true, 300);
  metrics.pass_ended(TransType::workflow, false, 3'000);
  metrics.call_ended(TransType::tcc, "01", "confirm", CallResult::success, 4);
  metrics.call_ended(TransType::tcc, "01", "confirm", CallResult::ongoing, 4);
  metrics.call_ended(TransType::tcc, "01", "confirm", CallResult::failure, 4);
  metrics.call_ended(TransType::tcc, "01", "confirm", CallResult::unknown, 3'000);
  const std::map<std::string, double> values = read(metrics.text({})).values;
  CHECK(values.at(R"(dtm_server_info{version="1.2.3"})") == 1);
  CHECK(values.at(R"(dtm_server_process_total{api="submit",status="ok",type="http"})") == 2);
  CHECK(values.at(R"(dtm_server_process_total{api="submit",status="fail",type="http"})") == 1);
  CHECK(values.at(R"(dtm_server_process_total{api="submit",status="ok",type="grpc"})") == 1);
  CHECK(values.at(R"(dtm_server_response_duration_bucket{api="submit",type="http",le="0.005"})") == 1);
  CHECK(values.at(R"(dtm_server_response_duration_bucket{api="submit",type="http",le="0.01"})") == 2);
  CHECK(values.at(R"(dtm_server_response_duration_bucket{api="submit",type="http",le="10"})") == 2);
  CHECK(values.at(R"(dtm_server_response_duration_bucket{api="submit",type="http",le="+Inf"})") == 3);
  CHECK(values.at(R"(dtm_server_response_duration_count{api="submit",type="http"})") == 3);
  CHECK(values.at(R"(dtm_server_response_duration_sum{api="submit",type="http"})") == doctest::Approx(20.008));
  CHECK(values.at(R"(dtm_transaction_process_total{model="saga",status="ok"})") == 1);
  CHECK(values.at(R"(dtm_transaction_process_total{model="saga",status="fail"})") == 0);
  CHECK(values.at(R"(dtm_transaction_process_total{model="workflow",status="fail"})") == 1);
  CHECK(values.at(R"(dtm_transaction_handled_duration_bucket{model="saga",le="0.25"})") == 0);
  CHECK(values.at(R"(dtm_transaction_handled_duration_bucket{model="saga",le="0.5"})") == 1);
  CHECK(values.at(R"(dtm_branch_process_total{branchid="01",branchtype="confirm",model="tcc",status="ok"})") == 1);
  CHECK(values.at(R"(dtm_branch_process_total{branchid="01",branchtype="confirm",model="tcc",status="fail"})") == 3);
  CHECK(values.at(R"(settle_branch_call_seconds_count{result="unknown"})") == 1);
  CHECK(values.at(R"(settle_branch_call_seconds_sum{result="unknown"})") == doctest::Approx(3));
}

TEST_CASE("server/metrics: groups written -> their sizes and times; those that failed are counted, too") {
  Metrics metrics("1");
  metrics.group_applied(1, true, 90);
  metrics.group_applied(100, true, 900);
  metrics.group_applied(3, false, 2'000'000);
  const std::map<std::string, double> values = read(metrics.text({})).values;
  CHECK(values.at(R"(settle_store_group_changes_bucket{le="1"})") == 1);
  CHECK(values.at("settle_store_group_changes_sum") == 104);
  CHECK(values.at(R"(settle_store_group_seconds_bucket{le="0.0001"})") == 1);
  CHECK(values.at("settle_store_group_seconds_count") == 3);
  CHECK(values.at("settle_store_failed_groups_total") == 1);
}

TEST_CASE("server/metrics: readings -> as they are now, each in its place") {
  const Metrics metrics("1");
  Readings readings;
  readings.engine = {.accepted = 1,
                     .succeeded = 2,
                     .failed = 3,
                     .calls = 4,
                     .groups = 5,
                     .changes = 6,
                     .active = 7,
                     .parked = 8,
                     .due = 9,
                     .calls_in_flight = 10,
                     .calls_waiting = 11,
                     .changes_waiting = 12,
                     .store_broken = true,
                     .claimed = 18,
                     .leases_lost = 19};
  readings.alerts = {.delivered = 13, .failed = 14, .dropped = 15, .waiting = 16};
  readings.http_connections = 17;
  const Scrape scrape = read(metrics.text(readings));
  const std::map<std::string, double> expected = {{"settle_transactions_accepted_total", 1},
                                                  {"settle_transactions_succeeded_total", 2},
                                                  {"settle_transactions_failed_total", 3},
                                                  {"settle_calls_total", 4},
                                                  {"settle_store_groups_total", 5},
                                                  {"settle_store_changes_total", 6},
                                                  {"settle_transactions_active", 7},
                                                  {"settle_transactions_parked", 8},
                                                  {"settle_transactions_due", 9},
                                                  {"settle_calls_in_flight", 10},
                                                  {"settle_calls_waiting", 11},
                                                  {"settle_store_changes_waiting", 12},
                                                  {"settle_alerts_delivered_total", 13},
                                                  {"settle_alerts_failed_total", 14},
                                                  {"settle_alerts_dropped_total", 15},
                                                  {"settle_alerts_waiting", 16},
                                                  {"settle_http_connections", 17},
                                                  {"settle_transactions_claimed_total", 18},
                                                  {"settle_leases_lost_total", 19},
                                                  {"settle_store_writable", 0}};
  for (const auto& row : expected) {
    CAPTURE(row.first);
    CHECK(scrape.values.at(row.first) == row.second);
    CHECK(scrape.types.at(row.first) == (row.first.ends_with("_total") ? "counter" : "gauge"));
  }
  CHECK(read(metrics.text({})).values.at("settle_store_writable") == 1);
  CHECK(scrape.values.at("process_start_time_seconds") > 1.6e9);
  CHECK(scrape.values.at("process_resident_memory_bytes") > 1e6);
  CHECK(scrape.values.at("process_cpu_seconds_total") > 0);
}

TEST_CASE("server/metrics: labels with anything in them -> still well-formed") {
  Metrics metrics("1");
  metrics.call_ended(TransType::workflow, "a\"b\\c\nd", "{x=\"y\"} 1", CallResult::success, 1);
  const Scrape scrape = read(metrics.text({}));
  CHECK(
      scrape.values.at(
          R"re(dtm_branch_process_total{branchid="a\"b\\c\nd",branchtype="{x=\"y\"} 1",model="workflow",status="ok"})re") ==
      1);
}

TEST_CASE("server/metrics: more branches than are told apart -> the others are one for each type, nothing is lost") {
  Metrics metrics("1");
  for (std::size_t i = 0; i < kBranchLabelsMax; ++i) {
    metrics.call_ended(TransType::saga, std::to_string(i), "action", CallResult::success, 1);
  }
  const std::size_t told_apart = series(read(metrics.text({})), "dtm_branch_process_total");
  CHECK(told_apart == 2 * kBranchLabelsMax);
  for (int i = 0; i < 100; ++i) {
    metrics.call_ended(TransType::saga, "new" + std::to_string(i), "action", CallResult::success, 1);
    metrics.call_ended(TransType::workflow, "01", "step" + std::to_string(i), CallResult::unknown, 1);
  }
  metrics.call_ended(TransType::saga, "0", "action", CallResult::success, 1);
  const Scrape scrape = read(metrics.text({}));
  CHECK(series(scrape, "dtm_branch_process_total") == told_apart + 4);
  const std::string other = R"(dtm_branch_process_total{branchid="other",branchtype="other",model=)";
  CHECK(scrape.values.at(other + R"("saga",status="ok"})") == 100);
  CHECK(scrape.values.at(other + R"("workflow",status="fail"})") == 100);
  CHECK(scrape.values.at(R"(dtm_branch_process_total{branchid="0",branchtype="action",model="saga",status="ok"})") ==
        2);
}

TEST_CASE("server/metrics: more names of requests than are told apart -> the others are one") {
  Metrics metrics("1");
  for (std::size_t i = 0; i < kApiLabelsMax + 50; ++i) metrics.request_ended("http", std::to_string(i), true, 1);
  const Scrape scrape = read(metrics.text({}));
  CHECK(series(scrape, "dtm_server_process_total") == 2 * (kApiLabelsMax + 1));
  CHECK(scrape.values.at(R"(dtm_server_process_total{api="other",status="ok",type="other"})") == 50);
}

TEST_CASE("server/metrics: a clock that was set back -> sums do not become less") {
  Metrics metrics("1");
  metrics.pass_ended(TransType::msg, true, -5'000);
  CHECK(read(metrics.text({})).values.at(R"(dtm_transaction_handled_duration_sum{model="msg"})") == 0);
}

TEST_CASE("server/metrics: the page about them -> names each, and none that is not there") {
  Metrics metrics("1");
  metrics.request_ended("http", "submit", true, 1);
  metrics.call_ended(TransType::saga, "01", "action", CallResult::success, 1);
  std::set<std::string> told;
  for (const auto& [name, type] : read(metrics.text({})).types) told.insert(name);
  std::ifstream page(SETTLE_METRICS_PAGE);
  REQUIRE(page);
  std::set<std::string> described;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("| `")) described.insert(line.substr(3, line.find_first_of("`{", 3) - 3));
  }
  CHECK(described == told);
}

}  // namespace
}  // namespace settle::server
