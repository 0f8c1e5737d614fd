// The branch rows of a group.
#include <algorithm>
#include <compare>
#include <string>
#include <string_view>
#include <tuple>

#include "storage/mysql/group_write.hpp"
#include "storage/mysql/parameters.hpp"
#include "storage/mysql/row_insert.hpp"

namespace settle::mysql {
namespace {

constexpr std::size_t kGidsOfOneStatement = 64;
constexpr std::size_t kBranchIdsOfOneUpdate = 64;
constexpr std::size_t kRowsOfOneUpdate = 256;

}  // namespace

// Rows of one transaction that get the same values. Those of others that are equal are updated by the same statement.
struct GroupWrite::BranchClass {
  const PlannedChange* planned = nullptr;
  const BranchUpdate* update = nullptr;

  std::strong_ordering operator<=>(const BranchClass& other) const {
    const auto values = [](const BranchClass& each) {
      return std::tie(each.update->operation, each.update->status, each.update->finish_time,
                      each.planned->columns.update_time, each.update->branch_ids);
    };
    return values(*this) <=> values(other);
  }
  bool operator==(const BranchClass& other) const { return std::is_eq(*this <=> other); }
};

SqlResult<Done> GroupWrite::insert_branches() {
  RowInsert plain(connection_, "trans_branch_op", kNewBranchInsert);
  RowInsert other(connection_, "trans_branch_op", kBranchInsert);
  for (const PlannedChange* planned : live_) {
    // All in one, for their ids tell their order.
    const bool are_prepared =
        std::all_of(planned->new_branches.begin(), planned->new_branches.end(),
                    [](const NewBranch& branch) { return branch.status == BranchStatus::prepared; });
    RowInsert& insert = are_prepared ? plain : other;
    const std::string& gid = planned->change->gid;
    for (const NewBranch& branch : planned->new_branches) {
      if (are_prepared) {
        append_new_branch(insert.row(), gid, branch.view, planned->create_time);
      } else {
        append_branch(insert.row(), gid, branch.view, branch.status, planned->create_time, branch.finish_time);
      }
      if (const auto done = insert.row_done(); !done) return done.error();
    }
  }
  if (const auto done = plain.flush(); !done) return done.error();
  if (const auto done = other.flush(); !done) return done.error();
  return Done{};
}

SqlResult<Done> GroupWrite::update_branches() {
  std::vector<BranchClass> classes;
  for (const PlannedChange* planned : live_) {
    for (const BranchUpdate& update : planned->branch_updates) classes.push_back({planned, &update});
  }
  std::stable_sort(classes.begin(), classes.end(),
                   [](const BranchClass& a, const BranchClass& b) { return std::is_lt(a <=> b); });
  for (std::size_t first = 0; first < classes.size();) {
    const std::size_t ids = std::min(classes[first].update->branch_ids.size(), kBranchIdsOfOneUpdate);
    const std::size_t members_max = std::max<std::size_t>(1, std::min(kRowsOfOneUpdate / ids, kGidsOfOneStatement));
    std::size_t last = first + 1;
    while (last < classes.size() && last - first < members_max && classes[first] == classes[last]) ++last;
    if (auto done = update_class(std::span(classes).subspan(first, last - first)); !done) return done;
    first = last;
  }
  return Done{};
}

SqlResult<Done> GroupWrite::update_class(std::span<const BranchClass> members) {
  const BranchUpdate& update = *members.front().update;
  for (std::size_t first = 0; first < update.branch_ids.size(); first += kBranchIdsOfOneUpdate) {
    const auto branch_ids = std::span(update.branch_ids)
                                .subspan(first)
                                .first(std::min(kBranchIdsOfOneUpdate, update.branch_ids.size() - first));
    Parameters parameters;
    parameters.view(to_string(update.status));
    parameters.time(update.finish_time);
    parameters.time(members.front().planned->columns.update_time);
    for (const BranchClass& member : members) parameters.view(member.planned->change->gid);
    std::string sql =
        "UPDATE trans_branch_op FORCE INDEX (gid_uniq) SET status = ?, finish_time = ?, update_time = ? WHERE gid IN ";
    sql += parameters.close_list(members.size());
    for (const std::string_view branch_id : branch_ids) parameters.view(branch_id);
    (sql += " AND branch_id IN ") += parameters.close_list(branch_ids.size());
    sql += " AND op = ?";
    parameters.view(update.operation);
    const auto matched = connection_.execute(sql, parameters.list());
    if (!matched) return matched.error();
    if (matched.value() != members.size() * branch_ids.size()) {
      return SqlError{Fault::duplicate, 0, "branches that are not stored"};
    }
  }
  return Done{};
}

}  // namespace settle::mysql
