#include "benches/html_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <string_view>

namespace settle::bench {
namespace {

constexpr const char* kStyle = R"(
body{font:15px/1.5 system-ui,sans-serif;color:#1c2430;background:#fff;max-width:1060px;margin:2em auto;padding:0 1em}
h1{font-size:1.7em;margin-bottom:.2em}h2{font-size:1.05em;margin:.2em 0 .4em}
.plots{display:flex;flex-wrap:wrap;gap:18px}.plot{border:1px solid #d8dee6;border-radius:8px;padding:12px 14px}
.legend{max-width:480px;font-size:13px}svg text{font:12px system-ui,sans-serif;fill:#4a5563}svg .value{fill:#1c2430}
table{border-collapse:collapse;margin:.4em 0 1.6em;font-size:13px}
td,th{padding:2px 12px;text-align:right;border-bottom:1px solid #e6eaef}td:first-child{text-align:left}
.scroll{overflow-x:auto}
)";
constexpr std::array kColours{"#1668c7", "#e07b1a", "#3c9a4e", "#9a4fb8", "#c23b3b", "#6b7785", "#14a0a0", "#a58a12"};
constexpr double kWidth = 480;
constexpr double kHeight = 270;
constexpr double kLeft = 62;
constexpr double kRight = 14;
constexpr double kTop = 8;
constexpr double kBottom = 42;

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char each : text) {
    switch (each) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += each;
    }
  }
  return safe;
}

// 1,234 or 12.3 or 0.012.
std::string short_number(double value) {
  const double size = std::fabs(value);
  if (size < 100 && value == std::floor(value)) return fmt::format("{:.0f}", value);
  if (size < 1) return fmt::format("{:.3g}", value);
  if (size < 100) return fmt::format("{:.1f}", value);
  std::string digits = fmt::format("{:.0f}", value);
  for (auto place = static_cast<std::ptrdiff_t>(digits.size()) - 3; place > (value < 0 ? 1 : 0); place -= 3) {
    digits.insert(static_cast<std::size_t>(place), ",");
  }
  return digits;
}

// A round step that divides up to `top` into five parts or fewer.
double step_for(double top) {
  if (!(top > 0)) return 1;
  const double power = std::pow(10, std::floor(std::log10(top / 5)));
  for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
    if (factor * power * 5 >= top) return factor * power;
  }
  return 10 * power;
}

// The names of all subjects, in the order in which they come.
class Colours {
 public:
  std::string of(const std::string& name) {
    auto found = std::find(names_.begin(), names_.end(), name);
    if (found == names_.end()) found = names_.insert(names_.end(), name);
    return kColours[static_cast<std::size_t>(std::distance(names_.begin(), found)) % kColours.size()];
  }

 private:
  std::vector<std::string> names_;
};

std::string text_at(double x, double y, const char* anchor, std::string_view text, const char* more = "") {
  return fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="{}"{}>{}</text>)", x, y, anchor, more, escaped(text));
}

std::string lines_of(const LineChart& chart, Colours& colours) {
  double top = 0;
  double first = INFINITY;
  double last = 0;
  std::vector<double> ticks;
  for (const Series& series : chart.series) {
    for (const auto& [x, y] : series.points) {
      top = std::max(top, y);
      first = std::min(first, x);
      last = std::max(last, x);
      ticks.push_back(x);
    }
  }
  std::sort(ticks.begin(), ticks.end());
  ticks.erase(std::unique(ticks.begin(), ticks.end()), ticks.end());
  const double step = step_for(top);
  top = std::max(step, std::ceil(top / step) * step);
  const double span = last > first ? std::log2(last) - std::log2(first) : 1;
  const auto x_of = [&](double x) {
    return kLeft + (kWidth - kLeft - kRight) * (last > first ? (std::log2(x) - std::log2(first)) / span : 0.5);
  };
  const auto y_of = [&](double y) { return kTop + (kHeight - kTop - kBottom) * (1 - y / top); };
  std::string svg;
  for (int i = 0; i * step <= top * 1.001; ++i) {
    const double y = y_of(i * step);
    svg += fmt::format(R"(<line x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}" stroke="#e6eaef"/>)", kLeft,
                       kWidth - kRight, y, y);
    svg += text_at(kLeft - 6, y + 4, "end", short_number(i * step));
  }
  for (const double x : ticks) svg += text_at(x_of(x), kHeight - kBottom + 17, "middle", short_number(x));
  svg += text_at((kLeft + kWidth - kRight) / 2, kHeight - 6, "middle", chart.x_label);
  for (const Series& series : chart.series) {
    const std::string colour = colours.of(series.name);
    std::string path;
    for (const auto& [x, y] : series.points) {
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x_of(x), y_of(y));
      svg += fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="3.2" fill="{}"><title>{}: {}</title></circle>)", x_of(x),
                         y_of(y), colour, escaped(series.name), short_number(y));
    }
    svg += fmt::format(R"(<path d="{}" fill="none" stroke="{}" stroke-width="2"/>)", path, colour);
  }
  std::string legend;
  for (const Series& series : chart.series) {
    legend += fmt::format(R"(<span style="color:{}">&#9632;</span> {} &nbsp; )", colours.of(series.name),
                          escaped(series.name));
  }
  return fmt::format(
      R"(<div class="plot"><h2>{}</h2><div class="legend">{}</div><svg viewBox="0 0 {} {}" width="{}" role="img">{}</svg></div>)",
      escaped(chart.title + ", " + chart.y_label), legend, kWidth, kHeight, kWidth, svg);
}

std::string bars_of(const BarChart& chart, Colours& colours) {
  constexpr double kBar = 22;
  constexpr double kGap = 10;
  constexpr double kNames = 170;
  constexpr double kValues = 74;
  double top = 0;
  for (const auto& [name, value] : chart.bars) top = std::max(top, value);
  std::string svg;
  double y = 0;
  for (const auto& [name, value] : chart.bars) {
    const double width = top > 0 ? (kWidth - kNames - kValues) * value / top : 0;
    svg += text_at(kNames - 8, y + kBar - 6, "end", name);
    svg += fmt::format(R"(<rect x="{}" y="{}" width="{:.1f}" height="{}" rx="3" fill="{}"/>)", kNames, y,
                       std::max(width, 1.0), kBar, colours.of(name));
    svg += text_at(kNames + width + 6, y + kBar - 6, "start", short_number(value), R"( class="value")");
    y += kBar + kGap;
  }
  return fmt::format(R"(<div class="plot"><h2>{}</h2><svg viewBox="0 0 {} {}" width="{}" role="img">{}</svg></div>)",
                     escaped(chart.title + ", " + chart.unit), kWidth, y, kWidth, svg);
}

std::string table_of(const FigureTable& table) {
  std::string html = fmt::format("<h2>{}</h2><div class=\"scroll\"><table><tr><th></th>", escaped(table.title));
  for (const std::string& subject : table.subjects) html += "<th>" + escaped(subject) + "</th>";
  html += "</tr>";
  for (std::size_t row = 0; !table.measurements.empty() && row < table.measurements.front().size(); ++row) {
    html += "<tr><td>" + escaped(table.measurements.front()[row].label) + "</td>";
    for (const Measurement& measurement : table.measurements) {
      html += "<td>" + escaped(text_of(measurement[row])) + "</td>";
    }
    html += "</tr>";
  }
  return html + "</table></div>\n";
}

}  // namespace

std::string html_of(const Page& page) {
  Colours colours;
  std::string html = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + escaped(page.title) +
                     "</title><style>" + kStyle + "</style></head><body>\n<h1>" + escaped(page.title) + "</h1>\n";
  for (const std::string& paragraph : page.introduction) html += "<p>" + escaped(paragraph) + "</p>\n";
  bool among_plots = false;
  for (const auto& part : page.parts) {
    const auto* const table = std::get_if<FigureTable>(&part);
    if (among_plots != (table == nullptr)) {
      html += among_plots ? "</div>\n" : "<div class=\"plots\">\n";
      among_plots = !among_plots;
    }
    if (table != nullptr) {
      html += table_of(*table);
    } else if (const auto* const lines = std::get_if<LineChart>(&part)) {
      html += lines_of(*lines, colours) + "\n";
    } else {
      html += bars_of(std::get<BarChart>(part), colours) + "\n";
    }
  }
  if (among_plots) html += "</div>\n";
  return html + "</body></html>\n";
}

}  // namespace settle::bench
