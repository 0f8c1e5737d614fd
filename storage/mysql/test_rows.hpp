// Rows as a database would give them back, made of the parameters of the INSERTs that wrote them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "settle/store.hpp"
#include "storage/mysql/rows.hpp"

namespace settle::mysql {

inline std::vector<std::string> column_names(std::string_view list) {
  std::string text(list);
  if (const auto at = text.find("IFNULL(bin_data, data)"); at != std::string::npos) text.replace(at, 22, "bin_data");
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(", ", begin), text.size());
    names.push_back(text.substr(begin, end - begin));
    begin = end + 2;
  }
  return names;
}

inline Cell cell_of(const Parameter& parameter) {
  if (const auto* const number = std::get_if<std::int64_t>(&parameter)) return std::to_string(*number);
  if (const auto* const text = std::get_if<std::string_view>(&parameter)) return std::string(*text);
  return std::nullopt;
}

// What a SELECT of `selected` shows of rows written with `inserted`. A column that was not written is 7: the id.
inline Rows as_selected(std::string_view inserted, const Parameters& parameters, std::string_view selected) {
  const std::vector<std::string> from = column_names(inserted);
  const std::vector<std::string> to = column_names(selected);
  Rows rows{to.size(), {}};
  for (std::size_t first = 0; first < parameters.list().size(); first += from.size()) {
    for (const std::string& name : to) {
      const auto at = std::find(from.begin(), from.end(), name);
      rows.cells.push_back(at == from.end()
                               ? Cell("7")
                               : cell_of(parameters.list()[first + static_cast<std::size_t>(at - from.begin())]));
    }
  }
  return rows;
}

struct WrittenRows {
  Rows transactions;
  Rows branches;
};

// The rows of this transaction after it was created as it is.
inline WrittenRows written_rows(const WallTime& times, const StoredTransaction& transaction, std::string hold_as = {},
                                std::int64_t lease_until_ms = 0) {
  const Definition& definition = *transaction.definition;
  Change change;
  change.type = definition.type;
  change.create_time_ms = definition.create_time_ms;
  change.state = transaction.state;
  change.runs.push_back({0, transaction.branches});
  change.hold_as = std::move(hold_as);
  change.lease_until_ms = lease_until_ms;
  const StateColumns columns = state_columns(times, change);
  Parameters head;
  append_transaction(head, times, definition, columns);
  Parameters branches;
  for (std::size_t row = 0; row < transaction.branches.size(); ++row) {
    append_branch(branches, times, definition.gid, transaction.branch(row), transaction.branches[row],
                  definition.create_time_ms);
  }
  return {as_selected(kTransactionInsertColumns, head, kTransactionColumns),
          as_selected(kBranchInsertColumns, branches, kBranchColumns)};
}

}  // namespace settle::mysql
