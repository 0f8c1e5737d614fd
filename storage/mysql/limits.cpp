#include "storage/mysql/limits.hpp"

#include "engine/core/utf8.hpp"
#include "engine/json/options.hpp"

namespace settle::mysql {
namespace {

// What a statement holds beside its parameters, generously.
constexpr std::size_t kStatementBytes = 16 << 10;

Error too_long(std::string_view field, std::size_t size, std::size_t limit, const char* unit) {
  return {Code::invalid, std::string(field) + ": " + std::to_string(size) + " " + unit + ", this database holds " +
                             std::to_string(limit)};
}

}  // namespace

Result<Done> Limits::fits(std::string_view table_and_column, std::string_view field, std::string_view value) const {
  const auto found = columns_.find(table_and_column);
  if (found == columns_.end()) return Done{};
  const Column& column = found->second;
  if (value.size() > column.bytes_max) return too_long(field, value.size(), column.bytes_max, "bytes");
  if (!column.is_text) return Done{};
  const auto characters = core::count_characters(std::string(value));
  if (!characters) return Error{Code::invalid, std::string(field) + ": is not valid UTF-8"};
  if (*characters > column.characters_max) return too_long(field, *characters, column.characters_max, "characters");
  return Done{};
}

Result<Done> Limits::fits_packet(std::string_view field, std::size_t bytes) const {
  const std::size_t half = packet_bytes_max_ / 2;
  if (bytes + kStatementBytes <= half) return Done{};
  return too_long(field, bytes, half - kStatementBytes, "bytes");
}

Result<Done> Limits::check(const Definition& definition) const {
  const std::string options = dtm::options_text(definition.options);
  if (auto fit = fits("trans_global.gid", "gid", definition.gid); !fit) return fit;
  if (auto fit = fits("trans_global.query_prepared", "query_prepared", definition.query_prepared); !fit) return fit;
  if (auto fit = fits("trans_global.options", "options", options); !fit) return fit;
  if (auto fit = fits("trans_global.custom_data", "custom_data", definition.custom_data); !fit) return fit;
  const std::size_t bytes = definition.query_prepared.size() + options.size() + definition.custom_data.size();
  if (auto fit = fits_packet("custom_data, options and query_prepared", bytes); !fit) return fit;
  for (const BranchDefinition& branch : definition.branches) {
    const std::string name = "branch " + branch.branch_id;
    const std::string& payload = definition.payloads[branch.payload];
    if (auto fit = fits("trans_branch_op.url", "url of " + name, branch.url); !fit) return fit;
    if (auto fit = fits("trans_branch_op.bin_data", "payload of " + name, payload); !fit) return fit;
    if (auto fit = fits_packet("payload and url of " + name, payload.size() + branch.url.size()); !fit) return fit;
  }
  return Done{};
}

Result<Done> Limits::check(const Registration& registration) const {
  const std::string name = "branch " + registration.branch_id;
  if (auto fit = fits("trans_branch_op.branch_id", "branch_id", registration.branch_id); !fit) return fit;
  if (auto fit = fits("trans_branch_op.op", "op of " + name, registration.operation); !fit) return fit;
  if (auto fit = fits("trans_branch_op.url", "url of " + name, registration.url); !fit) return fit;
  if (auto fit = fits("trans_branch_op.url", "cancel url of " + name, registration.cancel_url); !fit) return fit;
  if (auto fit = fits("trans_branch_op.bin_data", "data of " + name, registration.payload); !fit) return fit;
  return fits_packet("data and urls of " + name,
                     registration.payload.size() + registration.url.size() + registration.cancel_url.size());
}

Result<Done> Limits::check(const KeyValueChange& change) const {
  if (auto fit = fits("kv.cat", "category", change.category); !fit) return fit;
  if (auto fit = fits("kv.k", "key", change.key); !fit) return fit;
  if (!change.value) return Done{};
  if (auto fit = fits("kv.v", "value of " + change.key, *change.value); !fit) return fit;
  return fits_packet("value of " + change.key, change.value->size());
}

Result<Done> Limits::check_result(const std::string& workflow_result) const {
  if (auto fit = fits("trans_global.result", "result", workflow_result); !fit) return fit;
  return fits_packet("result", workflow_result.size());
}

}  // namespace settle::mysql
