// How values are written: a version byte, a kind byte, the fields in a fixed order, and a checksum over the key and all
// that comes before it. So a value that was cut, changed, or put under another key is refused, never misread.
//
// Numbers are LEB128 varints, signed ones zigzagged; texts carry their length. Every decoder takes any bytes whatever:
// it returns what was encoded or an Error (Code::internal) that names the key, and allocates no more than a small
// multiple of what it is given.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "settle/result.hpp"
#include "settle/store.hpp"
#include "settle/transaction.hpp"

namespace settle {

// The version that is written; those from 1 on are read. Grows when an older program could misread a value written now.
inline constexpr std::uint8_t kValueVersion = 3;

// What stands under a gid's key: a definition, or the note that it was purged.
struct GidRecord {
  std::int64_t id = 0;                                 // with a definition
  std::optional<Definition> definition;                // its gid comes from the key
  GlobalStatus purged_status = GlobalStatus::succeed;  // without one
  std::int64_t purged_at_ms = 0;
};

// What stands under an id's key: all that a listing filters by, the state, and the first run of branch states.
struct StateRecord {
  std::string gid;
  TransType type = TransType::saga;
  std::int64_t create_time_ms = 0;
  std::uint32_t branch_count = 0;        // rows of the definition
  std::uint32_t registration_count = 0;  // and the registrations that own the rows behind them
  State state;
  std::vector<BranchState> first_run;  // empty: every row of it is a default BranchState
  bool operator==(const StateRecord&) const = default;
};

std::string encode_definition(std::string_view key, std::int64_t id, const Definition& definition);
std::string encode_purged(std::string_view key, GlobalStatus status, std::int64_t purged_at_ms);
Result<GidRecord> decode_gid_record(std::string_view key, std::string_view value);

std::string encode_state(std::string_view key, const StateRecord& record);
Result<StateRecord> decode_state(std::string_view key, std::string_view value);

std::string encode_run(std::string_view key, const std::vector<BranchState>& branches);
Result<std::vector<BranchState>> decode_run(std::string_view key, std::string_view value);

std::string encode_registration(std::string_view key, const Registration& registration);
Result<Registration> decode_registration(std::string_view key, std::string_view value);

std::string encode_key_value(std::string_view key, const KeyValue& key_value);
Result<KeyValue> decode_key_value(std::string_view key, std::string_view value);

std::string encode_number(std::string_view key, std::int64_t number);
Result<std::int64_t> decode_number(std::string_view key, std::string_view value);

// A value with this content (all but the checksum). The encoders end with it; tests and fuzzers get with it past the
// checksum and at the decoders.
std::string sealed(std::string_view key, std::string content);

}  // namespace settle
