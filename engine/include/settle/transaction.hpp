// A global transaction as values: what the client defined, and where it stands.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "settle/result.hpp"
#include "settle/types.hpp"

namespace settle {

inline constexpr std::size_t kGidLengthMax = 128;        // characters (code points), as DTM's column has it
inline constexpr std::size_t kReasonBytesMax = 1024;     // rollback_reason; longer ones are shortened with a mark
inline constexpr std::size_t kLastErrorBytesMax = 512;   // last_error
inline constexpr std::size_t kBranchesMax = 100'000;     // rows of one transaction
inline constexpr std::size_t kBranchIdLengthMax = 128;   // characters
inline constexpr std::size_t kOperationLengthMax = 45;   // characters
inline constexpr std::size_t kTopicBranchesMax = 1'000;  // subscribers of one topic
inline constexpr std::int64_t kSecondsMax = 100LL * 365 * 86'400;  // any option given in seconds

// What a client may ask for with a transaction. 0, empty and false mean "not set".
struct Options {
  bool wait_result = false;            // submit answers after the first pass
  std::int64_t timeout_to_fail_s = 0;  // saga: of `submitted`, none unless set; others: of `prepared`, the engine's
  std::int64_t request_timeout_s = 0;  // of one branch call
  std::int64_t retry_interval_s = 0;   // the first, and after each success
  std::int64_t retry_limit = 0;        // saga: how often an action is tried again before the saga is rolled back
  std::map<std::string, std::string> branch_headers;  // sent with every call
  bool concurrent = false;  // as the client said it; saga takes its concurrency from custom_data
  bool operator==(const Options&) const = default;
};

// One row that is known when the transaction is created: one call that may have to be made.
struct BranchDefinition {
  std::string branch_id;
  Operation operation = Operation::action;
  std::string url;            // empty: counts as a success without a call
  std::uint32_t payload = 0;  // index into Definition::payloads
  bool operator==(const BranchDefinition&) const = default;
};

// What the client defined. Written once, shared by reference, changed only where a submit of a prepared gid brings
// newer options.
//   saga                step i (from 0) owns row 2i, its compensation, and row 2i+1, its action, with the same payload
//   msg                 row i is an action
//   tcc, xa, workflow   no rows: they are registered later
struct Definition {
  std::string gid;
  TransType type = TransType::saga;
  Protocol protocol = Protocol::unspecified;  // the engine makes it http when it creates the transaction
  Options options;
  std::string custom_data;     // as the client sent it
  std::string query_prepared;  // the url that tells what to do with a prepared msg or workflow; empty: a success
  std::vector<BranchDefinition> branches;
  std::vector<std::string> payloads;
  // Parsed from custom_data (msg: `concurrent` is the option). orders[i] lists the steps (from 0) that step i waits
  // for; empty: none wait.
  bool concurrent = false;
  std::map<std::uint32_t, std::vector<std::uint32_t>> orders;  // saga
  std::int64_t delay_s = 0;                                    // msg: no action before create_time_ms and this
  std::string callback_name;        // workflow: the operation that query_prepared is called with
  std::string callback_payload;     // workflow: and its payload
  std::int64_t create_time_ms = 0;  // wall clock; set by the engine when the transaction is accepted
  bool operator==(const Definition&) const = default;
};

// A branch that was registered while its transaction was prepared.
//   tcc       owns two rows: cancel (cancel_url), then confirm (url)
//   xa        owns two rows: rollback, then commit, both at `url`
//   workflow  owns one row, which is the result of a step that the client ran: `operation`, and payload, its data
struct Registration {
  std::string branch_id;
  std::string payload;
  std::string url;
  std::string cancel_url;
  std::string operation;
  bool operator==(const Registration&) const = default;
};

// How many rows each registration of this type owns; 0: none can be registered.
constexpr std::uint32_t rows_per_registration(TransType type) {
  return type == TransType::tcc || type == TransType::xa ? 2 : type == TransType::workflow ? 1 : 0;
}

// One row, wherever it comes from. Its texts live as long as the definition and the registrations that it was made of.
struct BranchView {
  std::string_view branch_id;
  std::string_view operation;
  std::string_view url;  // empty: nothing to call
  std::string_view payload;
};

// How many rows a transaction with so many registrations has.
std::size_t row_count(const Definition& definition, std::size_t registration_count);

// The row of that number: those of the definition come first, then those registered, in order.
BranchView branch_at(const Definition& definition, const std::vector<Registration>& registrations, std::size_t row);

// One step of a saga, as a client says it.
struct SagaStep {
  std::string action;
  std::string compensate;
  std::string payload;
};

// Appends the rows of these steps ("01", "02", …, "100", …) to the definition.
void append_saga_steps(Definition& definition, std::vector<SagaStep> steps);

// One action of a message, as a client says it. The url may be `topic://NAME`: see expand_topics.
struct MessageAction {
  std::string url;
  std::string payload;
};

// Appends the rows of these actions ("01", "02", …) to the definition.
void append_message_actions(Definition& definition, std::vector<MessageAction> actions);

// Checks everything that can be checked before a transaction is accepted: the gid (not empty, valid UTF-8, at most
// kGidLengthMax characters, no NUL), limits, no negative number, rows as the type has them, indices and cycles of
// `orders`. The message names the field. Code::invalid.
Result<Done> validate(const Definition& definition);

// The same for one that is to be registered: branch_id (not empty, UTF-8, at most kBranchIdLengthMax characters), the
// operation of a workflow's, a type that branches can be registered of (`unknow trans type: T`). Code::invalid.
Result<Done> validate(TransType type, const Registration& registration);

// `stored` with what `request` sets: protocol, options, custom_data (with what is parsed from it). Used where a
// prepared gid is submitted; the branches are the stored ones, so `orders` is checked against them: Code::invalid.
Result<Definition> merge(const Definition& stored, const Definition& request);

// Where one row stands.
struct BranchState {
  BranchStatus status = BranchStatus::prepared;
  bool started = false;             // a call of it may have been made
  std::uint32_t attempts = 0;       // calls in a row that came to ongoing or unknown
  std::int64_t finish_time_ms = 0;  // wall clock; 0: not finished
  bool operator==(const BranchState&) const = default;
};

// Stands for the call of query_prepared, which is no row.
inline constexpr std::uint32_t kQueryRow = UINT32_MAX;
inline constexpr std::string_view kQueryBranchId = "00";

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
  std::int64_t submit_time_ms = 0;      // wall clock, when it became `submitted`; 0: not yet
  std::string rollback_reason;
  std::string result;                   // workflow: what the client submitted with its final status
  std::string last_error;               // of the newest call that failed; empty after a success
  std::uint32_t last_error_branch = 0;  // its row, or kQueryRow
  std::uint32_t errors = 0;             // calls that failed since the newest success
  std::uint32_t query_attempts = 0;     // calls of query_prepared in a row that came to ongoing or an error
  bool operator==(const State&) const = default;
};

// The time of the next retry as clients are shown it. A tcc, xa or msg that waits for its client has its deadline
// there; it is shown the end of its first interval, like all others: a DTM server looks at it then, and finds nothing
// to do.
std::int64_t shown_retry_time_ms(const Definition& definition, const State& state);

// A transaction as a store gives it back.
struct StoredTransaction {
  std::int64_t id = 0;  // given by the store when it was created; larger means later
  std::shared_ptr<const Definition> definition;
  State state;
  std::vector<Registration> registrations;
  std::vector<BranchState> branches;  // one for each row
  std::string owner;                  // of a shared store: who holds it; empty: nobody

  BranchView branch(std::size_t row) const { return branch_at(*definition, registrations, row); }
};

}  // namespace settle
