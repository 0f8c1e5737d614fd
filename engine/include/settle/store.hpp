// Durable storage, as a port. Adapters: storage/memory, storage/rocksdb, storage/mysql.
//
// A store is one process's alone, or shared: then any number of engines work on it, each transaction is held by one of
// them at a time under a lease, and whoever does not hold it reads it anew each time (engine/runtime/lease.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "settle/function.hpp"
#include "settle/result.hpp"
#include "settle/transaction.hpp"

namespace settle {

// Branch states come to a store in aligned runs of this length, so that a write grows neither with the number of
// branches nor with the number of those that are done.
inline constexpr std::uint32_t kBranchRunLength = 32;

// The newest states of rows first, first+1, …; `first` is a multiple of kBranchRunLength. Holds every row of the run
// (the last one of a transaction may be short), changed or not.
struct BranchRun {
  std::uint32_t first = 0;
  std::vector<BranchState> branches;
};

// A row by its name. Stores that keep a row for each branch find it so.
struct NamedBranch {
  std::uint32_t row = 0;
  std::string branch_id;
  std::string operation;
  BranchState state;
};

// An owner is a text that no two holds of one transaction have in common, not even two of one process: a write that
// was decided on under an earlier hold finds another owner and is refused. All of ours begin so; DTM's do not.
inline constexpr std::string_view kOwnerPrefix = "settle:";

// One change of one transaction.
//
// On a shared store it also says who holds the transaction:
//   held_as   hold_as
//   X         Y or X     goes on being held, until lease_until_ms
//   X         empty      is released
//   empty     Y          becomes held, whoever held it before: where it is created, or leaves `prepared`
//   empty     empty      status changes: nobody holds it any more. Status stays: owner and a running lease stay, too
// While it is held, lease_until_ms is what is stored and shown as its next_retry_time_ms: every server takes what is
// past that. A lease is stored in the whole seconds that it covers, so it may end up to a second early, never later.
struct Change {
  std::string gid;
  // Create: refused (`exists`) where the gid is known, be it unfinished, finished or purged and remembered.
  // Otherwise: refused (`conflict`) unless the transaction is stored with expected_status.
  bool create = false;
  GlobalStatus expected_status = GlobalStatus::prepared;
  // Set when creating, and where the definition itself changed (same rows, other options).
  std::shared_ptr<const Definition> definition;
  // Of its definition, also where that is not set.
  TransType type = TransType::saga;
  std::int64_t create_time_ms = 0;
  State state;
  // New ones, stored behind the `first_registration` that are there already. What is stored before it is kept as it is.
  // A shared store has them behind all that are there, however many; refused (`conflict`) is one that is there itself.
  std::size_t first_registration = 0;
  std::vector<Registration> registrations;
  // When creating: every run that has a row that is not a default BranchState. Otherwise: every run with a changed row.
  // For a store that names_branches: every run with a row that is prepared, and either started or tried already.
  std::vector<BranchRun> runs;
  // For a store that names_branches: every row whose status was changed, newly registered ones included. When creating:
  // every row that is not prepared.
  std::vector<NamedBranch> named;
  // Of a shared store. held_as, unless empty: refused (`conflict`) where another owner is stored.
  std::string held_as;
  std::string hold_as;
  std::int64_t lease_until_ms = 0;  // wall clock; only with hold_as
};

enum class ChangeResult : std::uint8_t {
  applied,   // durable: a crash after apply() returned does not lose it
  exists,    // create only; nothing changed
  conflict,  // no such transaction, another status, or registrations that do not fit; nothing changed
  failed,    // the outcome is unknown: it may or may not come back after a restart. See Store::repair.
};

struct ChangeOutcome {
  ChangeResult result = ChangeResult::failed;
  std::int64_t id = 0;  // of the transaction created, where applied; of a shared store 0: only a read tells
};

// A small value beside the transactions: topics are kept so.
struct KeyValue {
  std::int64_t id = 0;  // given by the store
  std::int64_t create_time_ms = 0;
  std::int64_t update_time_ms = 0;
  std::string category;
  std::string key;
  std::string value;
  std::int64_t version = 0;  // 1 when it was created, one more with each change
  bool operator==(const KeyValue&) const = default;
};

struct KeyValueChange {
  std::string category;
  std::string key;
  std::optional<std::string> value;   // nothing: remove it
  std::int64_t expected_version = 0;  // refused (`conflict`) unless stored with it; 0: unless there is none
  std::int64_t now_ms = 0;            // becomes its create_time_ms or update_time_ms
};

struct KeyValuePage {
  std::vector<KeyValue> values;  // newest first
  std::string next_position;     // empty: this was the last page
};

// What a listing asks for. Unset members do not restrict.
struct ScanFilter {
  std::optional<GlobalStatus> status;
  std::optional<TransType> type;
  std::int64_t create_time_ms_min = 0;          // inclusive
  std::int64_t create_time_ms_max = INT64_MAX;  // inclusive
};

struct ScanPage {
  std::vector<StoredTransaction> transactions;  // newest first; `branches` and `registrations` are left empty
  std::string next_position;                    // empty: this was the last page
};

struct PurgeResult {
  std::size_t purged = 0;     // finished transactions removed and remembered as (gid, status)
  std::size_t forgotten = 0;  // of those remembered, removed for good
  bool more = false;          // stopped at the limit: call again
};

// What a committer and its metrics may know of an adapter.
struct StoreTraits {
  std::string name;             // "memory", "rocksdb"
  bool durable = false;         // a crash of the machine loses nothing that was applied
  std::string place;            // the folder or the address, for logs
  bool shared = false;          // other processes may work on the same transactions: see Change, and claim() below
  bool names_branches = false;  // see Change::runs and Change::named
  std::size_t lanes = 1;        // so many threads may be in apply() at once
  bool gathers = false;         // a group costs much by itself: let others run first who may be about to add to it
  std::size_t readers = 1;      // so many reads at once are worth while
};

// Taking over what nobody works on.
struct ClaimRequest {
  std::string owner;                // kOwnerPrefix and more; of this claim alone
  std::int64_t now_ms = 0;          // wall clock
  std::int64_t lease_until_ms = 0;  // wall clock
};

struct Claimed {
  // Each as stored before it was claimed: `parked` where nobody held it, with its next_retry_time_ms; otherwise whoever
  // held it let the lease run out.
  std::vector<StoredTransaction> transactions;
  bool more = false;  // the limit was reached: ask again
};

enum class ClaimResult : std::uint8_t {
  claimed,
  busy,    // somebody else works on it
  absent,  // there is none, or it is finished
};

struct ClaimedOne {
  ClaimResult result = ClaimResult::absent;
  std::optional<StoredTransaction> transaction;  // claimed: as in Claimed
};

// Threads: apply() comes from at most traits().lanes threads at a time, and never for one gid from two; repair() from
// the same, but at any time; apply_key_value() from one thread at a time; the others may come from any thread, at the
// same time as anything. All but traits() and check() block; none may throw. Every read sees all changes whose apply()
// has returned.
class Store {
 public:
  virtual ~Store() = default;
  virtual StoreTraits traits() const = 0;

  // Whether it could be stored at all. Otherwise Code::invalid, naming the field and the limit; it is refused then,
  // and nothing of it is stored.
  virtual Result<Done> check(const Definition&) const { return Done{}; }
  virtual Result<Done> check(const Registration&) const { return Done{}; }
  virtual Result<Done> check(const KeyValueChange&) const { return Done{}; }
  virtual Result<Done> check_result(const std::string& /*workflow_result*/) const { return Done{}; }

  // Applies a group, made durable together. Each change succeeds or is refused on its own and whole; no gid comes twice
  // in one group. outcomes has the group's size. On an IO error every outcome that is not certain is `failed`; after
  // that every apply() of this lane fails until repair() succeeded.
  virtual void apply(std::span<const Change> group, std::span<ChangeOutcome> outcomes) = 0;

  // One change of a key-value, durable when it returns `applied`. `conflict`: another version, or what is stored is
  // damaged; nothing changed. Removing what is not there is `applied`. `failed` as for apply(); it comes from the same
  // thread.
  virtual ChangeResult apply_key_value(const KeyValueChange& change) = 0;

  // Brings the store into a known state after a `failed`: when it returns Done, what reads show is durable, and
  // nothing that they do not show will ever come back. Otherwise says why not yet; may be called again. Reads work
  // meanwhile (they may wait for it).
  virtual Result<Done> repair() = 0;

  // The transaction, or nothing. A damaged value is an Error that names the key.
  virtual Result<std::optional<StoredTransaction>> load(const std::string& gid) = 0;

  // The final status of a gid that was purged and is remembered.
  virtual Result<std::optional<GlobalStatus>> purged_status(const std::string& gid) = 0;

  // At most `limit` (1 or more) that match, newest first, from `position` (empty: the newest) on. Right while others
  // are added: none is shown twice or left out that existed all the time. A position that this store did not give:
  // Code::invalid.
  virtual Result<ScanPage> scan(const ScanFilter& filter, const std::string& position, std::size_t limit) = 0;

  virtual Result<std::optional<KeyValue>> load_key_value(const std::string& category, const std::string& key) = 0;

  // Of one category (empty: of all), as scan().
  virtual Result<KeyValuePage> scan_key_values(const std::string& category, const std::string& position,
                                               std::size_t limit) = 0;

  // Calls `visit` for every unfinished transaction, oldest first, without reading finished ones. Ends early where it
  // returns false. A damaged one is reported to `damaged` by an Error that names its key, and the others go on.
  virtual Result<Done> visit_unfinished(UniqueFunction<bool(StoredTransaction)> visit,
                                        UniqueFunction<void(Error)> damaged) = 0;

  // Removes transactions that finished before finished_before_ms, at most `limit`, and remembers their gid and status;
  // forgets what was remembered before forgotten_before_ms. Never touches an unfinished one. Times: wall clock;
  // `now_ms` becomes the time from which those purged now are remembered.
  virtual Result<PurgeResult> purge(std::int64_t finished_before_ms, std::int64_t forgotten_before_ms,
                                    std::int64_t now_ms, std::size_t limit) = 0;

  // ---- shared stores only -------------------------------------------------------------------------------------------

  // Takes at most `limit` unfinished transactions whose next_retry_time_ms has come, those due longest first, and reads
  // them. Nothing is claimed until that is durable; two engines never claim the same. A damaged one is reported by an
  // Error that names its key, and is put off by a minute.
  virtual Result<Claimed> claim(const ClaimRequest& /*request*/, std::size_t /*limit*/,
                                UniqueFunction<void(Error)> /*damaged*/) {
    return not_shared();
  }

  // Takes this one, whether it is due or not, unless somebody works on it: an owner of ours whose lease runs, or a DTM
  // server that touched it within the last ten seconds.
  virtual Result<ClaimedOne> claim_one(const std::string& /*gid*/, const ClaimRequest& /*request*/) {
    return not_shared();
  }

  // Makes due now at most `limit` of those unfinished that nobody works on and that are due after later_than_ms. A
  // prepared one only where it is a msg or workflow that is due within its retry interval: all others wait for their
  // client and would be put back. How many; `limit` of them: there may be others.
  virtual Result<std::size_t> make_due(std::int64_t /*later_than_ms*/, std::int64_t /*now_ms*/, std::size_t /*limit*/) {
    return not_shared();
  }

  // Ends the leases of all unfinished transactions whose owner, one of ours, is_gone. How many.
  virtual Result<std::size_t> end_leases(const std::function<bool(const std::string& owner)>& /*is_gone*/,
                                         std::int64_t /*now_ms*/) {
    return not_shared();
  }

 private:
  static Error not_shared() { return {Code::internal, "this store is not shared"}; }
};

}  // namespace settle
