// The rows of trans_global and trans_branch_op, as DTM writes and reads them, and the values that they stand for.
//   saga       for each step a row `compensate`, then a row `action`
//   msg        for each action a row `action`
//   tcc, xa    for each registered branch a row `cancel` and `confirm`, or `rollback` and `commit`
//   workflow   for each registered result a row, with the client's own operation and status
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "settle/result.hpp"
#include "settle/store.hpp"
#include "settle/transaction.hpp"
#include "storage/mysql/connection.hpp"
#include "storage/mysql/parameters.hpp"
#include "storage/mysql/wall_time.hpp"

namespace settle::mysql {

// ---- writing ------------------------------------------------------------------------------------------------------

// What an UPDATE of one transaction sets. Those of many are equal where there is nothing special about them. Times are
// texts that somebody else keeps, empty ones stand for NULL.
struct StateColumns {
  GlobalStatus status = GlobalStatus::prepared;
  std::int64_t next_cron_interval_s = 0;
  std::string_view update_time;
  std::string_view finish_time;
  std::string_view rollback_time;
  std::string ext_data;
  std::string result;
  std::string rollback_reason;
  // Not among kStateAssignments: when they are set is for the statement to say.
  std::string_view next_cron_time;
  std::string owner;

  auto operator<=>(const StateColumns&) const = default;  // NOLINT(modernize-use-nullptr): there is no 0
};

// `times` must live as long as they do.
StateColumns state_columns(TimeTexts& times, const Change& change);

inline constexpr std::string_view kStateAssignments =
    "status = ?, next_cron_interval = ?, update_time = ?, finish_time = ?, rollback_time = ?, ext_data = ?, "
    "result = ?, rollback_reason = ?";
// Appends the parameters of kStateAssignments. `columns` must live until the statement has run.
void append_state(Parameters& parameters, const StateColumns& columns);

// What a submit of a prepared transaction may change.
inline constexpr std::string_view kDefinitionAssignments =
    "protocol = ?, options = ?, custom_data = ?, query_prepared = ?";
void append_definition(Parameters& parameters, const Definition& definition);

// An INSERT: its columns, and one row of it, with "?" for each parameter.
struct InsertForm {
  std::string_view columns;
  std::string_view values;
};

// Most of what is inserted is new: nothing has come of it yet. What its columns have then is part of the statement, for
// a parameter costs the connector and the database more than the value.

inline constexpr InsertForm kTransactionInsert = {
    "gid, trans_type, create_time, protocol, options, custom_data, query_prepared, status, next_cron_interval, "
    "update_time, next_cron_time, owner, finish_time, rollback_time, ext_data, result, rollback_reason",
    "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"};
inline constexpr InsertForm kNewTransactionInsert = {kTransactionInsert.columns,
                                                     "(?,?,?,?,?,?,?,?,?,?,?,?,NULL,NULL,'','','')"};
// Whether the columns are those of a new one.
bool are_new(const StateColumns& columns);
// One for kNewTransactionInsert if they are, and else for kTransactionInsert. All must live until the statement has
// run.
void append_transaction(Parameters& parameters, const Definition& definition, std::string_view create_time,
                        const StateColumns& columns);

inline constexpr InsertForm kBranchInsert = {
    "gid, branch_id, op, url, bin_data, create_time, update_time, status, finish_time", "(?,?,?,?,?,?,?,?,?)"};
inline constexpr InsertForm kNewBranchInsert = {kBranchInsert.columns, "(?,?,?,?,?,?,?,'prepared',NULL)"};
// For kNewBranchInsert: a branch that is `prepared`. What the view shows, and the texts, must live until the statement
// has run.
void append_new_branch(Parameters& parameters, std::string_view gid, const BranchView& branch,
                       std::string_view create_time);
// For kBranchInsert. `finish_time`: empty where it has not finished. As before.
void append_branch(Parameters& parameters, std::string_view gid, const BranchView& branch, BranchStatus status,
                   std::string_view create_time, std::string_view finish_time);

// ---- reading ------------------------------------------------------------------------------------------------------

inline constexpr std::string_view kTransactionColumns =
    "id, gid, trans_type, status, query_prepared, protocol, create_time, update_time, finish_time, rollback_time, "
    "options, custom_data, next_cron_interval, next_cron_time, owner, ext_data, result, rollback_reason";
// Their places.
inline constexpr std::size_t kIdColumn = 0;
inline constexpr std::size_t kGidColumn = 1;
inline constexpr std::size_t kStatusColumn = 3;
inline constexpr std::size_t kNextCronTimeColumn = 13;
inline constexpr std::size_t kOwnerColumn = 14;

// Older DTM servers have the payload in `data`.
inline constexpr std::string_view kBranchColumns =
    "id, gid, branch_id, op, url, IFNULL(bin_data, data), status, finish_time";
inline constexpr std::size_t kBranchIdColumn = 0;
inline constexpr std::size_t kBranchGidColumn = 1;

// A number of the database's own, an id or a version; 0 for NULL.
std::int64_t number_at(Rows& rows, std::size_t row, std::size_t column);

// A row of kTransactionColumns as it is listed: without branches, registrations and what is said in custom_data. The
// cells are moved from. Code::internal, naming the gid and the column, where it cannot be understood.
Result<StoredTransaction> read_listed(const WallTime& times, Rows& transactions, std::size_t row);

// The same with its branches: these rows of `branches`, in the order of their ids.
Result<StoredTransaction> read_whole(const WallTime& times, Rows& transactions, std::size_t row, Rows& branches,
                                     std::span<const std::size_t> branch_rows);

}  // namespace settle::mysql
