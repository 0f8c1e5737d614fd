#include "storage/mysql/key_values.hpp"

#include <algorithm>
#include <utility>

#include "storage/common/listing.hpp"
#include "storage/mysql/parameters.hpp"
#include "storage/mysql/rows.hpp"

namespace settle::mysql {
namespace {

constexpr const char* kSelect = "SELECT id, cat, k, v, version, create_time, update_time FROM kv";

Result<KeyValue> read(const WallTime& times, Rows& rows, std::size_t row) {
  KeyValue value;
  value.id = number_at(rows, row, 0);
  value.category = rows.at(row, 1).value_or("");
  value.key = rows.at(row, 2).value_or("");
  value.value = rows.at(row, 3).value_or("");
  value.version = number_at(rows, row, 4);
  const auto time_ms = [&](std::size_t column) {
    const Cell& cell = rows.at(row, column);
    return cell ? times.parse(*cell) : 0;
  };
  const auto create_time_ms = time_ms(5);
  const auto update_time_ms = time_ms(6);
  if (!create_time_ms || !update_time_ms) {
    return Error{Code::internal, "key-value " + value.category + " " + value.key + ": its times cannot be understood"};
  }
  value.create_time_ms = *create_time_ms;
  value.update_time_ms = *update_time_ms;
  return value;
}

SqlResult<Rows> find(Connection& connection, const std::string& category, const std::string& key) {
  static const std::string kSql = std::string(kSelect) + " WHERE cat = ? AND k = ?";
  Parameters parameters;
  parameters.view(category);
  parameters.view(key);
  return connection.query(kSql, parameters.list());
}

SqlResult<ChangeResult> create(Connection& connection, const WallTime& times, const KeyValueChange& change) {
  Parameters parameters;
  parameters.view(change.category);
  parameters.view(change.key);
  parameters.view(*change.value);
  parameters.text(times.text(change.now_ms));
  parameters.text(times.text(change.now_ms));
  const auto inserted = connection.execute(
      "INSERT INTO kv (cat, k, v, version, create_time, update_time) VALUES (?, ?, ?, 1, ?, ?)", parameters.list());
  if (inserted) return ChangeResult::applied;
  if (inserted.error().fault == Fault::duplicate) return ChangeResult::conflict;
  return inserted.error();
}

}  // namespace

SqlResult<std::optional<Result<KeyValue>>> load_key_value(Connection& connection, const WallTime& times,
                                                          const std::string& category, const std::string& key) {
  using Loaded = std::optional<Result<KeyValue>>;
  auto rows = find(connection, category, key);
  if (!rows) return rows.error();
  if (rows.value().count() == 0) return Loaded();
  Result<KeyValue> value = read(times, rows.value(), 0);
  if (value && (value.value().category != category || value.value().key != key)) {
    return Loaded(Error{Code::conflict, "this database takes '" + key + "' for the stored '" + value.value().key +
                                            "'; its table kv does not tell them apart"});
  }
  return Loaded(std::move(value));
}

SqlResult<Result<KeyValuePage>> scan_key_values(Connection& connection, const WallTime& times,
                                                const std::string& category, std::int64_t below, std::size_t limit) {
  Parameters parameters;
  parameters.number(below);
  if (!category.empty()) parameters.view(category);
  // One more than asked for tells whether there is a next page.
  parameters.number(static_cast<std::int64_t>(std::min<std::size_t>(limit, INT32_MAX)) + 1);
  auto rows = connection.query(
      std::string(kSelect) + " WHERE id < ?" + (category.empty() ? "" : " AND cat = ?") + " ORDER BY id DESC LIMIT ?",
      parameters.list());
  if (!rows) return rows.error();
  KeyValuePage page;
  const std::size_t count = rows.value().count();
  for (std::size_t row = 0; row < std::min(count, limit); ++row) {
    auto value = read(times, rows.value(), row);
    if (!value) return Result<KeyValuePage>(std::move(value.error()));
    page.values.push_back(std::move(value.value()));
  }
  if (count > limit) page.next_position = position_after(kKeyValuePosition, page.values.back().id);
  return Result<KeyValuePage>(std::move(page));
}

SqlResult<ChangeResult> apply_key_value(Connection& connection, const WallTime& times, const KeyValueChange& change) {
  auto rows = find(connection, change.category, change.key);
  if (!rows) return rows.error();
  Rows& found = rows.value();
  if (found.count() == 0) {
    if (change.expected_version != 0) return ChangeResult::conflict;
    if (!change.value) return ChangeResult::applied;
    return create(connection, times, change);
  }
  const bool same_name = found.at(0, 1) == change.category && found.at(0, 2) == change.key;
  // 0 means that none is expected, whatever a server has stored as the version of this one.
  if (!same_name || change.expected_version == 0 || number_at(found, 0, 4) != change.expected_version) {
    return ChangeResult::conflict;
  }
  Parameters parameters;
  if (change.value) {
    parameters.view(*change.value);
    parameters.text(times.text(change.now_ms));
  }
  parameters.number(number_at(found, 0, 0));
  parameters.number(change.expected_version);
  const auto changed = connection.execute(
      std::string(change.value ? "UPDATE kv SET v = ?, version = version + 1, update_time = ?" : "DELETE FROM kv") +
          " WHERE id = ? AND version = ?",
      parameters.list());
  if (!changed) return changed.error();
  return changed.value() == 0 ? ChangeResult::conflict : ChangeResult::applied;
}

}  // namespace settle::mysql
