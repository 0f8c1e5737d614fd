// The store on MySQL, MariaDB, Galera or TiDB: any number of servers on one database, on the tables of a DTM
// installation, also beside a DTM server. What the tables hold is protocol.md §11; docs/mysql.md is for operators.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "settle/engine.hpp"
#include "settle/result.hpp"
#include "settle/store.hpp"

namespace settle {

struct MysqlOptions {
  std::string host = "localhost";
  std::uint16_t port = 3306;
  std::string user = "root";
  std::string password;
  std::string database = "dtm";
  std::size_t connections_max = 500;              // open at once; whoever needs one more waits
  std::size_t connections_idle_max = 500;         // kept open while nobody needs them
  std::int64_t connection_lifetime_ms = 300'000;  // an older one is replaced when it comes back; 0: never
  std::int64_t connect_timeout_ms = 3'000;
  std::int64_t statement_timeout_ms = 10'000;  // then the connection counts as lost
  std::int64_t patience_ms = 8'000;            // so long a read or a group is tried again, before it fails
  std::size_t lanes = 3;                       // groups that may be written at once
  // Of the times in the tables: fixed, or that of the machine, as DTM has it.
  std::optional<std::int64_t> time_zone_offset_s;
};

// Opens it; creates what is missing, database and tables. `log` is told of outages and of their end. Errors say what to
// do: a server that cannot be reached, a right that is missing, a table that lacks a column (with the statement that
// adds it).
Result<std::unique_ptr<Store>> open_mysql_store(const MysqlOptions& options, Log log);

// Drops the three tables, with everything in them.
Result<Done> reset_mysql_store(const MysqlOptions& options);

}  // namespace settle
