// What the tests of this adapter share: databases of the shared server, and sessions that must work.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/mysql/connection.hpp"
#include "tests/support/mariadb_server.hpp"

namespace settle::mysql {

// A name that no other test of the program has; nothing is created.
inline MysqlOptions new_database() {
  static int number = 0;
  return shared_mariadb().options("test_" + std::to_string(++number));
}

inline std::unique_ptr<Connection> must_open(const MysqlOptions& options) {
  auto opened = Connection::open(options);
  const std::string why = opened ? "" : opened.error().message;
  REQUIRE_MESSAGE(opened, why);
  return std::move(opened.value());
}

inline std::uint64_t must_execute(Connection& connection, const std::string& sql,
                                  const std::vector<Parameter>& parameters = {}) {
  const auto done = connection.execute(sql, parameters);
  const std::string why = done ? "" : done.error().message;
  REQUIRE_MESSAGE(done, why);
  return done.value();
}

inline Rows must_query(Connection& connection, const std::string& sql, const std::vector<Parameter>& parameters = {}) {
  auto rows = connection.query(sql, parameters);
  const std::string why = rows ? "" : rows.error().message;
  REQUIRE_MESSAGE(rows, why);
  return std::move(rows.value());
}

inline SqlError must_fail(Connection& connection, const std::string& sql,
                          const std::vector<Parameter>& parameters = {}) {
  const auto done = connection.execute(sql, parameters);
  REQUIRE_FALSE(done);
  return done.error();
}

}  // namespace settle::mysql
