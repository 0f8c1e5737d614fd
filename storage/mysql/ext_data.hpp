// The column ext_data: what a State and its BranchStates hold beyond DTM's columns, as {"settle":{…}}, which DTM reads
// over and keeps. Where there is nothing to tell, the text is empty, so that the rows of many transactions can be
// written with equal values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "settle/store.hpp"

namespace settle::mysql {

// The column is a TEXT in DTM's tables, of 65,535 bytes. Beyond this, marks of started rows are left out, and the state
// is said not to be exact, which is always true; numbers of attempts take at most half of it.
inline constexpr std::size_t kExtDataBytesMax = 60'000;

// The text for this state. `runs` as in Change. While it is held, what is stored as next_retry_time is the lease, and
// the real one is not kept. `create_time_ms` 0: not known; then a submit_time_ms is always written.
//
// An empty text says: no counters, no error, nothing started but what is done, times of whole seconds; of a saga, that
// it was submitted when it was created, and that it is exact unless it is submitted or aborting. That it is exact then
// is always said, for a DTM server leaves the text empty, too, and does not know what it has started.
std::string encode_ext_data(TransType type, std::int64_t create_time_ms, const State& state,
                            std::span<const BranchRun> runs, bool held);

// Completes a transaction of which everything is known that the other columns tell. A text that is not ours, or is
// damaged, counts as empty. Where the last owner was a DTM server (`owner`, which is neither empty nor one of ours) the
// state is not exact, whatever the text says: that server has worked on it since.
void decode_ext_data(std::string_view text, std::string_view owner, StoredTransaction& transaction);

}  // namespace settle::mysql
