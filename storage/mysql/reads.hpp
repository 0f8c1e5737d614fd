// Reading transactions. Functions on a Connection do one attempt and may be done again; those on a Pool do that.
//
// A transaction is read by two statements, its branches last. Where it changes in between they are as new as the rest,
// or newer; a write that is decided on compares what it was decided on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "settle/function.hpp"
#include "settle/result.hpp"
#include "settle/store.hpp"
#include "storage/mysql/connection.hpp"
#include "storage/mysql/pool.hpp"
#include "storage/mysql/wall_time.hpp"

namespace settle::mysql {

// So many are read by one pair of statements.
inline constexpr std::size_t kReadTogetherMax = 128;

// As read one by one: damaged ones are an Error that names the gid.
using ReadTransactions = std::vector<Result<StoredTransaction>>;

// What says that a database takes one gid for another, which is stored: DTM's tables do not tell upper from lower case.
Error taken_for_another(const std::string& gid, const std::string& stored);

// As Store::load: nothing, or what came of reading it. Where the database takes this gid for another one:
// taken_for_another().
SqlResult<std::optional<Result<StoredTransaction>>> load(Connection& connection, const WallTime& times,
                                                         const std::string& gid);

// The rows of trans_global with these ids, at most kReadTogetherMax, in kTransactionColumns; in any order.
SqlResult<Rows> read_heads(Connection& connection, std::span<const std::int64_t> ids);

// Those transactions with their branches, in the order of `heads`, of which there are at most kReadTogetherMax.
SqlResult<ReadTransactions> read_with_branches(Connection& connection, const WallTime& times, Rows heads);

// As Store::scan, from a position that was parsed: ids below `below`. The definitions come without branches and without
// what is said in custom_data.
SqlResult<Result<ScanPage>> scan(Connection& connection, const WallTime& times, const ScanFilter& filter,
                                 std::int64_t below, std::size_t limit);

// As Store::visit_unfinished.
SqlResult<Done> visit_unfinished(Pool& pool, const WallTime& times, UniqueFunction<bool(StoredTransaction)> visit,
                                 UniqueFunction<void(Error)> damaged);

}  // namespace settle::mysql
