#include "benches/summary.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

using namespace settle::bench;

namespace {

Measurement run(double per_second, std::int64_t count) {
  return {{"server", "server", "s"}, {"per_second", "transactions/s", per_second}, {"count", "n", count}};
}

}  // namespace

TEST_CASE("bench/summary: three runs -> medians, and how far their speeds lie apart") {
  CHECK(json_of({summary_of({run(30, 7), run(10, 9), run(20, 8)})}) ==
        R"({"results":[{"server":"s","per_second":20.000,"rounds":3,"per_second_min":10.000,"per_second_max":30.000,)"
        R"("count":8}]})"
        "\n");
}

TEST_CASE("bench/summary: two runs -> the lower of the two, for each figure by itself") {
  const Measurement summary = summary_of({run(30, 7), run(10, 9)});
  CHECK(std::get<double>(summary[1].value) == 10);
  CHECK(std::get<std::int64_t>(summary.back().value) == 7);
}

TEST_CASE("bench/summary: one run -> itself") { CHECK(json_of({summary_of({run(30, 7)})}) == json_of({run(30, 7)})); }

TEST_CASE("bench/summary: three servers -> by how much the first is faster than each") {
  std::vector<Measurement> measurements{run(30, 1), run(10, 1), run(0, 1)};
  add_ratios(measurements);
  CHECK(std::get<double>(measurements[0].back().value) == 1);
  CHECK(std::get<double>(measurements[1].back().value) == 3);
  CHECK(std::get<double>(measurements[2].back().value) == 0);
  std::vector<Measurement> alone{run(30, 1)};
  add_ratios(alone);
  CHECK(json_of(alone) == json_of({run(30, 1)}));
}
