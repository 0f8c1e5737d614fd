#include "storage/mysql/schema.hpp"

#include <array>
#include <charconv>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <vector>

namespace settle::mysql {
namespace {

constexpr int kUnknownDatabase = 1049;

struct ColumnPlan {
  std::string_view name;
  std::string_view type;  // NAME stands for how names are compared
};

struct TablePlan {
  std::string_view name;
  std::vector<ColumnPlan> columns;
  std::string_view keys;
};

// Texts without a length of DTM's are those that a client may make long. They have no default, for older servers allow
// none; every INSERT, also DTM's, names them all.
const std::array<TablePlan, 3>& tables() {
  static const std::array<TablePlan, 3> kTables{TablePlan{"trans_global",
                                                          {{"id", "bigint NOT NULL AUTO_INCREMENT"},
                                                           {"gid", "varchar(128) NAME NOT NULL"},
                                                           {"trans_type", "varchar(45) NOT NULL"},
                                                           {"status", "varchar(12) NOT NULL"},
                                                           {"query_prepared", "mediumtext NOT NULL"},
                                                           {"protocol", "varchar(45) NOT NULL"},
                                                           {"create_time", "datetime DEFAULT NULL"},
                                                           {"update_time", "datetime DEFAULT NULL"},
                                                           {"finish_time", "datetime DEFAULT NULL"},
                                                           {"rollback_time", "datetime DEFAULT NULL"},
                                                           {"options", "mediumtext"},
                                                           {"custom_data", "mediumtext"},
                                                           {"next_cron_interval", "int DEFAULT NULL"},
                                                           {"next_cron_time", "datetime DEFAULT NULL"},
                                                           {"owner", "varchar(128) NOT NULL DEFAULT ''"},
                                                           {"ext_data", "mediumtext"},
                                                           {"result", "mediumtext"},
                                                           {"rollback_reason", "varchar(1024) DEFAULT ''"}},
                                                          "PRIMARY KEY (id), UNIQUE KEY gid (gid), KEY owner (owner),"
                                                          " KEY status_next_cron_time (status, next_cron_time)"},
                                                TablePlan{"trans_branch_op",
                                                          {{"id", "bigint NOT NULL AUTO_INCREMENT"},
                                                           {"gid", "varchar(128) NAME NOT NULL"},
                                                           {"url", "mediumtext NOT NULL"},
                                                           {"data", "mediumtext"},
                                                           {"bin_data", "longblob"},
                                                           {"branch_id", "varchar(128) NAME NOT NULL"},
                                                           {"op", "varchar(45) NAME NOT NULL"},
                                                           {"status", "varchar(45) NOT NULL"},
                                                           {"finish_time", "datetime DEFAULT NULL"},
                                                           {"rollback_time", "datetime DEFAULT NULL"},
                                                           {"create_time", "datetime DEFAULT NULL"},
                                                           {"update_time", "datetime DEFAULT NULL"}},
                                                          "PRIMARY KEY (id), UNIQUE KEY gid_uniq (gid, branch_id, op)"},
                                                TablePlan{"kv",
                                                          {{"id", "bigint NOT NULL AUTO_INCREMENT"},
                                                           {"cat", "varchar(45) NAME NOT NULL"},
                                                           {"k", "varchar(128) NAME NOT NULL"},
                                                           {"v", "mediumtext"},
                                                           {"version", "bigint DEFAULT 1"},
                                                           {"create_time", "datetime DEFAULT NULL"},
                                                           {"update_time", "datetime DEFAULT NULL"}},
                                                          "PRIMARY KEY (id), UNIQUE KEY uniq_k (cat, k)"}};
  return kTables;
}

std::string type_of(const ColumnPlan& column, const std::string& collation) {
  std::string type(column.type);
  const std::size_t place = type.find("NAME");
  if (place != std::string::npos) type.replace(place, 4, "CHARACTER SET utf8mb4 COLLATE " + collation);
  return type;
}

std::string create_statement(const TablePlan& table, const std::string& collation) {
  std::string sql = "CREATE TABLE IF NOT EXISTS " + std::string(table.name) + " (";
  for (const ColumnPlan& column : table.columns) {
    sql += "`" + std::string(column.name) + "` " + type_of(column, collation) + ", ";
  }
  return sql + std::string(table.keys) + ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4";
}

// The best one there is: byte by byte, and without taking `a` for `a `.
SqlResult<std::string> name_collation(Connection& connection) {
  auto rows = connection.query(
      "SELECT COLLATION_NAME FROM information_schema.COLLATIONS WHERE COLLATION_NAME IN"
      " ('utf8mb4_nopad_bin', 'utf8mb4_0900_bin')"
      " ORDER BY COLLATION_NAME = 'utf8mb4_nopad_bin' DESC",
      {});
  if (!rows) return rows.error();
  return rows.value().count() == 0 ? std::string("utf8mb4_bin") : rows.value().at(0, 0).value_or("");
}

using Columns = std::map<std::string, Limits::Column>;  // "table.column"

SqlResult<Columns> read_columns(Connection& connection) {
  auto rows = connection.query(
      "SELECT TABLE_NAME, COLUMN_NAME, CHARACTER_MAXIMUM_LENGTH, CHARACTER_OCTET_LENGTH, CHARACTER_SET_NAME"
      " FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()"
      " AND TABLE_NAME IN ('trans_global', 'trans_branch_op', 'kv')",
      {});
  if (!rows) return rows.error();
  const auto limit = [](const Cell& cell) {
    std::size_t value = SIZE_MAX;
    if (cell) std::from_chars(cell->data(), cell->data() + cell->size(), value);
    return value;
  };
  Columns columns;
  for (std::size_t row = 0; row < rows.value().count(); ++row) {
    Rows& values = rows.value();
    const std::string name = values.at(row, 0).value_or("") + "." + values.at(row, 1).value_or("");
    columns[name] = {limit(values.at(row, 2)), limit(values.at(row, 3)), values.at(row, 4).has_value()};
  }
  return columns;
}

std::set<std::string> tables_of(const Columns& columns) {
  std::set<std::string> found;
  for (const auto& [name, column] : columns) found.insert(name.substr(0, name.find('.')));
  return found;
}

// The statements that would add what DTM's tables have and these lack; empty: nothing.
std::string missing_columns(const Columns& columns, const std::string& collation) {
  std::string statements;
  for (const TablePlan& table : tables()) {
    std::string additions;
    for (const ColumnPlan& column : table.columns) {
      if (columns.contains(std::string(table.name) + "." + std::string(column.name))) continue;
      additions += additions.empty() ? "" : ", ";
      additions += "ADD COLUMN `" + std::string(column.name) + "` " + type_of(column, collation);
    }
    if (!additions.empty()) statements += " ALTER TABLE " + std::string(table.name) + " " + additions + ";";
  }
  return statements;
}

SqlResult<std::uint64_t> create_tables(Connection& connection, const std::set<std::string>& present,
                                       const std::string& collation) {
  for (const TablePlan& table : tables()) {
    if (present.contains(std::string(table.name))) continue;
    auto created = connection.execute(create_statement(table, collation), {});
    if (!created) return created;
  }
  return std::uint64_t{0};
}

std::string quoted(const std::string& name) {
  std::string text = "`";
  for (const char letter : name) text += letter == '`' ? std::string("``") : std::string(1, letter);
  return text + "`";
}

SqlResult<std::uint64_t> create_database(const MysqlOptions& options) {
  MysqlOptions without = options;
  without.database.clear();
  auto connection = Connection::open(without);
  if (!connection) return connection.error();
  return connection.value()->execute(
      "CREATE DATABASE IF NOT EXISTS " + quoted(options.database) + " DEFAULT CHARACTER SET utf8mb4", {});
}

Result<std::unique_ptr<Connection>> open_database(const MysqlOptions& options) {
  auto connection = Connection::open(options);
  if (!connection && connection.error().code == kUnknownDatabase) {
    const auto created = create_database(options);
    if (!created) {
      return error_of(options, "it does not exist and cannot be created (CREATE DATABASE is to be run by one who may)",
                      created.error());
    }
    connection = Connection::open(options);
  }
  if (!connection) return error_of(options, "cannot be opened", connection.error());
  return std::move(connection.value());
}

}  // namespace

Error error_of(const MysqlOptions& options, const std::string& what, const SqlError& error) {
  return {Code::internal, "database " + options.database + " on " + options.host + ":" + std::to_string(options.port) +
                              ": " + what + ": " + error.message};
}

Result<Limits> prepare_schema(const MysqlOptions& options) {
  auto opened = open_database(options);
  if (!opened) return opened.error();
  Connection& connection = *opened.value();
  const auto failed = [&](const std::string& what, const SqlError& error) { return error_of(options, what, error); };

  const auto collation = name_collation(connection);
  if (!collation) return failed("its collations cannot be read", collation.error());
  auto columns = read_columns(connection);
  if (!columns) return failed("its tables cannot be read", columns.error());
  const std::set<std::string> present = tables_of(columns.value());
  if (present.size() < tables().size()) {
    const auto created = create_tables(connection, present, collation.value());
    if (!created) return failed("a table cannot be created", created.error());
    columns = read_columns(connection);
    if (!columns) return failed("its tables cannot be read", columns.error());
  }
  const std::string additions = missing_columns(columns.value(), collation.value());
  if (!additions.empty()) {
    return Error{Code::invalid,
                 "database " + options.database + ": its tables lack columns. This adds them:" + additions};
  }
  Limits limits;
  limits.set_packet_bytes_max(connection.packet_bytes_max());
  for (const auto& [name, column] : columns.value()) limits.set(name, column);
  return limits;
}

Result<Done> reset_schema(const MysqlOptions& options) {
  auto opened = open_database(options);
  if (!opened) return opened.error();
  Connection& connection = *opened.value();
  const auto dropped = connection.execute("DROP TABLE IF EXISTS trans_global, trans_branch_op, kv", {});
  if (!dropped) return error_of(options, "the tables cannot be dropped", dropped.error());
  const auto collation = name_collation(connection);
  if (!collation) return error_of(options, "its collations cannot be read", collation.error());
  const auto created = create_tables(connection, {}, collation.value());
  if (!created) return error_of(options, "a table cannot be created", created.error());
  return Done{};
}

}  // namespace settle::mysql
