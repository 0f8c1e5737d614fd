// Taking over what nobody works on, and letting it be taken over sooner.
//
// Who holds a transaction is in its columns `owner` and `next_cron_time`, the lease. A DTM server that claims looks at
// status and next_cron_time alone, and writes an owner of its own; one that a client has sent a transaction to writes
// none. None of this touches update_time, which is shown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "settle/function.hpp"
#include "settle/result.hpp"
#include "settle/store.hpp"
#include "storage/mysql/connection.hpp"
#include "storage/mysql/pool.hpp"
#include "storage/mysql/wall_time.hpp"

namespace settle::mysql {

// As Store::claim. Where the answer to a COMMIT was lost, what was taken is found by its owner; what comes to light
// only later is not returned, and its lease runs out by itself.
SqlResult<Claimed> claim(Pool& pool, const WallTime& times, const ClaimRequest& request, std::size_t limit,
                         UniqueFunction<void(Error)> damaged);

// As Store::claim_one. A damaged one is an Error, and is put off by a minute.
SqlResult<Result<ClaimedOne>> claim_one(Pool& pool, const WallTime& times, const std::string& gid,
                                        const ClaimRequest& request);

// As Store::end_leases; one attempt.
SqlResult<std::size_t> end_leases(Connection& connection, const WallTime& times,
                                  const std::function<bool(const std::string& owner)>& is_gone, std::int64_t now_ms);

// As Store::make_due; one attempt.
SqlResult<std::size_t> make_due(Connection& connection, const WallTime& times, std::int64_t later_than_ms,
                                std::int64_t now_ms, std::size_t limit);

}  // namespace settle::mysql
