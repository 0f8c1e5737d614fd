#include "settle/transaction.hpp"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

#include "engine/core/utf8.hpp"

namespace settle {
namespace {

Error invalid(std::string message) { return {Code::invalid, std::move(message)}; }

Result<Done> validate_text(const char* field, const std::string& text, std::size_t characters_max) {
  if (text.empty()) return invalid(std::string(field) + ": must not be empty");
  if (text.find('\0') != std::string::npos) return invalid(std::string(field) + ": contains a NUL character");
  const auto characters = core::count_characters(text);
  if (!characters) return invalid(std::string(field) + ": is not valid UTF-8");
  if (*characters > characters_max) {
    return invalid(std::string(field) + ": has " + std::to_string(*characters) + " characters, at most " +
                   std::to_string(characters_max) + " are allowed");
  }
  return Done{};
}

Result<Done> validate_gid(const std::string& gid) {
  if (gid.empty()) return invalid("no gid specified");
  return validate_text("gid", gid, kGidLengthMax);
}

Result<Done> validate_seconds(const char* field, std::int64_t value) {
  if (value < 0) return invalid(std::string(field) + ": must not be negative");
  if (value > kSecondsMax) return invalid(std::string(field) + ": is too large");
  return Done{};
}

Result<Done> validate_rows(const Definition& definition) {
  const std::size_t rows = definition.branches.size();
  const std::size_t rows_per_step = definition.type == TransType::saga ? 2 : 1;
  if (rows > kBranchesMax) {
    return invalid("steps: " + std::to_string(rows / rows_per_step) + " are too many, at most " +
                   std::to_string(kBranchesMax / rows_per_step) + " are allowed");
  }
  for (const BranchDefinition& branch : definition.branches) {
    if (branch.payload >= definition.payloads.size()) return invalid("payloads: one is missing");
  }
  const auto operations_are = [&](Operation even, Operation odd) {
    for (std::size_t row = 0; row < rows; ++row) {
      if (definition.branches[row].operation != (row % 2 == 0 ? even : odd)) return false;
    }
    return true;
  };
  switch (definition.type) {
    case TransType::saga:
      if (rows % 2 == 0 && operations_are(Operation::compensate, Operation::action)) return Done{};
      return invalid("steps: each must have two rows, its compensation before its action");
    case TransType::msg:
      if (operations_are(Operation::action, Operation::action)) return Done{};
      return invalid("steps: each must have one row, an action");
    case TransType::tcc:
    case TransType::xa:
    case TransType::workflow:
      break;
  }
  if (rows == 0) return Done{};
  return invalid("steps: a " + std::string(to_string(definition.type)) + " has none, its branches are registered");
}

// Orders name existing steps, none waits for itself, directly or in a circle.
Result<Done> validate_orders(const Definition& definition) {
  if (definition.orders.empty()) return Done{};
  const std::size_t steps = definition.branches.size() / 2;
  std::map<std::uint32_t, std::size_t> waits_for;  // how many predecessors are still open
  std::map<std::uint32_t, std::vector<std::uint32_t>> successors;
  for (const auto& [step, before] : definition.orders) {
    for (std::uint32_t other : before) {
      if (step >= steps || other >= steps) {
        return invalid("custom_data: orders names step " + std::to_string(std::max(step, other)) + ", there are " +
                       std::to_string(steps) + " steps, counted from 0");
      }
      successors[other].push_back(step);
    }
    if (step >= steps) {
      return invalid("custom_data: orders names step " + std::to_string(step) + ", there are " + std::to_string(steps) +
                     " steps, counted from 0");
    }
    waits_for[step] = before.size();
  }
  std::vector<std::uint32_t> free;
  for (const auto& [step, list] : successors) {
    if (!waits_for.contains(step) || waits_for[step] == 0) free.push_back(step);
  }
  std::size_t open = 0;
  for (const auto& [step, count] : waits_for) open += count > 0 ? 1 : 0;
  while (!free.empty()) {
    const std::uint32_t step = free.back();
    free.pop_back();
    for (std::uint32_t next : successors[step]) {
      if (--waits_for[next] == 0) {
        --open;
        free.push_back(next);
      }
    }
  }
  if (open > 0) return invalid("custom_data: orders has a cycle, its steps would wait for each other for ever");
  return Done{};
}

std::string numbered_branch_id(std::size_t number) {
  char text[24];
  std::snprintf(text, sizeof text, "%02zu", number);
  return text;
}

}  // namespace

std::int64_t shown_retry_time_ms(const Definition& definition, const State& state) {
  const bool waits = state.status == GlobalStatus::prepared && definition.type != TransType::workflow;
  if (!waits || state.query_attempts > 0) return state.next_retry_time_ms;
  return std::min(state.next_retry_time_ms, definition.create_time_ms + state.retry_interval_ms);
}

std::size_t row_count(const Definition& definition, std::size_t registration_count) {
  return definition.branches.size() + registration_count * rows_per_registration(definition.type);
}

BranchView branch_at(const Definition& definition, const std::vector<Registration>& registrations, std::size_t row) {
  if (row < definition.branches.size()) {
    const BranchDefinition& branch = definition.branches[row];
    return {branch.branch_id, to_string(branch.operation), branch.url, definition.payloads[branch.payload]};
  }
  const std::uint32_t rows_each = rows_per_registration(definition.type);
  const std::size_t registered_row = row - definition.branches.size();
  const Registration& from = registrations[registered_row / rows_each];
  const bool first = registered_row % rows_each == 0;
  switch (definition.type) {
    case TransType::tcc:
      return {from.branch_id, to_string(first ? Operation::cancel : Operation::confirm),
              first ? from.cancel_url : from.url, from.payload};
    case TransType::xa:
      return {from.branch_id, to_string(first ? Operation::rollback : Operation::commit), from.url, from.payload};
    case TransType::saga:
    case TransType::msg:
    case TransType::workflow:
      break;
  }
  return {from.branch_id, from.operation, {}, from.payload};
}

void append_saga_steps(Definition& definition, std::vector<SagaStep> steps) {
  definition.branches.reserve(definition.branches.size() + 2 * steps.size());
  definition.payloads.reserve(definition.payloads.size() + steps.size());
  for (SagaStep& step : steps) {
    const std::string branch_id = numbered_branch_id(definition.branches.size() / 2 + 1);
    const auto payload = static_cast<std::uint32_t>(definition.payloads.size());
    definition.payloads.push_back(std::move(step.payload));
    definition.branches.push_back({branch_id, Operation::compensate, std::move(step.compensate), payload});
    definition.branches.push_back({branch_id, Operation::action, std::move(step.action), payload});
  }
}

void append_message_actions(Definition& definition, std::vector<MessageAction> actions) {
  definition.branches.reserve(definition.branches.size() + actions.size());
  definition.payloads.reserve(definition.payloads.size() + actions.size());
  for (MessageAction& action : actions) {
    const auto payload = static_cast<std::uint32_t>(definition.payloads.size());
    definition.payloads.push_back(std::move(action.payload));
    definition.branches.push_back({numbered_branch_id(payload + 1), Operation::action, std::move(action.url), payload});
  }
}

Result<Done> validate(const Definition& definition) {
  if (auto ok = validate_gid(definition.gid); !ok) return ok;
  if (auto ok = validate_rows(definition); !ok) return ok;
  const Options& options = definition.options;
  const std::pair<const char*, std::int64_t> numbers[] = {{"timeout_to_fail", options.timeout_to_fail_s},
                                                          {"request_timeout", options.request_timeout_s},
                                                          {"retry_interval", options.retry_interval_s},
                                                          {"retry_limit", options.retry_limit},
                                                          {"custom_data: delay", definition.delay_s}};
  for (const auto& [field, value] : numbers) {
    if (auto ok = validate_seconds(field, value); !ok) return ok;
  }
  return validate_orders(definition);
}

Result<Done> validate(TransType type, const Registration& registration) {
  if (rows_per_registration(type) == 0) return invalid("unknow trans type: " + std::string(to_string(type)));
  if (auto ok = validate_text("branch_id", registration.branch_id, kBranchIdLengthMax); !ok) return ok;
  if (type != TransType::workflow) return Done{};
  return validate_text("op", registration.operation, kOperationLengthMax);
}

Result<Definition> merge(const Definition& stored, const Definition& request) {
  Definition merged = stored;
  if (request.protocol != Protocol::unspecified) merged.protocol = request.protocol;
  const auto take = [](std::int64_t& to, std::int64_t from) { to = from != 0 ? from : to; };
  merged.options.wait_result = request.options.wait_result || stored.options.wait_result;
  take(merged.options.timeout_to_fail_s, request.options.timeout_to_fail_s);
  take(merged.options.request_timeout_s, request.options.request_timeout_s);
  take(merged.options.retry_interval_s, request.options.retry_interval_s);
  take(merged.options.retry_limit, request.options.retry_limit);
  if (!request.options.branch_headers.empty()) merged.options.branch_headers = request.options.branch_headers;
  merged.options.concurrent = request.options.concurrent || stored.options.concurrent;
  if (!request.custom_data.empty()) {
    merged.custom_data = request.custom_data;
    merged.concurrent = request.concurrent;
    merged.orders = request.orders;
    merged.delay_s = request.delay_s;
    merged.callback_name = request.callback_name;
    merged.callback_payload = request.callback_payload;
  }
  if (merged.type == TransType::msg) merged.concurrent = merged.options.concurrent;
  if (auto ok = validate(merged); !ok) return std::move(ok.error());
  return merged;
}

}  // namespace settle
