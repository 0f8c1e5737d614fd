#include "engine/json/options.hpp"
#include "storage/mysql/ext_data.hpp"
#include "storage/mysql/rows.hpp"

namespace settle::mysql {
namespace {

// What the INSERTs of branches have in common.
void append_head(Parameters& parameters, std::string_view gid, const BranchView& branch, std::string_view create_time) {
  parameters.view(gid);
  parameters.view(branch.branch_id);
  parameters.view(branch.operation);
  parameters.view(branch.url);
  parameters.view(branch.payload);
  parameters.time(create_time);
}

}  // namespace

StateColumns state_columns(TimeTexts& times, const Change& change) {
  const State& state = change.state;
  const bool held = !change.hold_as.empty();
  StateColumns columns;
  columns.status = state.status;
  columns.next_cron_interval_s = ceil_to_seconds(state.retry_interval_ms) / 1000;
  columns.update_time = times.of(state.update_time_ms);
  columns.finish_time = times.of(state.finish_time_ms);
  columns.rollback_time = times.of(state.rollback_time_ms);
  columns.ext_data = encode_ext_data(change.type, change.create_time_ms, state, change.runs, held);
  columns.result = state.result;
  columns.rollback_reason = state.rollback_reason;
  columns.next_cron_time = times.of(held ? change.lease_until_ms : state.next_retry_time_ms);
  columns.owner = change.hold_as;
  return columns;
}

void append_state(Parameters& parameters, const StateColumns& columns) {
  parameters.view(to_string(columns.status));
  parameters.number(columns.next_cron_interval_s);
  parameters.time(columns.update_time);
  parameters.time(columns.finish_time);
  parameters.time(columns.rollback_time);
  parameters.view(columns.ext_data);
  parameters.view(columns.result);
  parameters.view(columns.rollback_reason);
}

void append_definition(Parameters& parameters, const Definition& definition) {
  parameters.view(to_string(definition.protocol));
  parameters.text(dtm::options_text(definition.options));
  parameters.view(definition.custom_data);
  parameters.view(definition.query_prepared);
}

bool are_new(const StateColumns& columns) {
  return columns.finish_time.empty() && columns.rollback_time.empty() && columns.ext_data.empty() &&
         columns.result.empty() && columns.rollback_reason.empty();
}

void append_transaction(Parameters& parameters, const Definition& definition, std::string_view create_time,
                        const StateColumns& columns) {
  parameters.view(definition.gid);
  parameters.view(to_string(definition.type));
  parameters.time(create_time);
  append_definition(parameters, definition);
  parameters.view(to_string(columns.status));
  parameters.number(columns.next_cron_interval_s);
  parameters.time(columns.update_time);
  parameters.time(columns.next_cron_time);
  parameters.view(columns.owner);
  if (are_new(columns)) return;
  parameters.time(columns.finish_time);
  parameters.time(columns.rollback_time);
  parameters.view(columns.ext_data);
  parameters.view(columns.result);
  parameters.view(columns.rollback_reason);
}

void append_new_branch(Parameters& parameters, std::string_view gid, const BranchView& branch,
                       std::string_view create_time) {
  append_head(parameters, gid, branch, create_time);
  parameters.time(create_time);
}

void append_branch(Parameters& parameters, std::string_view gid, const BranchView& branch, BranchStatus status,
                   std::string_view create_time, std::string_view finish_time) {
  append_head(parameters, gid, branch, create_time);
  parameters.time(finish_time.empty() ? create_time : finish_time);
  parameters.view(to_string(status));
  parameters.time(finish_time);
}

}  // namespace settle::mysql
