#include "storage/mysql/schema.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "storage/mysql/test_database.hpp"
#include "tests/conformance/store_values.hpp"

namespace settle::mysql {
namespace {

Limits must_prepare(const MysqlOptions& options) {
  auto limits = prepare_schema(options);
  const std::string why = limits ? "" : limits.error().message;
  REQUIRE_MESSAGE(limits, why);
  return std::move(limits.value());
}

// As DTM 1.19 creates them.
void create_tables_of_dtm(const MysqlOptions& options) {
  shared_mariadb().execute(
      {"CREATE DATABASE " + options.database + " DEFAULT CHARACTER SET utf8mb4",
       "CREATE TABLE " + options.database +
           ".trans_global (id bigint(22) NOT NULL AUTO_INCREMENT, gid varchar(128) NOT NULL, trans_type varchar(45)"
           " NOT NULL, status varchar(12) NOT NULL, query_prepared varchar(1024) NOT NULL, protocol varchar(45) NOT"
           " NULL, create_time datetime, update_time datetime, finish_time datetime, rollback_time datetime, options"
           " varchar(1024) DEFAULT '', custom_data varchar(1024) DEFAULT '', next_cron_interval int(11),"
           " next_cron_time datetime, owner varchar(128) NOT NULL DEFAULT '', ext_data text, result varchar(1024)"
           " DEFAULT '', rollback_reason varchar(1024) DEFAULT '', PRIMARY KEY (id), UNIQUE KEY gid (gid), KEY owner"
           " (owner), KEY status_next_cron_time (status, next_cron_time)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
       "CREATE TABLE " + options.database +
           ".trans_branch_op (id bigint(22) NOT NULL AUTO_INCREMENT, gid varchar(128) NOT NULL, url varchar(1024) NOT"
           " NULL, data text, bin_data blob, branch_id varchar(128) NOT NULL, op varchar(45) NOT NULL, status"
           " varchar(45) NOT NULL, finish_time datetime, rollback_time datetime, create_time datetime, update_time"
           " datetime, PRIMARY KEY (id), UNIQUE KEY gid_uniq (gid, branch_id, op)) ENGINE=InnoDB DEFAULT"
           " CHARSET=utf8mb4",
       "CREATE TABLE " + options.database +
           ".kv (id bigint(22) NOT NULL AUTO_INCREMENT, cat varchar(45) NOT NULL, k varchar(128) NOT NULL, v text,"
           " version bigint(22) DEFAULT 1, create_time datetime, update_time datetime, PRIMARY KEY (id), UNIQUE KEY"
           " uniq_k (cat, k)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"});
}

std::string refusal(const Result<Done>& checked) {
  REQUIRE_FALSE(checked);
  CHECK(checked.error().code == Code::invalid);
  return checked.error().message;
}

}  // namespace

TEST_CASE("mysql schema: nothing there -> database and tables are created; prepared again, nothing changes") {
  const MysqlOptions options = new_database();
  must_prepare(options);
  const auto connection = must_open(options);
  must_execute(
      *connection,
      "INSERT INTO trans_global (gid, trans_type, status, query_prepared, protocol) VALUES"
      " ('a','saga','submitted','','http'), ('A','saga','submitted','','http'), ('a ','saga','submitted','','')");
  must_prepare(options);
  CHECK(must_query(*connection, "SELECT gid FROM trans_global WHERE gid = ?", {"a "}).count() == 1);
  CHECK(must_query(*connection, "SELECT gid FROM trans_global").count() == 3);
}

TEST_CASE("mysql schema: reset -> the tables are there, and empty") {
  const MysqlOptions options = new_database();
  REQUIRE(reset_schema(options));
  const auto connection = must_open(options);
  must_execute(*connection, "INSERT INTO kv (cat, k) VALUES ('topic', 'a')");
  REQUIRE(reset_schema(options));
  CHECK(must_query(*connection, "SELECT id FROM kv").count() == 0);
}

TEST_CASE("mysql schema: a database of that name cannot be created -> the error says who has to do what") {
  shared_mariadb().execute({"CREATE USER IF NOT EXISTS nobody IDENTIFIED BY ''"});
  MysqlOptions options = new_database();
  options.user = "nobody";
  const auto limits = prepare_schema(options);
  REQUIRE_FALSE(limits);
  CHECK(limits.error().message.find("database " + options.database) != std::string::npos);
  CHECK(limits.error().message.find("1044") != std::string::npos);
}

TEST_CASE("mysql schema: a table that lacks columns -> the statement that adds them, and it works") {
  const MysqlOptions options = new_database();
  create_tables_of_dtm(options);
  const auto connection = must_open(options);
  must_execute(*connection, "ALTER TABLE trans_global DROP COLUMN rollback_reason, DROP COLUMN ext_data");
  const auto limits = prepare_schema(options);
  REQUIRE_FALSE(limits);
  const std::string& message = limits.error().message;
  const std::size_t statement = message.find("ALTER TABLE");
  REQUIRE(statement != std::string::npos);
  CHECK(message.find("ADD COLUMN `rollback_reason` varchar(1024)") != std::string::npos);
  must_execute(*connection, message.substr(statement, message.rfind(';') - statement));
  must_prepare(options);
}

TEST_CASE("mysql limits: DTM's tables -> what is too long is refused, naming the field") {
  const MysqlOptions options = new_database();
  create_tables_of_dtm(options);
  const Limits limits = must_prepare(options);
  auto definition = std::make_shared<Definition>(*test_definition("g"));
  CHECK(limits.check(*definition));
  std::string characters;
  for (int i = 0; i < 1024; ++i) characters += "漢";
  definition->custom_data = characters;
  CHECK(limits.check(*definition));
  definition->custom_data += "x";
  CHECK(refusal(limits.check(*definition)) == "custom_data: 1025 characters, this database holds 1024");
  definition->custom_data = "\xff";
  CHECK(refusal(limits.check(*definition)) == "custom_data: is not valid UTF-8");
  definition->custom_data.clear();
  definition->payloads[1] = std::string(65'535, '\xff');
  CHECK(limits.check(*definition));
  definition->payloads[1] += '\xff';
  CHECK(refusal(limits.check(*definition)) == "payload of branch 2: 65536 bytes, this database holds 65535");
  definition->payloads[1].clear();
  definition->branches[3].url = std::string(1025, 'u');
  CHECK(refusal(limits.check(*definition)) == "url of branch 2: 1025 characters, this database holds 1024");

  Registration registration = test_registration(1);
  CHECK(limits.check(registration));
  registration.cancel_url = std::string(1025, 'u');
  CHECK(refusal(limits.check(registration)) == "cancel url of branch 1: 1025 characters, this database holds 1024");
  CHECK(limits.check_result(std::string(1024, 'r')));
  CHECK(refusal(limits.check_result(std::string(1025, 'r'))) == "result: 1025 characters, this database holds 1024");
  CHECK(limits.check(key_value_change("topic", std::string(128, 'k'), std::string(65'535, 'v'))));
  CHECK(refusal(limits.check(key_value_change("topic", std::string(129, 'k'), "v"))) ==
        "key: 129 characters, this database holds 128");
  CHECK(refusal(limits.check(key_value_change("topic", "k", std::string(65'536, 'v')))) ==
        "value of k: 65536 bytes, this database holds 65535");
}

TEST_CASE("mysql limits: tables of ours -> hold more, but what a statement cannot carry is refused") {
  const MysqlOptions options = new_database();
  const Limits limits = must_prepare(options);
  auto definition = std::make_shared<Definition>(*test_definition("g"));
  definition->custom_data = std::string(1'000'000, 'c');
  definition->payloads[0] = std::string(1'000'000, 'p');
  definition->branches[0].url = std::string(100'000, 'u');
  CHECK(limits.check(*definition));
  definition->payloads[0] = std::string(limits.packet_bytes_max(), 'p');
  CHECK(refusal(limits.check(*definition)).starts_with("payload and url of branch 1: "));
}

}  // namespace settle::mysql
