// Calls of branches and of query_prepared, from the gate to the answer.
#include <algorithm>
#include <utility>

#include "engine/runtime/shard.hpp"

namespace settle::runtime {

// What is called: a row, or query_prepared.
BranchView Shard::called(const Entry& entry, std::uint32_t row) const {
  const core::Transaction& transaction = entry.transaction;
  if (row != kQueryRow) return transaction.branch(row);
  const Definition& definition = *transaction.definition;
  if (definition.type == TransType::workflow) {
    return {kQueryBranchId, definition.callback_name, definition.query_prepared, definition.callback_payload};
  }
  return {kQueryBranchId, to_string(definition.type), definition.query_prepared, {}};
}

void Shard::start_call(const EntryPtr& entry, core::Call call) {
  auto record = std::make_shared<CallRecord>();
  record->entry = entry;
  record->call = call;
  entry->calls.push_back(record);
  ++entry->calls_out;
  gate_.enter(called(*entry, call.row).url, record->place, [this, record] { send(record); });
}

void Shard::send(const std::shared_ptr<CallRecord>& record) {
  if (shared() && !lease_covers(*record->entry)) {
    wait_for_lease(record);
    return;
  }
  const Definition& definition = *record->entry->transaction.definition;
  const BranchView branch = called(*record->entry, record->call.row);
  counters_.calls.fetch_add(1, std::memory_order_relaxed);
  counters_.calls_in_flight.fetch_add(1, std::memory_order_relaxed);
  record->sent_at_ms = around_.clock.now().steady_ms;
  BranchCompletion completion = [self = shared_from_this(), record](BranchReply reply) {
    self->put(Reply{record, std::move(reply)});
  };
  if (branch.operation.empty() && definition.custom_data.empty()) {
    completion({CallResult::unknown, "custom_data: is missing, a workflow is called back by the name in it"});
    return;
  }
  BranchCaller* caller = caller_for(branch.url);
  if (caller == nullptr) {
    completion({CallResult::unknown, "no caller for the scheme of this url: " + std::string(branch.url)});
    return;
  }
  if (logs(LogLevel::debug)) {
    around_.log(
        LogLevel::debug, definition.gid,
        "calls " + std::string(branch.branch_id) + " " + std::string(branch.operation) + " " + std::string(branch.url));
  }
  BranchCall call{
      .gid = definition.gid,
      .trans_type = definition.type,
      .branch_id = std::string(branch.branch_id),
      .operation = std::string(branch.operation),
      .protocol = definition.protocol,
      .url = std::string(branch.url),
      .payload = std::string(branch.payload),
      .timeout_ms = call_timeout_ms(definition),
  };
  if (!definition.options.branch_headers.empty()) {
    call.headers = {record->entry->transaction.definition, &definition.options.branch_headers};
  }
  caller->call(std::move(call), std::move(completion));
}

void Shard::call_ended(const CallRecord& record, const BranchReply& reply) {
  const Entry& entry = *record.entry;
  const bool warns = reply.result == CallResult::unknown && logs(LogLevel::warn);
  if (!warns && around_.telemetry == nullptr) return;
  const BranchView branch = called(entry, record.call.row);
  if (warns) {
    around_.log(LogLevel::warn, entry.gid,
                "branch " + std::string(branch.branch_id) + " " + std::string(branch.operation) + " " +
                    std::string(branch.url) + ": " + reply.text.substr(0, kLastErrorBytesMax));
  }
  if (around_.telemetry != nullptr) {
    around_.telemetry->call_ended(entry.transaction.definition->type, branch.branch_id, branch.operation, reply.result,
                                  around_.clock.now().steady_ms - record.sent_at_ms);
  }
}

void Shard::raise_alert(const Entry& entry) const {
  const State& state = entry.transaction.state;
  if (!around_.alert || state.errors < around_.options.alert_retry_limit) return;
  const std::string_view url = called(entry, state.last_error_branch).url;
  around_.alert({entry.gid, state.status, std::string(url), state.last_error, state.errors});
}

std::int64_t Shard::call_timeout_ms(const Definition& definition) const {
  const std::int64_t wanted_s = definition.options.request_timeout_s;
  return wanted_s > 0 ? wanted_s * 1000 : around_.options.request_timeout_ms;
}

// Whether the call was still waiting at the gate, or for a lease; it is forgotten then.
bool Shard::revoke(const EntryPtr& entry, core::Call call) {
  if (take_back_waiting(*entry, call)) return true;
  const auto same = [&](const std::shared_ptr<CallRecord>& record) { return record->call == call; };
  const auto found = std::find_if(entry->calls.begin(), entry->calls.end(), same);
  if (found == entry->calls.end() || !(*found)->place.waiting()) return false;
  gate_.cancel((*found)->place);
  entry->calls.erase(found);
  --entry->calls_out;
  return true;
}

BranchCaller* Shard::caller_for(std::string_view url) const {
  const std::string_view scheme = url_scheme(url);
  for (const auto& [name, caller] : callers_by_scheme_) {
    if (is_scheme(scheme, name)) return caller;
  }
  return caller_of_others_;
}

void Shard::drop_callers() {
  callers_by_scheme_.clear();
  caller_of_others_ = nullptr;
  callers_.clear();
}

}  // namespace settle::runtime
