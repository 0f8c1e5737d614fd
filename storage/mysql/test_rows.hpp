// Rows as a database would give them back, made of the parameters of the INSERTs that wrote them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
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

// The values of a form: of each column a parameter, NULL, or a text without a comma.
inline std::vector<std::string> values_of(const InsertForm& form) {
  std::vector<std::string> values(1);
  for (const char character : form.values.substr(1, form.values.size() - 2)) {
    character == ',' ? void(values.emplace_back()) : values.back().push_back(character);
  }
  return values;
}

// What a SELECT of `selected` shows of rows written so. A column that was not written is 7: the id.
inline Rows as_selected(const InsertForm& form, const Parameters& parameters, std::string_view selected) {
  const std::vector<std::string> names = column_names(form.columns);
  const std::vector<std::string> values = values_of(form);
  const std::vector<std::string> to = column_names(selected);
  Rows rows{to.size(), {}};
  for (std::size_t next = 0; next < parameters.list().size();) {
    std::map<std::string, Cell> row;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string& value = values[i];
      if (value == "?") {
        row[names[i]] = cell_of(parameters.list()[next++]);
      } else {
        row[names[i]] = value == "NULL" ? Cell() : Cell(value.substr(1, value.size() - 2));
      }
    }
    for (const std::string& name : to) rows.cells.push_back(row.contains(name) ? row[name] : Cell("7"));
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
  TimeTexts texts(times);
  const StateColumns columns = state_columns(texts, change);
  const std::string create_time = times.text(definition.create_time_ms);
  Parameters head;
  append_transaction(head, definition, create_time, columns);
  Parameters branches;
  for (std::size_t row = 0; row < transaction.branches.size(); ++row) {
    const BranchState& state = transaction.branches[row];
    append_branch(branches, definition.gid, transaction.branch(row), state.status, create_time,
                  texts.of(state.finish_time_ms));
  }
  return {as_selected(are_new(columns) ? kNewTransactionInsert : kTransactionInsert, head, kTransactionColumns),
          as_selected(kBranchInsert, branches, kBranchColumns)};
}

}  // namespace settle::mysql
