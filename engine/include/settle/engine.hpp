// The coordinator. One Engine runs all transactions of one store.
//
//   auto store = settle::make_memory_store();
//   settle::LocalBranches branches;
//   branches.add("reserve", [](const settle::BranchCall&, settle::BranchCompletion done) { done({…}); });
//   settle::Ports ports{.store = *store, .callers = {branches.port()}};
//   auto engine = settle::Engine::open(std::move(ports), {}).value();
//   engine->submit(definition, [](settle::Result<settle::Done> answer) { … });
//
// examples/embedded.cpp is the whole of it.
//
// Threads: every member may be called from any thread, and none blocks, except open() and the destructor. A completion
// is invoked exactly once, on the executor of the shard that owns the gid; it must not block. It may call the engine.
// Durability: an answer, a refusal as well as a success, is given only when the state that it was derived from is
// durable.
// Lifetime: the ports must outlive the engine. The destructor stops it and waits for that, where an executor is the
// engine's own. Where all are the caller's, stop() must have completed, or they never run again (a simulated crash).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "settle/branch_caller.hpp"
#include "settle/clock.hpp"
#include "settle/executor.hpp"
#include "settle/function.hpp"
#include "settle/process.hpp"
#include "settle/random.hpp"
#include "settle/result.hpp"
#include "settle/store.hpp"
#include "settle/telemetry.hpp"
#include "settle/topics.hpp"
#include "settle/transaction.hpp"

namespace settle {

template <class T>
using Completion = UniqueFunction<void(Result<T>)>;

struct EngineOptions {
  std::int64_t retry_interval_ms = 10'000;         // the first retry, where the transaction does not say
  std::int64_t retry_interval_max_ms = 3'600'000;  // backoff stops growing here
  double retry_jitter_max = 0.1;                   // a retry is delayed by up to this part of its interval
  std::int64_t request_timeout_ms = 3'000;         // of one branch call, where the transaction does not say
  std::int64_t timeout_to_fail_ms = 35'000;        // of a prepared tcc, xa or msg that does not say
  std::uint32_t alert_retry_limit = 3;             // errors in a row from which on each is told to Ports::alert
  std::size_t active_max = 100'000;  // transactions being worked on at once; beyond it submit is Code::overloaded
  std::size_t calls_per_target_max = 1'024;      // calls at once to one address (scheme, host and port); others queue
  std::int64_t finished_expire_ms = 86'400'000;  // finished transactions are purged after this; 0: never
  std::int64_t purged_expire_ms = 604'800'000;   // a purged gid is remembered for this long
  std::int64_t purge_interval_ms = 60'000;
  // Whether the next step of a saga, or the next confirm, may start before the success of the one before is durable.
  // false: slower, but a DTM server may work on the same store.
  bool run_ahead = true;
  // Of a shared store (store.hpp):
  std::int64_t lease_ms = 15'000;           // of a transaction being worked on; renewed in time
  std::int64_t claim_interval_ms = 3'000;   // how often is looked for what is due and nobody works on
  std::int64_t topics_interval_ms = 3'000;  // how often topics are read that other servers may have changed
};

// Makes the callers of one family of urls, one for each shard.
struct CallerPort {
  std::vector<std::string> schemes;  // of the urls it calls: {"http", "https"}, {"local"}; none: all other urls
  std::function<std::unique_ptr<BranchCaller>(Executor& shard)> make;
};

enum class LogLevel : std::uint8_t { debug, info, warn, error };
// May be called from any thread; must not block for long nor throw. gid is empty where it is not about one transaction.
using Log = std::function<void(LogLevel level, std::string_view gid, std::string_view message)>;

struct Ports {
  Store& store;
  std::vector<CallerPort> callers;
  // All of these may be left out: the engine then has its own (threads, the machine's clock, the system's randomness).
  // The simulator gives one executor for everything.
  Clock* clock = nullptr;
  std::vector<Executor*> shards;  // one event loop each; a gid belongs to one of them. Left out: one thread
  Executor* committer = nullptr;  // may block in Store::apply
  Executor* reader = nullptr;     // may block in the store's reads
  std::function<std::unique_ptr<Random>()> make_random;
  ProcessPort process;               // left out: what ended processes held on a shared store waits for their leases
  Telemetry* telemetry = nullptr;    // none: nobody wants to know
  std::function<void(Alert)> alert;  // called by the shards; must not block or throw
  Log log;
  LogLevel log_level = LogLevel::info;  // lines below this level are not even made
};

struct MadeDue {
  std::size_t count = 0;
  bool remaining = false;  // as many as were asked for: there may be others
};

struct EngineStatistics {
  std::uint64_t accepted = 0;   // transactions created, by prepare or by submit
  std::uint64_t succeeded = 0;  // final `succeed`
  std::uint64_t failed = 0;     // final `failed`
  std::uint64_t calls = 0;      // branch calls started
  std::uint64_t groups = 0;     // Store::apply calls
  std::uint64_t changes = 0;    // changes in them, after merging
  std::size_t active = 0;       // transactions being worked on now
  std::size_t parked = 0;       // waiting for a time
  std::size_t due = 0;          // of those, the ones whose time has come
  std::size_t calls_in_flight = 0;
  std::size_t calls_waiting = 0;    // for a place, see EngineOptions::calls_per_target_max
  std::size_t changes_waiting = 0;  // for the store
  bool store_broken = false;        // writes fail at the moment
  std::uint64_t claimed = 0;        // of a shared store: taken up since they were due
  std::uint64_t leases_lost = 0;    // of a shared store: another server took it over
};

class Engine {
 public:
  // Reads what is unfinished in the store and goes on with it: what was in flight at once, what was parked at its time.
  // On a shared store it takes up what is due and no other engine holds, from now on.
  // Blocks until all of that is known (not until it is done). Fails where the store cannot be read.
  static Result<std::unique_ptr<Engine>> open(Ports ports, EngineOptions options);
  virtual ~Engine() = default;

  // Accepts a new transaction, or submits the prepared one of that gid, and starts it. Answers when that is durable,
  // or, with options.wait_result, when the first pass has ended (protocol.md §6). Of a gid that is `submitted` already:
  // success, and it is processed again at once, its retry interval as at first. Otherwise Code::failure `current status
  // 'X', cannot sumbmit. FAILURE`. Another trans_type than the stored one, where the status allows it: Code::conflict.
  // Anything that validate() refuses, and a workflow, which is submitted by finish_workflow: Code::invalid. A message
  // to a topic that nobody subscribed to: Code::not_found. Nothing is changed then.
  virtual void submit(Definition definition, Completion<Done> completion) = 0;

  // Stores it as `prepared` without starting anything. `prepared` already: success, the stored one stays. Otherwise
  // Code::failure `current status 'X', cannot prepare. FAILURE`. The rest as submit().
  virtual void prepare(Definition definition, Completion<Done> completion) = 0;

  // Stores a workflow as `prepared`, or finds it, in whatever status; gives it with the results registered so far. One
  // without custom_data cannot be called back: each attempt is an error.
  virtual void prepare_workflow(Definition definition, Completion<StoredTransaction> completion) = 0;

  // Adds a branch to a prepared tcc, xa or workflow; `status` is the result of a workflow's step, and `prepared` for
  // the others. None prepared under this gid: Code::failure `no trans with gid: G status: prepared found FAILURE`.
  // Another type than that of the prepared one, or a row (branch_id, operation) that is there already: Code::conflict.
  // What validate() refuses: Code::invalid, before the transaction is looked for.
  virtual void register_branch(std::string gid, TransType type, Registration registration, BranchStatus status,
                               Completion<Done> completion) = 0;

  // Gives a prepared workflow the final status that its client came to. Any other, an unfinal `status`, and another
  // type: Code::conflict.
  virtual void finish_workflow(std::string gid, GlobalStatus status, std::string rollback_reason, std::string result,
                               Completion<Done> completion) = 0;

  // Asks for a rollback. A prepared msg becomes `failed`. A prepared or aborting tcc or xa becomes `aborting`, with
  // this reason unless it is empty, and its cancels or rollbacks are called; where it was prepared with wait_result the
  // answer comes when the first pass has ended. Otherwise Code::failure `trans type: 'T' current status 'X', cannot
  // abort. FAILURE`. Another `type` than the stored one, and none for a tcc or xa: Code::conflict. Unknown gid:
  // Code::not_found, here and below.
  virtual void abort(std::string gid, std::optional<TransType> type, std::string reason,
                     Completion<Done> completion) = 0;

  // Ends an unfinished transaction as `failed` without calling any branch. After the answer no call of it starts; those
  // in flight are ignored; whoever waits for it gets Code::failure. Finished already: Code::failure.
  virtual void force_stop(std::string gid, Completion<Done> completion) = 0;

  // Makes it due now. Being worked on: once more after this pass; by another server: nothing is to be done. Finished:
  // success; only next_retry_time_ms changes.
  virtual void make_due(std::string gid, Completion<Done> completion) = 0;

  // Makes due now at most `limit` of the parked ones whose next retry, as it is shown, is more than later_than_ms away.
  // Those that wait for their client are not hurried by it, and not counted a second time; on a shared store they are
  // left out.
  virtual void make_all_due(std::int64_t later_than_ms, std::size_t limit, Completion<MadeDue> completion) = 0;

  // The transaction, or nothing where there is none. Branch states may be ahead of the disk, the global status never.
  virtual void query(std::string gid, Completion<std::optional<StoredTransaction>> completion) = 0;

  // See Store::scan.
  virtual void list(ScanFilter filter, std::string position, std::size_t limit, Completion<ScanPage> completion) = 0;

  // Topics. Empty names and urls: Code::invalid (`empty topic`, `empty url`). A url that has subscribed already:
  // Code::conflict (`this url exists`). No such topic, or not this url: Code::not_found (`no such a topic`, `no such an
  // url`, `this topic is empty`). Changed by another at the same time: Code::conflict. Messages created after the
  // answer go by it.
  virtual void subscribe(std::string topic, std::string url, std::string remark, Completion<Done> completion) = 0;
  virtual void unsubscribe(std::string topic, std::string url, Completion<Done> completion) = 0;
  virtual void delete_topic(std::string topic, Completion<Done> completion) = 0;

  // See Store::load_key_value and Store::scan_key_values.
  virtual void query_key_value(std::string category, std::string key,
                               Completion<std::optional<KeyValue>> completion) = 0;
  virtual void list_key_values(std::string category, std::string position, std::size_t limit,
                               Completion<KeyValuePage> completion) = 0;

  // Answers with the final status once there is one. Code::unavailable where the engine stops first. On a shared store
  // up to a fifth of a second later, here and in watch().
  virtual void wait(std::string gid, Completion<GlobalStatus> completion) = 0;

  // Tells the status it has now and then each new one, when it is durable, up to the final one or an error, which is
  // the last. `observer` is invoked like a completion, but more than once.
  virtual void watch(std::string gid, UniqueFunction<void(Result<GlobalStatus>)> observer) = 0;

  // A fresh gid: 22 url-safe characters, unique over engines and restarts.
  virtual std::string new_gid() = 0;

  // To be called after a TestClock was advanced: looks at all timers again. Completes when everything that is due has
  // settled: no call is in flight, no write is under way, nothing is due.
  virtual void clock_advanced(UniqueFunction<void()> settled) = 0;

  // Stops gracefully: new requests get Code::unavailable, no new call starts, calls in flight may end within drain_ms;
  // then every transaction is parked with the exact set of its started steps, waiters get Code::unavailable. On a
  // shared store those with a call still out are left to their lease instead. Completes when that is durable. A second
  // stop() completes with the first.
  virtual void stop(std::int64_t drain_ms, UniqueFunction<void()> stopped) = 0;

  virtual EngineStatistics statistics() const = 0;
};

}  // namespace settle
