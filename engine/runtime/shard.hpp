// One event loop and the transactions that belong to it: the runtime that obeys the core.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "engine/runtime/claimer.hpp"
#include "engine/runtime/committer.hpp"
#include "engine/runtime/entry.hpp"
#include "engine/runtime/topic_book.hpp"
#include "settle/engine.hpp"

namespace settle::runtime {

// What all shards share.
struct Surroundings {
  Store& store;
  Clock& clock;
  std::vector<Executor*> readers;  // any of them may read
  EngineOptions options;
  core::Policy policy;
  const TopicBook& topics;
  Telemetry* telemetry = nullptr;
  std::function<void(Alert)> alert;
  Log log;
  LogLevel log_level = LogLevel::info;
  StoreTraits traits;
  // Only of a shared store.
  std::shared_ptr<Owners> owners;
  std::shared_ptr<Claimer> claimer;

  Executor& reader(const std::string& gid) const {
    return *readers[readers.size() == 1 ? 0 : std::hash<std::string>()(gid) / 7 % readers.size()];
  }
};

// A transaction is only ever touched by its shard, so nothing here is locked but the inbox. Everything that comes from
// outside (requests, replies of calls, outcomes of writes) goes through the inbox, also what comes from the shard's own
// thread: so nothing re-enters.
//
// Threads: post() and the counters from any; everything else on the shard's executor, adopt() before start().
class Shard : public std::enable_shared_from_this<Shard> {
 public:
  struct Counters {
    std::atomic<std::uint64_t> accepted = 0;
    std::atomic<std::uint64_t> succeeded = 0;
    std::atomic<std::uint64_t> failed = 0;
    std::atomic<std::uint64_t> calls = 0;
    std::atomic<std::size_t> active = 0;
    std::atomic<std::size_t> parked = 0;
    std::atomic<std::size_t> due = 0;
    std::atomic<std::size_t> calls_in_flight = 0;
    std::atomic<std::size_t> calls_waiting = 0;
    std::atomic<std::uint64_t> leases_lost = 0;
  };

  Shard(std::size_t index, std::size_t shard_count, Executor& executor,
        const std::vector<std::shared_ptr<Committer>>& committers, std::shared_ptr<const Surroundings> surroundings,
        std::unique_ptr<Random> random);

  ~Shard();

  // Takes over an unfinished transaction that was read at start.
  void adopt(StoredTransaction stored);
  void start(const std::vector<CallerPort>& callers);
  // Goes on with one that was claimed.
  void adopt_claimed(StoredTransaction stored, const std::string& owner, const AskedLease& lease);

  void post(Task task);
  void deliver(std::size_t lane, std::uint64_t epoch, std::vector<Committed> results);

  void create_or_update(std::unique_ptr<CreateRequest> request);
  void prepare_workflow(Definition definition, Completion<StoredTransaction> completion);
  void register_branch(std::string gid, TransType type, Registration registration, BranchStatus status,
                       Completion<Done> completion);
  void finish_workflow(std::string gid, core::Finished finished, Completion<Done> completion);
  void abort(std::string gid, std::optional<TransType> type, std::string reason, Completion<Done> completion);
  void force_stop(std::string gid, Completion<Done> completion);
  void make_due(std::string gid, Completion<Done> completion);
  std::size_t make_all_due(std::int64_t later_than_ms, std::size_t limit);
  void query(std::string gid, Completion<std::optional<StoredTransaction>> completion);
  void wait(std::string gid, Completion<GlobalStatus> completion);
  void watch(std::string gid, UniqueFunction<void(Result<GlobalStatus>)> observer);

  // Looks at the clock again; `settled` when nothing is due, in flight or being written.
  void when_settled(Task settled);

  // See Engine::stop. After `halted` the shard has no timer and no caller any more.
  void halt(std::int64_t drain_ms, Task halted);
  // The executors never run again: drops what is on its way and keeps the shard alive.
  void abandon();
  // After `halted`, or where the executors never run again: what still comes keeps the shard alive.
  void drop_inbox();

  const Counters& counters() const { return counters_; }

 private:
  // So many transactions at most, woken from the store by their time, are being processed at once.
  static constexpr std::size_t kWokenMax = 4096;
  // The committer is told of so many changes at a time, or of what there is when nothing else is to be done. With fewer
  // the two wake each other up for a handful of changes; with more one of them stands still.
  static constexpr std::size_t kPushedMax = 64;
  // Prepared transactions whose clients are likely to come back soon stay in memory, as long as all together weigh no
  // more than this: roughly, KiB.
  static constexpr std::size_t kWarmWeightMax = 4096;
  // Of those that are due, so many at most are counted.
  static constexpr std::size_t kDueCountMax = 10'000;
  static constexpr std::int64_t kDueCountPauseMs = 1'000;
  // Of a shared store: a claimed transaction whose time comes within this is held until then, another one let go.
  static constexpr std::int64_t kHeldWaitMsMax = 2'000;
  // How often a transaction is read that another server holds, and that somebody here waits for.
  static constexpr std::int64_t kFollowPauseMs = 200;
  // How often a request is decided anew where others change the transaction at the same time.
  static constexpr int kAskTriesMax = 8;
  // When a transaction that could not be read is tried again.
  static constexpr std::int64_t kReloadPauseMs = 10'000;
  // A gid that exists when it is created and does not when it is read: tried again so often.
  static constexpr int kCreateTriesMax = 3;

  struct Reply {
    std::shared_ptr<CallRecord> record;
    BranchReply reply;
  };
  struct Commits {
    std::size_t lane = 0;
    std::uint64_t epoch = 0;
    std::vector<Committed> results;
  };
  using Message = std::variant<Task, Reply, Commits>;
  using EntryPtr = std::shared_ptr<Entry>;

  // What the shard has to do with a committer.
  struct Lane {
    std::shared_ptr<Committer> committer;
    std::uint64_t epoch = 0;
    std::size_t pushed = 0;  // changes that it has, but is not told of yet
  };

  // -- the inbox
  void put(Message message);
  void drain();
  void after_drain();
  void tell_committers();
  bool store_is_broken() const;
  void on(Task& task) { task(); }
  void on(Reply& reply);
  void on(Commits& commits);
  void begin_epoch(std::size_t lane, std::uint64_t epoch);

  // -- transactions in memory
  EntryPtr add_entry(const std::string& gid, Entry::Mode mode);
  void find(const std::string& gid, Found found);
  void load(const EntryPtr& entry);
  void loaded(const EntryPtr& entry, Result<std::optional<StoredTransaction>> result,
              std::optional<GlobalStatus> purged);
  static StoredTransaction snapshot(const Entry& entry);
  void release_if_idle(const EntryPtr& entry);
  static bool is_idle(const Entry& entry);
  static std::size_t weight_of(const core::Transaction& transaction);
  void keep_warm(const EntryPtr& entry);
  void cool(const EntryPtr& entry);
  void park(const EntryPtr& entry);
  void park_until(const std::string& gid, const core::Transaction& transaction, std::int64_t retry_at_ms, Moment now);
  void forget(const EntryPtr& entry);
  void missing(const EntryPtr& entry, const Result<std::optional<StoredTransaction>>& result);

  // -- requests
  void create(std::unique_ptr<CreateRequest> request);
  void update(const EntryPtr& entry, std::unique_ptr<CreateRequest> request);
  void give_found(const EntryPtr& entry, std::unique_ptr<CreateRequest> request);
  void give_stored(const std::string& gid, std::unique_ptr<CreateRequest> request);
  void refuse_unless_known(std::unique_ptr<CreateRequest> request, Error error);
  void create_refused(const EntryPtr& entry, const Result<std::optional<StoredTransaction>>& result,
                      std::optional<GlobalStatus> purged);
  void update_existing(const EntryPtr& entry, Ask ask);
  void request_event(std::string gid, core::Event event, Completion<Done> completion);
  bool refuse_if_halting(Completion<Done>& completion) const;

  // -- going on
  void step(const EntryPtr& entry, const core::Event& event);
  void carry_out(const EntryPtr& entry, const core::Effects& effects);
  void end_pass(Entry& entry, const Result<Done>& answer);
  void push(const EntryPtr& entry, const core::Effects& effects);
  void notify(const EntryPtr& entry);
  void committed(const EntryPtr& entry, std::uint64_t sequence, const ChangeOutcome& outcome);
  void created(const EntryPtr& entry, std::unique_ptr<CreateRequest> request, core::Sequence sequence);
  void poison(const EntryPtr& entry, bool mistrusted);
  void revive_if_possible(const EntryPtr& entry);
  void fail_waiters(const EntryPtr& entry, const Error& error);

  // -- calls
  BranchView called(const Entry& entry, std::uint32_t row) const;
  void call_ended(const CallRecord& record, const BranchReply& reply);
  void raise_alert(const Entry& entry) const;
  void start_call(const EntryPtr& entry, core::Call call);
  void send(const std::shared_ptr<CallRecord>& record);
  bool revoke(const EntryPtr& entry, core::Call call);
  BranchCaller* caller_for(std::string_view url) const;

  // -- timers
  void set_timer(const EntryPtr& entry);
  void drop_timer(const EntryPtr& entry);
  void end_wake(const EntryPtr& entry);
  bool may_wake() const;
  void jitter(const EntryPtr& entry);
  void wake_due();
  void count_due();
  void wake(std::string gid, bool made_due);
  void arm_timer();
  bool quiet() const;
  static bool owns(const EntryPtr& entry) { return entry->listed; }

  // -- a shared store (shard_shared.cpp)
  // Told what is stored, until it says that it has seen what it waits for.
  using Follow = UniqueFunction<bool(Result<std::optional<StoredTransaction>>)>;
  bool shared() const { return around_.traits.shared; }
  void name_branches(const Entry& entry, const core::Effects& effects, Change& change) const;
  void set_hold(const EntryPtr& entry, const core::Effects& effects, Change& change);
  std::int64_t call_timeout_ms(const Definition& definition) const;
  void lease_written(Entry& entry, core::Sequence sequence);
  bool lease_covers(const Entry& entry) const;
  void wait_for_lease(const std::shared_ptr<CallRecord>& record);
  void renew(const EntryPtr& entry);
  void renew_all();
  bool take_back_waiting(Entry& entry, core::Call call);
  void let_go(const EntryPtr& entry);
  void release_held(const EntryPtr& entry);
  void reread(const EntryPtr& entry);
  static bool needs_hold(const core::Transaction& transaction, const core::Event& event);
  void hold_first(const EntryPtr& entry, Ask ask);
  void held(const EntryPtr& entry, Ask ask, const ClaimRequest& request, std::int64_t lease_until_ms,
            Result<ClaimedOne> result);
  void ask_again(const std::string& gid, const std::shared_ptr<Ask>& ask);
  void lose(const EntryPtr& entry);
  void forget_lost(const EntryPtr& entry);
  void follow(std::string gid, Follow done);
  void look_at(std::string gid, std::vector<Follow> waiters);
  void follow_pass(const std::string& gid, bool submits, Completion<Done> completion);
  void look_at_followed();
  void take_stored(const EntryPtr& entry, StoredTransaction stored);

  // -- the end
  void halt_all(bool force);
  void tear_down(Task halted);
  void drop_callers();

  bool logs(LogLevel level) const { return level >= around_.log_level; }

  const std::size_t index_;
  Executor& executor_;
  std::vector<Lane> lanes_;
  const std::shared_ptr<const Surroundings> surroundings_;
  const Surroundings& around_;
  const std::unique_ptr<Random> random_;
  const std::size_t active_max_;

  std::mutex inbox_mutex_;  // guards the three that follow
  std::vector<Message> inbox_;
  bool scheduled_ = false;
  bool abandoned_ = false;
  std::vector<Message> draining_;  // the executor's own; kept for its memory

  std::unordered_map<std::string_view, EntryPtr> entries_;  // by the gid of each
  std::unordered_map<std::string, Parked> parked_;
  std::list<EntryPtr> warm_;  // prepared and idle; the one used longest ago first
  std::size_t warm_weight_ = 0;
  TimerQueue live_timers_;    // of entries
  TimerQueue parked_timers_;  // of what is in parked_
  std::size_t woken_ = 0;     // entries that are marked so
  std::unique_ptr<Timer> timer_;
  std::int64_t armed_for_ms_ = core::kNever;
  std::int64_t due_count_again_at_ms_ = 0;

  CallGate gate_;
  std::vector<std::unique_ptr<BranchCaller>> callers_;
  std::vector<std::pair<std::string, BranchCaller*>> callers_by_scheme_;
  BranchCaller* caller_of_others_ = nullptr;  // of urls with other schemes, or none

  std::unordered_map<std::string, std::vector<Follow>> followed_;
  std::unique_ptr<Timer> follow_timer_;
  std::unique_ptr<Timer> renew_timer_;

  std::vector<Task> settle_waiters_;
  bool halting_ = false;
  bool closed_ = false;  // halted: what still comes is ignored
  Task halted_;
  std::unique_ptr<Timer> drain_timer_;

  Counters counters_;
};

}  // namespace settle::runtime
