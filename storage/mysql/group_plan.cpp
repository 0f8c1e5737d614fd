#include "storage/mysql/group_plan.hpp"

#include <map>
#include <tuple>
#include <utility>

#include "storage/common/rows.hpp"

namespace settle::mysql {
namespace {

using Name = std::pair<std::string_view, std::string_view>;  // branch_id, operation

void plan_new_branches(PlannedChange& planned, TimeTexts& times, const Definition& definition,
                       std::size_t definition_rows, std::map<Name, const BranchState*>& named) {
  const Change& change = *planned.change;
  const std::size_t count = row_count(definition.type, definition_rows, change.registrations.size());
  planned.new_branches.reserve(count);
  for (std::size_t row = 0; row < count; ++row) {
    const BranchView view = branch_at(definition, change.registrations, row);
    const auto found = named.find({view.branch_id, view.operation});
    if (found == named.end()) {
      planned.new_branches.push_back({view, BranchStatus::prepared, {}});
    } else {
      planned.new_branches.push_back({view, found->second->status, times.of(found->second->finish_time_ms)});
      named.erase(found);
    }
  }
}

void plan_branches(PlannedChange& planned, TimeTexts& times) {
  const Change& change = *planned.change;
  std::map<Name, const BranchState*> named;
  for (const NamedBranch& branch : change.named) named[{branch.branch_id, branch.operation}] = &branch.state;
  if (change.create) {
    plan_new_branches(planned, times, *change.definition, change.definition->branches.size(), named);
  } else if (!change.registrations.empty()) {
    // Their rows follow from the type alone.
    Definition open;
    open.type = change.type;
    plan_new_branches(planned, times, open, 0, named);
  }
  std::map<std::tuple<std::string_view, BranchStatus, std::string_view>, std::size_t> places;
  for (const auto& [name, state] : named) {
    const std::string_view finish_time = times.of(state->finish_time_ms);
    const auto [place, is_new] =
        places.try_emplace({name.second, state->status, finish_time}, planned.branch_updates.size());
    if (is_new) planned.branch_updates.push_back({{}, name.second, state->status, finish_time});
    planned.branch_updates[place->second].branch_ids.push_back(name.first);
  }
}

bool may_register(const Change& change) {
  if (change.create) return registrations_fit(change, change.definition->type, change.definition->branches.size(), 0);
  return registrations_fit(change, change.type, 0, change.first_registration);
}

}  // namespace

std::vector<PlannedChange> plan_group(TimeTexts& times, std::span<const Change> group,
                                      std::span<ChangeOutcome> outcomes) {
  std::vector<PlannedChange> plan;
  plan.reserve(group.size());
  for (std::size_t place = 0; place < group.size(); ++place) {
    const Change& change = group[place];
    outcomes[place] = {};
    if (!may_register(change)) {
      outcomes[place].result = ChangeResult::conflict;
      continue;
    }
    PlannedChange& planned = plan.emplace_back();
    planned.change = &change;
    planned.outcome = &outcomes[place];
    planned.columns = state_columns(times, change);
    planned.create_time =
        change.create ? std::string_view(times.of(change.definition->create_time_ms)) : planned.columns.update_time;
    plan_branches(planned, times);
  }
  return plan;
}

}  // namespace settle::mysql
