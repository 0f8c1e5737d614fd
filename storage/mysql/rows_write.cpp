#include "engine/json/options.hpp"
#include "storage/mysql/ext_data.hpp"
#include "storage/mysql/rows.hpp"

namespace settle::mysql {
namespace {

std::string time_text(const WallTime& times, std::int64_t wall_ms) {
  return wall_ms == 0 ? std::string() : times.text(wall_ms);
}

void append_time(Parameters& parameters, const std::string& text) {
  if (text.empty()) {
    parameters.null();
  } else {
    parameters.view(text);
  }
}

}  // namespace

StateColumns state_columns(const WallTime& times, const Change& change) {
  const State& state = change.state;
  const bool held = !change.hold_as.empty();
  StateColumns columns;
  columns.status = state.status;
  columns.next_cron_interval_s = ceil_to_seconds(state.retry_interval_ms) / 1000;
  columns.update_time = time_text(times, state.update_time_ms);
  columns.finish_time = time_text(times, state.finish_time_ms);
  columns.rollback_time = time_text(times, state.rollback_time_ms);
  columns.ext_data = encode_ext_data(change.type, change.create_time_ms, state, change.runs, held);
  columns.result = state.result;
  columns.rollback_reason = state.rollback_reason;
  columns.next_cron_time = time_text(times, held ? change.lease_until_ms : state.next_retry_time_ms);
  columns.owner = change.hold_as;
  return columns;
}

void append_state(Parameters& parameters, const StateColumns& columns) {
  parameters.view(to_string(columns.status));
  parameters.number(columns.next_cron_interval_s);
  append_time(parameters, columns.update_time);
  append_time(parameters, columns.finish_time);
  append_time(parameters, columns.rollback_time);
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

void append_transaction(Parameters& parameters, const WallTime& times, const Definition& definition,
                        const StateColumns& columns) {
  parameters.view(definition.gid);
  parameters.view(to_string(definition.type));
  parameters.time(times, definition.create_time_ms);
  append_definition(parameters, definition);
  append_state(parameters, columns);
  append_time(parameters, columns.next_cron_time);
  parameters.view(columns.owner);
}

void append_branch(Parameters& parameters, const WallTime& times, std::string_view gid, const BranchView& branch,
                   const BranchState& state, std::int64_t create_time_ms) {
  parameters.view(gid);
  parameters.view(branch.branch_id);
  parameters.view(branch.operation);
  parameters.view(branch.url);
  parameters.view(branch.payload);
  parameters.view(to_string(state.status));
  parameters.time(times, state.finish_time_ms);
  parameters.time(times, create_time_ms);
  parameters.time(times, state.finish_time_ms != 0 ? state.finish_time_ms : create_time_ms);
}

}  // namespace settle::mysql
