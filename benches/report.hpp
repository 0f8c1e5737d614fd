// What was measured, as a table for people or as JSON for programs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace settle::bench {

// One measured thing. The key names it in JSON, unit last; the label in the table.
struct Figure {
  std::string_view key;
  std::string_view label;
  std::variant<std::string, std::int64_t, double, bool> value;
};

// One run. Figures are shown in the order they were added.
using Measurement = std::vector<Figure>;

// The figure of that key; null: there is none.
const Figure* figure_of(const Measurement& measurement, std::string_view key);

// The measurements as columns, one line a figure. Every measurement must have the same keys in the same order.
std::string table_of(const std::vector<Measurement>& measurements);

// {"results":[{"key":value,…},…]} on one line.
std::string json_of(const std::vector<Measurement>& measurements);

// "results":[…] alone, for an object that has more.
std::string results_json(const std::vector<Measurement>& measurements);
std::string quoted_json(std::string_view text);

// The value as the table has it.
std::string text_of(const Figure& figure);

// Writes one of the two to standard output.
void print(const std::vector<Measurement>& measurements, bool json);

}  // namespace settle::bench
