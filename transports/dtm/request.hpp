// Reading the bodies of requests (protocol.md §3). Whatever is wrong is Code::invalid, with a message that names the
// field, or the place where the body stops being JSON. Unknown fields are ignored; null means "not given".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "settle/result.hpp"
#include "settle/transaction.hpp"

namespace settle::dtm {

// A transaction, as prepare and submit take it. What validate() looks at is left to the engine.
Result<Definition> parse_transaction(std::string_view body);

// A transaction that exists, as abort, forceStop and resetNextCronTime take it.
struct Reference {
  std::string gid;                // never empty
  std::optional<TransType> type;  // abort only
  std::string rollback_reason;    // abort only
};
Result<Reference> parse_reference(std::string_view body);

// The milliseconds of {"advance_seconds":N}; N is a whole number, from 0 to kSecondsMax.
Result<std::int64_t> parse_advance_ms(std::string_view body);

}  // namespace settle::dtm
