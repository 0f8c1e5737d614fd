// Removing what finished long ago.
#pragma once

#include <cstddef>
#include <cstdint>

#include "settle/store.hpp"
#include "storage/mysql/pool.hpp"
#include "storage/mysql/wall_time.hpp"

namespace settle::mysql {

// Removes transactions that finished before this, with their branches, at most `limit`, in small batches that are each
// a transaction of the database. Several servers may do so at once. Nothing is remembered of them.
//
// They are looked for by (status, next_cron_time), of which there is an index. A finished one keeps the time when it
// was to be tried next, which is near its end but may lie behind it: one that was to be tried only long after it
// finished may be kept for as long.
SqlResult<PurgeResult> purge(Pool& pool, const WallTime& times, std::int64_t finished_before_ms, std::size_t limit);

}  // namespace settle::mysql
