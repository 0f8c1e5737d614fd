// Plots on one self-contained page: no script, no font and no picture from elsewhere.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "benches/report.hpp"

namespace settle::bench {

// The same subject has the same colour in all plots of a page.
struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;  // by x, ascending
};

// Lines over an x that doubles from tick to tick, each of them labelled.
struct LineChart {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<Series> series;
};

// A bar for each subject.
struct BarChart {
  std::string title;
  std::string unit;
  std::vector<std::pair<std::string, double>> bars;
};

// Figures as they were measured.
struct FigureTable {
  std::string title;
  std::vector<std::string> subjects;  // of the columns
  std::vector<Measurement> measurements;
};

struct Page {
  std::string title;
  std::vector<std::string> introduction;  // paragraphs
  std::vector<std::variant<LineChart, BarChart, FigureTable>> parts;
};

// Plots stand two abreast, tables have the whole width. What texts hold is shown as it is, never read as HTML.
std::string html_of(const Page& page);

}  // namespace settle::bench
