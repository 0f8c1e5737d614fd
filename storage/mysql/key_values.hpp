// The key-values of the store, in DTM's table kv. Each does one attempt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "settle/result.hpp"
#include "settle/store.hpp"
#include "storage/mysql/connection.hpp"
#include "storage/mysql/wall_time.hpp"

namespace settle::mysql {

// Nothing, or what came of reading it. Where the database takes this key for another one that is stored:
// Code::conflict.
SqlResult<std::optional<Result<KeyValue>>> load_key_value(Connection& connection, const WallTime& times,
                                                          const std::string& category, const std::string& key);

// As Store::scan_key_values, from a position that was parsed: ids below `below`.
SqlResult<Result<KeyValuePage>> scan_key_values(Connection& connection, const WallTime& times,
                                                const std::string& category, std::int64_t below, std::size_t limit);

// As Store::apply_key_value. Where the connection was lost it may have been applied, and another attempt would find
// another version: that one must not be made.
SqlResult<ChangeResult> apply_key_value(Connection& connection, const WallTime& times, const KeyValueChange& change);

}  // namespace settle::mysql
