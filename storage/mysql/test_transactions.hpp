// Transactions put into a database row by row, for tests of what reads them.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/mysql/parameters.hpp"
#include "storage/mysql/pool.hpp"
#include "storage/mysql/rows.hpp"
#include "storage/mysql/schema.hpp"
#include "storage/mysql/test_database.hpp"
#include "storage/mysql/wall_time.hpp"

namespace settle::mysql {

constexpr std::int64_t kNowMs = 1'700'000'000'000;

inline const WallTime& test_times() {
  static const WallTime kTimes{0};
  return kTimes;
}

// A database with empty tables of ours, and a session.
struct TestTables {
  MysqlOptions options = new_database();
  std::unique_ptr<Pool> pool;
  std::unique_ptr<Connection> connection;

  TestTables() {
    const auto prepared = prepare_schema(options);
    const std::string why = prepared ? "" : prepared.error().message;
    REQUIRE_MESSAGE(prepared, why);
    pool = std::make_unique<Pool>(options, Log());
    connection = must_open(options);
  }

  // As on DTM's tables, which take 'A' for 'a'.
  void ignore_case() const {
    for (const char* column : {"trans_global MODIFY gid", "trans_branch_op MODIFY gid", "kv MODIFY k"}) {
      must_execute(*connection, std::string("ALTER TABLE ") + column +
                                    " varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL");
    }
  }
};

// A saga of one step, as it is stored; `owner` and `next_cron_time_ms` are what the columns get.
struct TestSaga {
  std::string gid;
  GlobalStatus status = GlobalStatus::submitted;
  std::int64_t next_cron_time_ms = kNowMs;
  std::string owner;
  std::int64_t update_time_ms = kNowMs - 60'000;
  std::size_t steps = 1;
};

inline std::shared_ptr<const Definition> definition_of(const TestSaga& saga) {
  Definition definition;
  definition.gid = saga.gid;
  definition.protocol = Protocol::http;
  definition.create_time_ms = kNowMs - 60'000;
  std::vector<SagaStep> steps;
  for (std::size_t step = 0; step < saga.steps; ++step) {
    const std::string number = std::to_string(step);
    steps.push_back({"http://host/" + number, "http://host/undo/" + number, "payload " + number});
  }
  append_saga_steps(definition, std::move(steps));
  return std::make_shared<const Definition>(std::move(definition));
}

inline void insert(Connection& connection, const TestSaga& saga) {
  const auto definition = definition_of(saga);
  Change change;
  change.create_time_ms = definition->create_time_ms;
  change.state.status = saga.status;
  change.state.exact = saga.status != GlobalStatus::submitted;
  change.state.submit_time_ms = definition->create_time_ms;
  change.state.update_time_ms = saga.update_time_ms;
  if (saga.status == GlobalStatus::succeed) change.state.finish_time_ms = saga.update_time_ms;
  if (saga.status == GlobalStatus::failed) change.state.rollback_time_ms = saga.update_time_ms;
  change.state.retry_interval_ms = 10'000;
  change.state.next_retry_time_ms = saga.next_cron_time_ms;
  TimeTexts times(test_times());
  StateColumns columns = state_columns(times, change);
  columns.owner = saga.owner;
  Parameters head;
  append_transaction(head, *definition, times.of(definition->create_time_ms), columns);
  const auto list = [](const Parameters& from) {
    return std::vector<Parameter>(from.list().begin(), from.list().end());
  };
  const auto insert_of = [](const std::string& table, const InsertForm& form) {
    return "INSERT INTO " + table + " (" + std::string(form.columns) + ") VALUES " + std::string(form.values);
  };
  must_execute(connection, insert_of("trans_global", are_new(columns) ? kNewTransactionInsert : kTransactionInsert),
               list(head));
  for (std::size_t row = 0; row < definition->branches.size(); ++row) {
    Parameters branch;
    append_new_branch(branch, saga.gid, branch_at(*definition, {}, row), times.of(kNowMs));
    must_execute(connection, insert_of("trans_branch_op", kNewBranchInsert), list(branch));
  }
}

// One column of one transaction; "NULL" for that.
inline std::string column(Connection& connection, const std::string& gid, const std::string& name) {
  Rows rows = must_query(connection, "SELECT " + name + " FROM trans_global WHERE gid = ?", {std::string_view(gid)});
  REQUIRE(rows.count() == 1);
  return rows.at(0, 0).value_or("NULL");
}

template <class T>
T must(SqlResult<T> result) {
  const std::string why = result ? "" : result.error().message;
  REQUIRE_MESSAGE(result, why);
  return std::move(result.value());
}

template <class T>
T must(Result<T> result) {
  const std::string why = result ? "" : result.error().message;
  REQUIRE_MESSAGE(result, why);
  return std::move(result.value());
}

}  // namespace settle::mysql
