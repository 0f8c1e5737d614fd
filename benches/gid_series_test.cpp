#include "benches/gid_series.hpp"

#include <doctest/doctest.h>

using namespace settle::bench;

TEST_CASE("bench/gid series: a number -> a gid, and back") {
  const GidSeries gids;
  for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{42}, GidSeries::kNumbers - 1}) {
    CHECK(gids.number_of(gids.gid(number)) == number);
    CHECK(gids.gid(number).size() == gids.gid(0).size());
  }
}

TEST_CASE("bench/gid series: another's gid -> no number") {
  const GidSeries gids;
  const GidSeries other;
  CHECK_FALSE(gids.number_of(other.gid(7)));
  const std::string gid = gids.gid(7);
  CHECK_FALSE(gids.number_of(gid + "0"));
  CHECK_FALSE(gids.number_of(gid.substr(0, gid.size() - 1)));
  CHECK_FALSE(gids.number_of(gid.substr(0, gid.size() - 1) + "x"));
  CHECK_FALSE(gids.number_of(""));
}

TEST_CASE("bench/gid series: numbered bytes -> only the number in the gid changes") {
  const GidSeries gids;
  NumberedBytes bytes("000000000 <" + gids.gid(0) + "> 000000000", gids);
  CHECK(bytes.numbered(123) == "000000000 <" + gids.gid(123) + "> 000000000");
  CHECK(bytes.numbered(4) == "000000000 <" + gids.gid(4) + "> 000000000");
}
