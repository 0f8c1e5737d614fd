#include "benches/html_report.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace settle::bench;

namespace {

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

}  // namespace

TEST_CASE("bench/html: lines, bars and a table -> all are on the page, a subject has one colour") {
  Page page{.title = "a title", .introduction = {"how it was measured"}};
  page.parts.emplace_back(
      LineChart{"speed", "clients", "a second", {{"one", {{1, 10}, {8, 1234}}}, {"two", {{1, 5}, {8, 7}}}}});
  page.parts.emplace_back(BarChart{"time", "ms", {{"two", 3.5}, {"one", 0}}});
  page.parts.emplace_back(FigureTable{"figures", {"one"}, {{{"key", "a label", 12.5}}}});
  const std::string html = html_of(page);
  for (const char* part : {"<h1>a title</h1>", "how it was measured", "speed, a second", "time, ms", "figures",
                           "one: 1,234", ">3.5</text>", "a label", "12.50"}) {
    CAPTURE(part);
    CHECK(html.find(part) != std::string::npos);
  }
  CHECK(count_of(html, "<svg") == 2);
  CHECK(count_of(html, "<path") == 2);
  CHECK(count_of(html, "<div class=\"plots\">") == 1);
  CHECK(count_of(html, "<div") == count_of(html, "</div>"));
  // "one" came first: a line, its points, its square in the legend, and a bar.
  CHECK(count_of(html, "#1668c7") == 5);
}

TEST_CASE("bench/html: what a name holds -> is shown, and is no HTML") {
  Page page{.title = "<b>&\""};
  page.parts.emplace_back(BarChart{"t", "u", {{"<script>", 1}}});
  const std::string html = html_of(page);
  CHECK(html.find("<h1>&lt;b&gt;&amp;&quot;</h1>") != std::string::npos);
  CHECK(html.find("<script>") == std::string::npos);
}

TEST_CASE("bench/html: nothing, one point, nothing but zeros -> a page all the same") {
  Page page{.title = "t"};
  page.parts.emplace_back(LineChart{"none", "x", "y", {}});
  page.parts.emplace_back(LineChart{"one", "x", "y", {{"a", {{64, 0}}}}});
  page.parts.emplace_back(BarChart{"no bars", "u", {}});
  page.parts.emplace_back(FigureTable{"no figures", {}, {}});
  const std::string html = html_of(page);
  CHECK(count_of(html, "<svg") == 3);
  CHECK(html.find("nan") == std::string::npos);
  CHECK(html.find("inf") == std::string::npos);
}
