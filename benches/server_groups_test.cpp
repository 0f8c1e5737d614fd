#include "benches/server_groups.hpp"

#include <doctest/doctest.h>

using namespace settle::bench;

TEST_CASE("bench/groups: metrics of settled -> how many groups and changes") {
  const GroupCounts counts = groups_in(
      "# HELP x\nsettle_store_group_changes_bucket{le=\"1\"} 2\nsettle_store_group_changes_sum 1234\n"
      "settle_store_group_changes_count 56\n");
  CHECK(counts.groups == 56);
  CHECK(counts.changes == 1234);
}

TEST_CASE("bench/groups: metrics of another server, or none -> zeros") {
  CHECK(groups_in("").groups == 0);
  CHECK(groups_in("dtm_server_process_total 7\n").changes == 0);
}
