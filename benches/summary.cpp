#include "benches/summary.hpp"

#include <algorithm>
#include <string_view>
#include <type_traits>

namespace settle::bench {
namespace {

constexpr std::string_view kSpeed = "per_second";

using Value = decltype(Figure::value);

// What all runs have in one row, of the type that the first has there.
template <class T>
std::vector<T> row_of(const std::vector<Measurement>& runs, std::size_t row) {
  std::vector<T> values;
  values.reserve(runs.size());
  for (const Measurement& run : runs) values.push_back(std::get<T>(run[row].value));
  return values;
}

Value median_of(const std::vector<Measurement>& runs, std::size_t row) {
  return std::visit(
      [&runs, row](const auto& first) -> Value {
        using T = std::decay_t<decltype(first)>;
        if constexpr (std::is_same_v<T, double> || std::is_same_v<T, std::int64_t>) {
          std::vector<T> values = row_of<T>(runs, row);
          std::sort(values.begin(), values.end());
          return values[(values.size() - 1) / 2];
        } else {
          return first;
        }
      },
      runs.front()[row].value);
}

double speed_of(const Measurement& measurement) { return std::get<double>(figure_of(measurement, kSpeed)->value); }

}  // namespace

Measurement summary_of(const std::vector<Measurement>& runs) {
  Measurement summary;
  for (std::size_t row = 0; row < runs.front().size(); ++row) {
    const Figure& figure = runs.front()[row];
    summary.push_back({figure.key, figure.label, median_of(runs, row)});
    if (figure.key != kSpeed || runs.size() == 1) continue;
    const std::vector<double> speeds = row_of<double>(runs, row);
    const auto [slowest, fastest] = std::minmax_element(speeds.begin(), speeds.end());
    summary.push_back({"rounds", "rounds: these are medians", static_cast<std::int64_t>(runs.size())});
    summary.push_back({"per_second_min", "transactions/s, slowest", *slowest});
    summary.push_back({"per_second_max", "transactions/s, fastest", *fastest});
  }
  return summary;
}

void add_ratios(std::vector<Measurement>& measurements) {
  if (measurements.size() < 2) return;
  const double first = speed_of(measurements.front());
  for (Measurement& measurement : measurements) {
    const double other = speed_of(measurement);
    measurement.push_back({"first_times_as_fast", "times as fast is the first", other > 0 ? first / other : 0});
  }
}

}  // namespace settle::bench
