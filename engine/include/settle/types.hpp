// The words of the protocol as types. The numbers are stored on disk: never reuse or renumber one.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace settle {

// What kind of global transaction it is.
enum class TransType : std::uint8_t { saga = 1, tcc = 2, xa = 3, msg = 4, workflow = 5 };

// The state of a global transaction. `succeed` and `failed` are final: nothing changes it any more.
enum class GlobalStatus : std::uint8_t { prepared = 1, submitted = 2, aborting = 3, succeed = 4, failed = 5 };

// The state of one branch row.
enum class BranchStatus : std::uint8_t { prepared = 1, succeed = 2, failed = 3 };

// Which call of a branch a row stands for, as far as we make it ourselves.
enum class Operation : std::uint8_t { action = 1, compensate = 2, confirm = 3, cancel = 4, commit = 5, rollback = 6 };

// How branches are called where their url does not say it. A request that leaves it out is `unspecified`; a stored
// transaction never is.
enum class Protocol : std::uint8_t { unspecified = 0, http = 1, json_rpc = 2, grpc = 3 };

// What came of calling a branch.
//   success  it is done.
//   failure  the participant decided "no": roll back, never ask again.
//   ongoing  not decided yet: ask again after the retry interval, which does not grow.
//   unknown  no answer, or one that decides nothing (an error, a timeout): it may have run; retry with backoff.
enum class CallResult : std::uint8_t { success = 1, failure = 2, ongoing = 3, unknown = 4 };

// The protocol's own spelling of each value: "saga", "prepared", "action", "json-rpc".
std::string_view to_string(TransType type);
std::string_view to_string(GlobalStatus status);
std::string_view to_string(BranchStatus status);
std::string_view to_string(Operation operation);
std::string_view to_string(Protocol protocol);
std::string_view to_string(CallResult result);

// The value with that spelling (case matters); nothing where there is none.
std::optional<TransType> parse_trans_type(std::string_view text);
std::optional<GlobalStatus> parse_global_status(std::string_view text);
std::optional<BranchStatus> parse_branch_status(std::string_view text);
std::optional<Protocol> parse_protocol(std::string_view text);

constexpr bool is_final(GlobalStatus status) {
  return status == GlobalStatus::succeed || status == GlobalStatus::failed;
}

}  // namespace settle
