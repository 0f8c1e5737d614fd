#include "engine/core/mode_walk_rules.hpp"

#include <algorithm>

#include "engine/core/mode_walk.hpp"

namespace settle::core::mode_walk {

bool is_two_phase(TransType type) { return type == TransType::tcc || type == TransType::xa; }

bool is_forward(TransType type, std::uint32_t row) { return !is_two_phase(type) || row % 2 == 1; }

std::vector<std::uint32_t> line_of(const Definition& definition, std::size_t registrations, bool forward) {
  std::vector<std::uint32_t> rows;
  if (definition.type == TransType::msg) {
    for (std::uint32_t row = 0; row < definition.branches.size(); ++row) rows.push_back(row);
  } else if (is_two_phase(definition.type)) {
    for (std::uint32_t place = 0; place < registrations; ++place) rows.push_back(2 * place + (forward ? 1 : 0));
    if (definition.type == TransType::tcc) std::reverse(rows.begin(), rows.end());
  }
  return rows;
}

bool all_succeeded(const Transaction& transaction, bool forward) {
  const auto rows = line_of(*transaction.definition, transaction.registrations.size(), forward);
  return std::all_of(rows.begin(), rows.end(),
                     [&](std::uint32_t row) { return transaction.branches[row].status == BranchStatus::succeed; });
}

std::string_view url_of(const Transaction& transaction, std::uint32_t row) {
  const Definition& definition = *transaction.definition;
  if (row == kQueryRow) return definition.query_prepared;
  if (definition.type == TransType::msg) return definition.branches[row].url;
  const Registration& registration = transaction.registrations[row / rows_each(definition.type)];
  if (definition.type == TransType::tcc && row % 2 == 0) return registration.cancel_url;
  return registration.url;
}

std::size_t rows_each(TransType type) { return is_two_phase(type) ? 2 : 1; }

bool asks(const Definition& definition) { return !is_two_phase(definition.type) && !definition.query_prepared.empty(); }

std::int64_t timeout_wall_ms(const Definition& definition) {
  const std::int64_t seconds = definition.options.timeout_to_fail_s;
  return definition.create_time_ms + (seconds > 0 ? seconds * 1'000 : kPreparedTimeoutMs);
}

std::int64_t delay_end_wall_ms(const Definition& definition) {
  return definition.create_time_ms + definition.delay_s * 1'000;
}

}  // namespace settle::core::mode_walk
