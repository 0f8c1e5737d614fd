#include "benches/report.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>

using namespace settle::bench;

TEST_CASE("bench/report: two measurements -> one JSON object with plain numbers") {
  const Measurement first{{"store", "store", "a \"b\""}, {"per_second", "transactions/s", 41234.56789}};
  const Measurement second{{"count", "n", std::int64_t{7}}, {"durable", "durable", true}, {"x", "x", NAN}};
  CHECK(json_of({first, second}) ==
        R"({"results":[{"store":"a \"b\"","per_second":41234.568},{"count":7,"durable":true,"x":0.000}]})"
        "\n");
  CHECK(json_of({}) == "{\"results\":[]}\n");
}

TEST_CASE("bench/report: two measurements -> columns of one table") {
  const Measurement first{{"store", "store", "memory"}, {"p50_ms", "median, ms", 0.5}};
  const Measurement second{{"store", "store", "rocksdb"}, {"p50_ms", "median, ms", 1234.5}};
  CHECK(table_of({first, second}) ==
        "store               memory         rocksdb\n"
        "median, ms           0.500            1234\n");
  CHECK(table_of({}).empty());
}
