// The three tables: DTM's own, or ours, which are DTM's with wider columns and with names compared byte by byte.
#pragma once

#include <string>

#include "settle/result.hpp"
#include "settle/storage/mysql.hpp"
#include "storage/mysql/connection.hpp"
#include "storage/mysql/limits.hpp"

namespace settle::mysql {

// Creates what is missing, database and tables. A table that lacks a column is an Error that says how to add it.
Result<Limits> prepare_schema(const MysqlOptions& options);

// Drops the tables and creates them anew.
Result<Done> reset_schema(const MysqlOptions& options);

// An error of the database for a person.
Error error_of(const MysqlOptions& options, const std::string& what, const SqlError& error);

}  // namespace settle::mysql
