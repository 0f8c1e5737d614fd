#include "benches/report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <boost/json/serialize.hpp>

namespace settle::bench {
namespace {

std::string value_text(double value) {
  char text[64];
  const int digits = std::fabs(value) >= 1000 ? 0 : std::fabs(value) >= 10 ? 2 : 3;
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}
std::string value_text(std::int64_t value) { return std::to_string(value); }
std::string value_text(bool value) { return value ? "yes" : "no"; }
std::string value_text(const std::string& value) { return value; }

// Plain numbers that a shell script can use too, where the library would write 1.2E3; no more digits than were
// measured.
std::string json_value(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.3f", std::isfinite(value) ? value : 0.0);
  return text;
}
std::string json_value(std::int64_t value) { return std::to_string(value); }
std::string json_value(bool value) { return value ? "true" : "false"; }
std::string json_value(const std::string& value) { return quoted_json(value); }

}  // namespace

const Figure* figure_of(const Measurement& measurement, std::string_view key) {
  const auto found =
      std::find_if(measurement.begin(), measurement.end(), [key](const Figure& figure) { return figure.key == key; });
  return found == measurement.end() ? nullptr : &*found;
}

std::string quoted_json(std::string_view text) { return boost::json::serialize(boost::json::string_view(text)); }

std::string text_of(const Figure& figure) {
  return std::visit([](const auto& value) { return value_text(value); }, figure.value);
}

std::string table_of(const std::vector<Measurement>& measurements) {
  std::string table;
  if (measurements.empty()) return table;
  constexpr std::size_t kColumnWidth = 14;
  std::size_t label_width = 0;
  for (const Figure& figure : measurements.front()) label_width = std::max(label_width, figure.label.size());
  for (std::size_t row = 0; row < measurements.front().size(); ++row) {
    const std::string_view label = measurements.front()[row].label;
    table.append(label).append(label_width - label.size(), ' ');
    for (const Measurement& measurement : measurements) {
      const std::string text = text_of(measurement[row]);
      table.append(2, ' ').append(kColumnWidth - std::min(kColumnWidth, text.size()), ' ').append(text);
    }
    table.push_back('\n');
  }
  return table;
}

std::string json_of(const std::vector<Measurement>& measurements) { return "{" + results_json(measurements) + "}\n"; }

std::string results_json(const std::vector<Measurement>& measurements) {
  std::string json = R"("results":[)";
  for (const Measurement& measurement : measurements) {
    json += json.back() == '[' ? "{" : ",{";
    for (const Figure& figure : measurement) {
      if (json.back() != '{') json += ',';
      json +=
          quoted_json(figure.key) + ':' + std::visit([](const auto& value) { return json_value(value); }, figure.value);
    }
    json += '}';
  }
  return json + "]";
}

void print(const std::vector<Measurement>& measurements, bool json) {
  const std::string text = json ? json_of(measurements) : table_of(measurements);
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace settle::bench
