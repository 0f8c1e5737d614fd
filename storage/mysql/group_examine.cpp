// Which changes of a group do not fit what is stored, found by reading.
#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "storage/mysql/group_write.hpp"
#include "storage/mysql/parameters.hpp"

namespace settle::mysql {
namespace {

constexpr std::size_t kGidsOfOneStatement = 64;
constexpr std::size_t kRowsOfOneStatement = 64;

struct Stored {
  std::string status;
  std::string owner;
};

ChangeResult fit(const Change& change, const Stored* stored) {
  if (change.create) return stored == nullptr ? ChangeResult::applied : ChangeResult::exists;
  const bool fits = stored != nullptr && stored->status == to_string(change.expected_status) &&
                    (change.held_as.empty() || stored->owner == change.held_as);
  return fits ? ChangeResult::applied : ChangeResult::conflict;
}

}  // namespace

SqlResult<Done> GroupWrite::refuse_misfits() {
  const auto results = examine_transactions();
  if (!results) return results.error();
  refuse(results.value());
  const auto by_branches = examine_branches();
  if (!by_branches) return by_branches.error();
  refuse(by_branches.value());
  return Done{};
}

SqlResult<std::vector<ChangeResult>> GroupWrite::examine_transactions() {
  std::unordered_map<std::string, Stored> stored;
  for (std::size_t first = 0; first < live_.size(); first += kGidsOfOneStatement) {
    Parameters parameters;
    const std::size_t count = std::min(kGidsOfOneStatement, live_.size() - first);
    for (std::size_t i = 0; i < count; ++i) parameters.view(live_[first + i]->change->gid);
    const std::string list = parameters.close_list(count);
    auto rows = connection_.query(
        "SELECT gid, status, owner FROM trans_global FORCE INDEX (gid) WHERE gid IN " + list + " FOR UPDATE",
        parameters.list());
    if (!rows) return rows.error();
    for (std::size_t row = 0; row < rows.value().count(); ++row) {
      Rows& values = rows.value();
      stored[values.at(row, 0).value_or("")] = {values.at(row, 1).value_or(""), values.at(row, 2).value_or("")};
    }
  }
  std::vector<ChangeResult> results;
  results.reserve(live_.size());
  for (const PlannedChange* planned : live_) {
    const auto found = stored.find(planned->change->gid);
    results.push_back(fit(*planned->change, found == stored.end() ? nullptr : &found->second));
  }
  return results;
}

// Their transactions are locked, so no branch comes after this look.
SqlResult<std::vector<ChangeResult>> GroupWrite::examine_branches() {
  std::vector<ChangeResult> results;
  results.reserve(live_.size());
  for (const PlannedChange* planned : live_) {
    const auto found = has_branches(*planned);
    if (!found) return found.error();
    results.push_back(found.value() ? ChangeResult::conflict : ChangeResult::applied);
  }
  return results;
}

SqlResult<bool> GroupWrite::has_branches(const PlannedChange& planned) {
  const std::string& gid = planned.change->gid;
  const std::string sql = "SELECT branch_id, op, gid FROM trans_branch_op FORCE INDEX (gid_uniq) WHERE gid = ?";
  if (planned.change->create) {
    auto rows = connection_.query(sql + " LIMIT 1", std::vector<Parameter>{gid});
    if (!rows) return rows.error();
    // DTM's tables find those of a gid in other letters, too; its transaction tells what is wrong, not its branches.
    return rows.value().count() > 0 && rows.value().at(0, 2) == gid;
  }
  for (std::size_t first = 0; first < planned.new_branches.size(); first += kRowsOfOneStatement) {
    const std::size_t count = std::min(kRowsOfOneStatement, planned.new_branches.size() - first);
    Parameters parameters;
    parameters.view(gid);
    std::set<std::pair<std::string_view, std::string_view>> names;
    for (std::size_t i = first; i < first + count; ++i) {
      const BranchView& view = planned.new_branches[i].view;
      parameters.view(view.branch_id);
      names.emplace(view.branch_id, view.operation);
    }
    std::string of_these = sql;
    (of_these += " AND branch_id IN ") += parameters.close_list(count);
    auto rows = connection_.query(of_these, parameters.list());
    if (!rows) return rows.error();
    for (std::size_t row = 0; row < rows.value().count(); ++row) {
      const std::string branch_id = rows.value().at(row, 0).value_or("");
      const std::string operation = rows.value().at(row, 1).value_or("");
      if (names.contains({branch_id, operation})) return true;
    }
  }
  return false;
}

void GroupWrite::refuse(const std::vector<ChangeResult>& results) {
  std::vector<PlannedChange*> kept;
  kept.reserve(live_.size());
  for (std::size_t i = 0; i < live_.size(); ++i) {
    if (results[i] == ChangeResult::applied) {
      kept.push_back(live_[i]);
    } else {
      live_[i]->outcome->result = results[i];
    }
  }
  live_ = std::move(kept);
}

}  // namespace settle::mysql
