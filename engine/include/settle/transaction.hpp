// A global transaction as values: what the client defined, and where it stands.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "settle/result.hpp"
#include "settle/types.hpp"

namespace settle {

inline constexpr std::size_t kGidLengthMax = 128;       // characters (code points), as DTM's column has it
inline constexpr std::size_t kReasonBytesMax = 1024;    // rollback_reason; longer ones are shortened with a mark
inline constexpr std::size_t kLastErrorBytesMax = 512;  // last_error
inline constexpr std::size_t kBranchesMax = 100'000;    // rows of one transaction
inline constexpr std::int64_t kSecondsMax = 100LL * 365 * 86'400;  // any option given in seconds

// What a client may ask for with a transaction. 0, empty and false mean "not set".
struct Options {
  bool wait_result = false;            // submit answers after the first pass
  std::int64_t timeout_to_fail_s = 0;  // saga: none unless set
  std::int64_t request_timeout_s = 0;  // of one branch call
  std::int64_t retry_interval_s = 0;   // the first, and after each success
  std::int64_t retry_limit = 0;        // saga: how often an action is tried again before the saga is rolled back
  std::map<std::string, std::string> branch_headers;  // sent with every call
  bool concurrent = false;  // as the client said it; saga takes its concurrency from custom_data
  bool operator==(const Options&) const = default;
};

// One row of a transaction: one call that may have to be made. Its place in the list is its number everywhere.
struct BranchDefinition {
  std::string branch_id;
  Operation operation = Operation::action;
  std::string url;            // empty: counts as a success without a call
  std::uint32_t payload = 0;  // index into Definition::payloads
  bool operator==(const BranchDefinition&) const = default;
};

// What the client defined. Written once, shared by reference, changed only where a submit of a prepared gid brings
// newer options.
// Saga: step i (from 0) owns row 2i, its compensation, and row 2i+1, its action; both carry the step's payload.
struct Definition {
  std::string gid;
  TransType type = TransType::saga;
  Protocol protocol = Protocol::http;
  Options options;
  std::string custom_data;     // as the client sent it
  std::string query_prepared;  // as the client sent it
  std::vector<BranchDefinition> branches;
  std::vector<std::string> payloads;
  // Parsed from custom_data. orders[i] lists the steps (from 0) that step i waits for; empty: none wait.
  bool concurrent = false;
  std::map<std::uint32_t, std::vector<std::uint32_t>> orders;
  std::int64_t create_time_ms = 0;  // wall clock; set by the engine when the transaction is accepted
  bool operator==(const Definition&) const = default;
};

// One step of a saga, as a client says it.
struct SagaStep {
  std::string action;
  std::string compensate;
  std::string payload;
};

// Appends the rows of these steps ("01", "02", …, "100", …) to the definition.
void append_saga_steps(Definition& definition, std::vector<SagaStep> steps);

// Checks everything that can be checked before a transaction is accepted: the gid (not empty, valid UTF-8, at most
// kGidLengthMax characters, no NUL), limits, no negative number, indices and cycles of `orders`. The message names the
// field. Code::invalid.
Result<Done> validate(const Definition& definition);

// `stored` with what `request` sets: protocol, options, custom_data (with concurrent and orders). Used where a prepared
// gid is submitted; the branches are the stored ones, so `orders` is checked against them: Code::invalid.
Result<Definition> merge(const Definition& stored, const Definition& request);

// Where one row stands.
struct BranchState {
  BranchStatus status = BranchStatus::prepared;
  bool started = false;             // a call of it may have been made
  std::uint32_t attempts = 0;       // calls in a row that came to ongoing or unknown
  std::int64_t finish_time_ms = 0;  // wall clock; 0: not finished
  bool operator==(const BranchState&) const = default;
};

// Where the whole stands. Small: its size depends neither on payloads nor on the number of branches.
struct State {
  GlobalStatus status = GlobalStatus::prepared;
  // The `started` marks are the whole truth: no other action was ever called when this was written, and none is called
  // before a newer state is durable. Otherwise more may have been started: see core/coverage.hpp.
  bool exact = false;
  bool parked = false;  // nothing was in flight and nothing is to be done before next_retry_time_ms
  std::int64_t update_time_ms = 0;
  std::int64_t finish_time_ms = 0;      // of success; 0: none
  std::int64_t rollback_time_ms = 0;    // of failure; 0: none
  std::int64_t retry_interval_ms = 0;   // `next_cron_interval`
  std::int64_t next_retry_time_ms = 0;  // `next_cron_time`, wall clock
  std::string rollback_reason;
  std::string last_error;               // of the newest call that came to unknown; empty after a success
  std::uint32_t last_error_branch = 0;  // its row
  bool operator==(const State&) const = default;
};

// A transaction as a store gives it back.
struct StoredTransaction {
  std::int64_t id = 0;  // given by the store when it was created; larger means later
  std::shared_ptr<const Definition> definition;
  State state;
  std::vector<BranchState> branches;  // as many as definition->branches
};

}  // namespace settle
