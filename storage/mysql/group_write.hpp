// One attempt to write a group, in the database transaction that its session has open.
//
// Statements name the index by which they find their rows: on a small table the optimizer would rather read it whole,
// and lock what others are at.
#pragma once

#include <span>
#include <vector>

#include "storage/mysql/connection.hpp"
#include "storage/mysql/group_plan.hpp"

namespace settle::mysql {

class GroupWrite {
 public:
  // The plan must live as long as this.
  GroupWrite(Connection& connection, std::span<PlannedChange> plan);

  // Locks and reads what is stored of all these transactions. Changes that do not fit get their outcome, and write()
  // leaves them out.
  SqlResult<Done> refuse_misfits();

  // Writes the rest. is_misfit(error): one of them does not fit what is stored, and it was not told which.
  SqlResult<Done> write();

  bool has_work() const { return !live_.empty(); }

  // Once it is committed.
  void set_applied();

 private:
  struct BranchClass;

  // One for each of live_: what is to become of it; `applied`: nothing is against it.
  SqlResult<std::vector<ChangeResult>> examine_transactions();
  SqlResult<std::vector<ChangeResult>> examine_branches();
  // Whether a branch is there already that this one brings; where it is created: any branch.
  SqlResult<bool> has_branches(const PlannedChange& planned);
  // Those that are not `applied` leave live_ with that outcome.
  void refuse(const std::vector<ChangeResult>& results);

  SqlResult<Done> create_transactions();
  SqlResult<Done> update_transactions();
  SqlResult<Done> update_equal(std::span<PlannedChange* const> changes);
  SqlResult<Done> insert_branches();
  SqlResult<Done> update_branches();
  SqlResult<Done> update_class(std::span<const BranchClass> members);

  Connection& connection_;
  std::vector<PlannedChange*> live_;
};

bool is_misfit(const SqlError& error);

}  // namespace settle::mysql
