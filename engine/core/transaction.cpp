#include "settle/transaction.hpp"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

namespace settle {
namespace {

Error invalid(std::string message) { return {Code::invalid, std::move(message)}; }

// The number of characters of a UTF-8 text; nothing where it is not valid UTF-8.
std::optional<std::size_t> count_characters(const std::string& text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) {
    const auto first = static_cast<unsigned char>(text[at]);
    const std::size_t length = first < 0x80 ? 1 : (first & 0xE0) == 0xC0 ? 2 : (first & 0xF0) == 0xE0 ? 3 : 4;
    if (first >= 0x80 && (first < 0xC2 || first > 0xF4)) return std::nullopt;
    if (at + length > text.size()) return std::nullopt;
    for (std::size_t i = 1; i < length; ++i) {
      if ((static_cast<unsigned char>(text[at + i]) & 0xC0) != 0x80) return std::nullopt;
    }
    if (length > 2) {  // overlong forms, surrogates, beyond U+10FFFF
      const auto second = static_cast<unsigned char>(text[at + 1]);
      if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) || (first == 0xF0 && second < 0x90) ||
          (first == 0xF4 && second > 0x8F)) {
        return std::nullopt;
      }
    }
    at += length;
  }
  return count;
}

Result<Done> validate_gid(const std::string& gid) {
  if (gid.empty()) return invalid("no gid specified");
  if (gid.find('\0') != std::string::npos) return invalid("gid: contains a NUL character");
  const auto characters = count_characters(gid);
  if (!characters) return invalid("gid: is not valid UTF-8");
  if (*characters > kGidLengthMax) {
    return invalid("gid: has " + std::to_string(*characters) + " characters, at most " + std::to_string(kGidLengthMax) +
                   " are allowed");
  }
  return Done{};
}

Result<Done> validate_seconds(const char* field, std::int64_t value) {
  if (value < 0) return invalid(std::string(field) + ": must not be negative");
  if (value > kSecondsMax) return invalid(std::string(field) + ": is too large");
  return Done{};
}

// Orders name existing steps, none waits for itself, directly or in a circle.
Result<Done> validate_orders(const Definition& definition) {
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

}  // namespace

void append_saga_steps(Definition& definition, std::vector<SagaStep> steps) {
  definition.branches.reserve(definition.branches.size() + 2 * steps.size());
  definition.payloads.reserve(definition.payloads.size() + steps.size());
  for (SagaStep& step : steps) {
    char branch_id[24];
    std::snprintf(branch_id, sizeof branch_id, "%02zu", definition.branches.size() / 2 + 1);
    const auto payload = static_cast<std::uint32_t>(definition.payloads.size());
    definition.payloads.push_back(std::move(step.payload));
    definition.branches.push_back({branch_id, Operation::compensate, std::move(step.compensate), payload});
    definition.branches.push_back({branch_id, Operation::action, std::move(step.action), payload});
  }
}

Result<Done> validate(const Definition& definition) {
  if (auto ok = validate_gid(definition.gid); !ok) return ok;
  if (definition.branches.size() > kBranchesMax) {
    return invalid("steps: " + std::to_string(definition.branches.size() / 2) + " are too many, at most " +
                   std::to_string(kBranchesMax / 2) + " are allowed");
  }
  for (std::size_t row = 0; row < definition.branches.size(); ++row) {
    if (definition.branches.size() % 2 != 0 ||
        definition.branches[row].operation != (row % 2 == 0 ? Operation::compensate : Operation::action)) {
      return invalid("steps: each must have two rows, its compensation before its action");
    }
  }
  const Options& options = definition.options;
  const std::pair<const char*, std::int64_t> numbers[] = {{"timeout_to_fail", options.timeout_to_fail_s},
                                                          {"request_timeout", options.request_timeout_s},
                                                          {"retry_interval", options.retry_interval_s},
                                                          {"retry_limit", options.retry_limit}};
  for (const auto& [field, value] : numbers) {
    if (auto ok = validate_seconds(field, value); !ok) return ok;
  }
  for (const BranchDefinition& branch : definition.branches) {
    if (branch.payload >= definition.payloads.size()) return invalid("payloads: one is missing");
  }
  return validate_orders(definition);
}

Result<Definition> merge(const Definition& stored, const Definition& request) {
  Definition merged = stored;
  merged.protocol = request.protocol;
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
  }
  if (auto ok = validate(merged); !ok) return std::move(ok.error());
  return merged;
}

}  // namespace settle
