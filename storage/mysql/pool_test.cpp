#include "storage/mysql/pool.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "storage/mysql/test_database.hpp"

namespace settle::mysql {
namespace {

struct Lines {
  std::mutex mutex;
  std::vector<std::string> lines;

  Log log() {
    return [this](LogLevel, std::string_view, std::string_view message) {
      const std::lock_guard lock(mutex);
      lines.emplace_back(message);
    };
  }
};

MysqlOptions any_database() {
  MysqlOptions options = shared_mariadb().options("mysql");
  options.patience_ms = 20'000;
  return options;
}

Pool::Lease must_take(Pool& pool, std::int64_t patience_ms = 20'000) {
  Patience patience(patience_ms);
  auto lease = pool.take(patience);
  const std::string why = lease ? "" : lease.error().message;
  REQUIRE_MESSAGE(lease, why);
  return std::move(lease.value());
}

bool has_session(std::uint64_t id) {
  return shared_mariadb().execute({"SELECT ID FROM information_schema.PROCESSLIST WHERE ID = " + std::to_string(id)}) !=
         "";
}

}  // namespace

TEST_CASE("mysql pool: what was given back -> is lent again, the one used last first") {
  Pool pool(any_database(), {});
  auto one = must_take(pool);
  auto two = must_take(pool);
  const std::uint64_t id = two->session_id();
  CHECK(one->session_id() != id);
  one = {};
  two = {};
  CHECK(must_take(pool)->session_id() == id);
}

TEST_CASE("mysql pool: all are lent -> the next waits for one, and gives up when its patience ends") {
  MysqlOptions options = any_database();
  options.connections_max = 1;
  Pool pool(options, {});
  auto only = must_take(pool);
  Patience short_patience(50);
  const auto refused = pool.take(short_patience);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().fault == Fault::refused);

  std::atomic<std::uint64_t> lent{0};
  std::thread waiter([&] {
    Patience patience(60'000);
    auto lease = pool.take(patience);
    if (lease) lent = lease.value()->session_id();
  });
  const std::uint64_t id = only->session_id();
  only = {};
  waiter.join();
  CHECK(lent == id);
}

TEST_CASE("mysql pool: more idle ones than are wanted, or too old ones -> are closed") {
  MysqlOptions options = any_database();
  options.connections_idle_max = 1;
  Pool pool(options, {});
  auto one = must_take(pool);
  auto two = must_take(pool);
  const std::uint64_t kept = one->session_id();
  one = {};
  two = {};
  auto again = must_take(pool);
  CHECK(again->session_id() == kept);
  CHECK(must_take(pool)->session_id() != kept);

  options.connection_lifetime_ms = 1;
  Pool aging(options, {});
  const std::uint64_t first = must_take(aging)->session_id();
  std::uint64_t next = first;
  // At the latest when a millisecond has passed.
  while (next == first) next = must_take(aging)->session_id();
  CHECK(next != first);
}

TEST_CASE("mysql pool: an abandoned session -> is killed, with its locks, as soon as there is another") {
  MysqlOptions options = any_database();
  options.statement_timeout_ms = 1'000;
  Pool pool(options, {});
  auto lease = must_take(pool);
  const std::uint64_t id = lease->session_id();
  const auto timed_out = lease->query("SELECT SLEEP(?)", std::vector<Parameter>{std::int64_t{600}});
  REQUIRE_FALSE(timed_out);
  REQUIRE(timed_out.error().fault == Fault::lost);
  CHECK(has_session(id));
  lease.abandon();
  CHECK_FALSE(lease);
  auto other = must_take(pool);
  CHECK(other->session_id() != id);
  while (has_session(id)) std::this_thread::yield();
}

TEST_CASE("mysql pool: a session was killed while it was idle -> the work is done in another") {
  Pool pool(any_database(), {});
  const std::uint64_t id = must_take(pool)->session_id();
  shared_mariadb().execute({"KILL " + std::to_string(id)});
  int runs = 0;
  const auto answer = pool.run<Rows>([&](Connection& connection) {
    ++runs;
    return connection.query("SELECT CONNECTION_ID()", {});
  });
  REQUIRE(answer);
  CHECK(runs == 2);
}

TEST_CASE("mysql pool: work that fails for good -> once, and its transaction is rolled back") {
  const MysqlOptions options = new_database();
  shared_mariadb().execute(
      {"CREATE DATABASE " + options.database, "CREATE TABLE " + options.database + ".t (n int PRIMARY KEY)"});
  MysqlOptions one = options;
  one.connections_max = 1;
  Pool pool(one, {});
  int runs = 0;
  const auto answer = pool.run<std::uint64_t>([&](Connection& connection) -> SqlResult<std::uint64_t> {
    ++runs;
    REQUIRE(connection.begin());
    must_execute(connection, "INSERT INTO t VALUES (1)");
    return connection.execute("INSERT INTO t VALUES (1)", {});
  });
  REQUIRE_FALSE(answer);
  CHECK(answer.error().fault == Fault::duplicate);
  CHECK(runs == 1);
  auto lease = must_take(pool);
  must_execute(*lease, "COMMIT");
  CHECK(must_query(*lease, "SELECT n FROM t").count() == 0);
}

TEST_CASE("mysql pool: the server is stopped and started -> said once each, and the work gets done") {
  MariadbServer server;
  MysqlOptions options = server.options("mysql");
  options.patience_ms = 100;
  Lines lines;
  Pool pool(options, lines.log());
  const auto ask = [&] {
    return static_cast<bool>(pool.run<Rows>([](Connection& connection) { return connection.query("SELECT 1", {}); }));
  };
  CHECK(ask());
  server.stop();
  CHECK_FALSE(ask());
  CHECK_FALSE(ask());
  server.start();
  CHECK(ask());
  REQUIRE(lines.lines.size() == 2);
  CHECK(lines.lines[0].starts_with("the database cannot be reached: "));
  CHECK(lines.lines[1] == "the database can be reached again");
}

TEST_CASE("mysql pool: a wrong password -> said at once, not tried again") {
  MysqlOptions options = any_database();
  options.password = "wrong";
  options.patience_ms = 600'000;
  Pool pool(options, {});
  const auto answer = pool.run<Rows>([](Connection& connection) { return connection.query("SELECT 1", {}); });
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == 1045);
}

}  // namespace settle::mysql
