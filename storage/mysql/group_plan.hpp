// What a group of changes comes to in the tables. Made once, however often it is tried.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "settle/store.hpp"
#include "storage/mysql/rows.hpp"
#include "storage/mysql/wall_time.hpp"

namespace settle::mysql {

// One row of a branch that is to be inserted. Its texts are the change's.
struct NewBranch {
  BranchView view;
  BranchState state;
};

// Rows of one transaction that get the same values.
struct BranchUpdate {
  std::vector<std::string_view> branch_ids;
  std::string_view operation;
  BranchStatus status = BranchStatus::prepared;
  std::int64_t finish_time_ms = 0;  // whole seconds
};

struct PlannedChange {
  const Change* change = nullptr;
  ChangeOutcome* outcome = nullptr;
  StateColumns columns;
  std::vector<NewBranch> new_branches;
  std::vector<BranchUpdate> branch_updates;
};

// What is refused whatever is stored gets its outcome and is left out.
std::vector<PlannedChange> plan_group(const WallTime& times, std::span<const Change> group,
                                      std::span<ChangeOutcome> outcomes);

}  // namespace settle::mysql
