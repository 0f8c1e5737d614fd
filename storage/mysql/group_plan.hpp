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

// Texts are the change's; times are those that the plan was made with, empty where they are left open.

// One row of a branch that is to be inserted.
struct NewBranch {
  BranchView view;
  BranchStatus status = BranchStatus::prepared;
  std::string_view finish_time;
};

// Rows of one transaction that get the same values.
struct BranchUpdate {
  std::vector<std::string_view> branch_ids;
  std::string_view operation;
  BranchStatus status = BranchStatus::prepared;
  std::string_view finish_time;
};

struct PlannedChange {
  const Change* change = nullptr;
  ChangeOutcome* outcome = nullptr;
  StateColumns columns;
  std::string_view create_time;  // of what is inserted
  std::vector<NewBranch> new_branches;
  std::vector<BranchUpdate> branch_updates;
};

// What is refused whatever is stored gets its outcome and is left out. All arguments must live as long as the plan.
std::vector<PlannedChange> plan_group(TimeTexts& times, std::span<const Change> group,
                                      std::span<ChangeOutcome> outcomes);

}  // namespace settle::mysql
