#include "storage/mysql/connection.hpp"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

#include "storage/mysql/faults.hpp"
#include "storage/mysql/test_database.hpp"

namespace settle::mysql {
namespace {

using Opened = std::unique_ptr<Connection>;

// In a database of the test's own, with the table `t`.
MysqlOptions with_table() {
  MysqlOptions options = new_database();
  const std::string& database = options.database;
  shared_mariadb().execute(
      {"CREATE DATABASE " + database, "CREATE TABLE " + database +
                                          ".t (id bigint AUTO_INCREMENT PRIMARY KEY, name varchar(20) UNIQUE, n bigint,"
                                          " bytes longblob, at datetime) CHARSET utf8mb4"});
  return options;
}

}  // namespace

TEST_CASE("connection: values of every kind -> come back as text, NULL as nothing") {
  const Opened connection = must_open(with_table());
  std::string bytes(300'000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
  const std::string name = "ü'\"\\ 漢🙂";
  must_execute(
      *connection, "INSERT INTO t (name, n, bytes, at) VALUES (?,?,?,?),(?,?,?,?)",
      {name, std::int64_t{-5}, bytes, "2024-02-29 23:59:58", "", std::monostate(), std::monostate(), std::monostate()});
  for (const std::string sql : {"SELECT name, n, bytes, at FROM t WHERE id > ? ORDER BY id",
                                "SELECT name, n, bytes, at FROM t WHERE id > 0 ORDER BY id"}) {
    const bool prepared = sql.find('?') != std::string::npos;
    Rows rows =
        must_query(*connection, sql, prepared ? std::vector<Parameter>{std::int64_t{0}} : std::vector<Parameter>());
    REQUIRE(rows.count() == 2);
    CHECK(rows.columns == 4);
    CHECK(rows.at(0, 0) == name);
    CHECK(rows.at(0, 1) == "-5");
    CHECK((rows.at(0, 2) == bytes));
    CHECK(rows.at(0, 3) == "2024-02-29 23:59:58");
    CHECK(rows.at(1, 0) == "");
    CHECK_FALSE(rows.at(1, 1));
    CHECK_FALSE(rows.at(1, 2));
    CHECK_FALSE(rows.at(1, 3));
  }
}

TEST_CASE("connection: an UPDATE of what is so already -> counts as matched") {
  const Opened connection = must_open(with_table());
  must_execute(*connection, "INSERT INTO t (name, n) VALUES (?,?)", {"a", std::int64_t{1}});
  CHECK(must_execute(*connection, "UPDATE t SET n = ? WHERE name = ?", {std::int64_t{1}, "a"}) == 1);
  CHECK(must_execute(*connection, "UPDATE t SET n = 1") == 1);
  CHECK(must_execute(*connection, "UPDATE t SET n = ? WHERE name = ?", {std::int64_t{1}, "b"}) == 0);
}

TEST_CASE("connection: more statements than it keeps -> all work, the server keeps few") {
  const Opened connection = must_open(with_table());
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 500; ++i) {
      const std::string text = std::to_string(i);
      CHECK(must_query(*connection, "SELECT ?, " + text, {std::int64_t{i}}).at(0, 1) == text);
    }
  }
  const Rows status = must_query(*connection, "SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'");
  CHECK(std::stoi(*status.cells.at(1)) <= 300);
}

TEST_CASE("connection: the server allows no more statements -> it gives up its own and goes on") {
  const Opened connection = must_open(with_table());
  for (int i = 0; i < 5; ++i) must_query(*connection, "SELECT ?, " + std::to_string(i), {std::int64_t{i}});
  shared_mariadb().execute({"SET GLOBAL max_prepared_stmt_count = 2"});
  CHECK(must_query(*connection, "SELECT ?, 'one more'", {std::int64_t{1}}).count() == 1);
  shared_mariadb().execute({"SET GLOBAL max_prepared_stmt_count = DEFAULT"});
}

TEST_CASE("connection: a rolled back transaction -> leaves nothing") {
  const Opened connection = must_open(with_table());
  REQUIRE(connection->begin());
  must_execute(*connection, "INSERT INTO t (name) VALUES ('a')");
  REQUIRE(connection->rollback());
  REQUIRE(connection->begin());
  must_execute(*connection, "INSERT INTO t (name) VALUES ('b')");
  REQUIRE(connection->commit());
  CHECK(must_query(*connection, "SELECT name FROM t").cells == std::vector<Cell>{"b"});
}

TEST_CASE("connection: what it says of itself and of the server") {
  const Opened connection = must_open(with_table());
  const std::string id = std::to_string(connection->session_id());
  CHECK(shared_mariadb().execute({"SELECT HOST FROM information_schema.PROCESSLIST WHERE ID = " + id}) ==
        connection->session_host());
  CHECK(connection->session_host().starts_with("127.0.0.1:"));
  CHECK(connection->server_version().find("MariaDB") != std::string::npos);
  CHECK(connection->has_skip_locked());
  CHECK(connection->packet_bytes_max() >= 1 << 20);
}

TEST_CASE("faults: a unique key, a value that does not fit, a table that is missing -> told apart") {
  const Opened connection = must_open(with_table());
  must_execute(*connection, "INSERT INTO t (name) VALUES ('a')");
  CHECK(must_fail(*connection, "INSERT INTO t (name) VALUES (?)", {"a"}).fault == Fault::duplicate);
  const SqlError long_name =
      must_fail(*connection, "INSERT INTO t (name) VALUES (?)", {std::string_view("123456789012345678901")});
  CHECK(long_name.fault == Fault::other);
  CHECK(is_bad_value(long_name.code));
  CHECK(is_bad_value(must_fail(*connection, "INSERT INTO t (name) VALUES (?)", {"\xff\xfe"}).code));
  const SqlError missing = must_fail(*connection, "INSERT INTO nowhere (name) VALUES (?)", {"a"});
  CHECK(missing.fault == Fault::other);
  CHECK_FALSE(is_bad_value(missing.code));
  CHECK(missing.message.find("(1146)") != std::string::npos);
}

TEST_CASE("faults: a deadlock, and a lock that is held for too long -> may be tried again") {
  const MysqlOptions options = with_table();
  const Opened one = must_open(options);
  const Opened other = must_open(options);
  must_execute(*one, "INSERT INTO t (name) VALUES ('a'),('b')");
  must_execute(*other, "SET SESSION innodb_lock_wait_timeout = 1");
  REQUIRE(one->begin());
  REQUIRE(other->begin());
  must_execute(*one, "UPDATE t SET n = 1 WHERE name = 'a'");
  must_execute(*other, "UPDATE t SET n = 1 WHERE name = 'b'");
  const SqlError waited = must_fail(*other, "UPDATE t SET n = 2 WHERE name = 'a'");
  CHECK(waited.code == 1205);
  CHECK(waited.fault == Fault::retry);

  // Each waits for the other: one of them is told so, at once.
  SqlResult<std::uint64_t> crossing(std::uint64_t{0});
  std::thread thread([&] { crossing = one->execute("UPDATE t SET n = 2 WHERE name = 'b'", {}); });
  must_execute(*other, "SET SESSION innodb_lock_wait_timeout = 50");
  const auto answer = other->execute("UPDATE t SET n = 2 WHERE name = 'a'", {});
  if (answer) REQUIRE(other->rollback());
  thread.join();
  REQUIRE(static_cast<bool>(answer) != static_cast<bool>(crossing));
  const SqlError& error = answer ? crossing.error() : answer.error();
  CHECK(error.code == 1213);
  CHECK(error.fault == Fault::retry);
}

TEST_CASE("faults: a session that is killed -> lost, and so is all that follows") {
  const Opened connection = must_open(with_table());
  shared_mariadb().execute({"KILL " + std::to_string(connection->session_id())});
  for (int i = 0; i < 3; ++i) {
    CHECK(must_fail(*connection, "UPDATE t SET n = ?", {std::int64_t{1}}).fault == Fault::lost);
    CHECK(must_fail(*connection, "COMMIT").fault == Fault::lost);
    CHECK(must_fail(*connection, "INSERT INTO t (n) VALUES (" + std::to_string(i) + "+?)", {std::int64_t{1}}).fault ==
          Fault::lost);
  }
}

TEST_CASE("faults: no answer in time -> lost") {
  MysqlOptions options = with_table();
  options.statement_timeout_ms = 1'000;
  const Opened connection = must_open(options);
  const auto rows = connection->query("SELECT SLEEP(?)", std::vector<Parameter>{std::int64_t{30}});
  REQUIRE_FALSE(rows);
  CHECK(rows.error().fault == Fault::lost);
}

TEST_CASE("faults: nobody listens, a wrong password, a database that is missing -> said so") {
  MysqlOptions options = with_table();
  options.database = "nowhere";
  auto opened = Connection::open(options);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == 1049);
  CHECK(opened.error().fault == Fault::other);
  options.password = "wrong";
  opened = Connection::open(options);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == 1045);
  CHECK(opened.error().fault == Fault::other);
  options.port = 1;
  opened = Connection::open(options);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().fault == Fault::lost);
}

TEST_CASE("faults: a server that is read-only, or has no connection left -> refused for now") {
  const MysqlOptions options = with_table();
  shared_mariadb().execute({"CREATE USER plain IDENTIFIED BY ''", "GRANT ALL ON `test\\_%`.* TO plain"});
  MysqlOptions plain = options;
  plain.user = "plain";
  const Opened connection = must_open(plain);
  shared_mariadb().execute({"SET GLOBAL read_only = 1"});
  const SqlError read_only = must_fail(*connection, "INSERT INTO t (name) VALUES (?)", {"a"});
  CHECK(read_only.code == 1290);
  CHECK(read_only.fault == Fault::refused);
  shared_mariadb().execute({"SET GLOBAL read_only = 0", "ALTER USER plain WITH MAX_USER_CONNECTIONS 1"});
  const Opened the_only_one = must_open(plain);
  const auto another = Connection::open(plain);
  REQUIRE_FALSE(another);
  CHECK(another.error().fault == Fault::refused);
}

TEST_CASE("faults: codes that no test can bring about -> what they mean") {
  for (const int code : {1047, 1114, 1021, 3, 1836, 1040}) CHECK(fault_of(code) == Fault::refused);
  for (const int code : {2002, 2003, 2005, 2006, 2013, 2055, 1927, 1317, 1053}) CHECK(fault_of(code) == Fault::lost);
  for (const int code : {1213, 1205, 1020, 9007}) CHECK(fault_of(code) == Fault::retry);
  CHECK(rolled_back_at_commit(1213));
  CHECK_FALSE(rolled_back_at_commit(2013));
  CHECK_FALSE(rolled_back_at_commit(1290));
}

}  // namespace settle::mysql
