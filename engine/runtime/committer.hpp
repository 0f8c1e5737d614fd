// Group commit: collects the changes of the shards, merges those of one gid, and applies them together.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "settle/engine.hpp"
#include "settle/executor.hpp"
#include "settle/store.hpp"

namespace settle::runtime {

class Committer;

// Whose changes they are: the same for all of one gid that are under way at once, which one committer has. When all
// have been delivered the next may go to another.
class ChangeOwner {
 private:
  friend class Committer;
  // Guarded by the committer's mutex.
  const Committer* committer_ = nullptr;  // that had its newest change
  std::uint64_t batch_ = 0;               // that its newest change waits in, at this place; an older one: none waits
  std::size_t place_ = 0;
  std::size_t held_place_ = SIZE_MAX;  // of the change that is held back; SIZE_MAX: none is
};

// What came of a change, or of the newest of several that were merged: those before it went the same way.
struct Committed {
  std::shared_ptr<ChangeOwner> owner;  // as given to push()
  std::uint64_t sequence = 0;
  ChangeOutcome outcome;
};

// While a group is being applied the next one collects, so a group is as large as the store is slow. Where a store says
// that it gathers, a lane gives up the processor some times before it takes a group, and as long as it grows: where
// processors are busy those run who bring more, where one is idle that takes some microseconds. Changes of one gid are
// applied in the order in which they were pushed.
//
// After a failed write everything that is pushed fails, too, until Store::repair succeeded; the repair is tried at
// once, and then with growing pauses. Then a new epoch begins: an empty delivery tells every shard its number. What a
// shard pushes before it has heard of it fails as well, since it may build on a change that was lost.
//
// A change that may wait is held back: most often the next one of its gid comes soon, and both are one write then.
//
// A store that wants several lanes gets a committer for each; who pushes chooses among them, see lane_of().
//
// Threads: push() from any. Everything else happens on the lane. Results come to `deliver` on the lane.
class Committer : public std::enable_shared_from_this<Committer> {
 public:
  // Called with everything of one shard that a group brought, and with an empty list when a new epoch has begun.
  using Deliver = std::function<void(std::size_t shard, std::uint64_t epoch, std::vector<Committed> results)>;

  static constexpr std::size_t kGroupMax = 1024;
  // With 64 clients on two cores that run the database, too, these take a fifth off the cost of a saga (docs/mysql.md).
  static constexpr int kYieldsMin = 16;
  static constexpr int kYieldsMax = 64;
  static constexpr std::int64_t kHoldMs = 20;
  static constexpr std::int64_t kRepairPauseMs = 100;
  static constexpr std::int64_t kRepairPauseMaxMs = 5'000;

  // For this many shards. `telemetry` may be null; it is told of every group, timed by the machine's own clock.
  Committer(Store& store, Executor& lane, std::size_t shards, Deliver deliver, Log log, Telemetry* telemetry = nullptr);

  enum class Haste : std::uint8_t {
    at_once,
    may_wait,  // for the next change of the gid to go with it, but not for longer than 2 * kHoldMs
  };

  // `epoch`: the newest that the shard has heard of; the first is 0. `owner`: not null.
  void push(std::size_t shard, std::uint64_t epoch, std::shared_ptr<ChangeOwner> owner, std::uint64_t sequence,
            Change&& change, Haste haste = Haste::at_once);
  // To be called behind every push, at once or when several have been made: now they may be applied.
  void pushed();

  // Whether writes fail at the moment.
  bool broken() const { return broken_.load(std::memory_order_relaxed); }

  // Runs `work` on the lane, between groups.
  void run_between(Task work);
  // Only inside of such work. A failure is one of the store: it is repaired as after a failed group.
  ChangeResult apply_key_value(const KeyValueChange& change);

  // The lane never runs again: drops what waits for it.
  void abandon();

  // Calls `done` on the lane when everything pushed before has been delivered, and no repair will be tried any more.
  void close(Task done);

  // Changes, without those that are held back.
  std::size_t waiting() const { return waiting_.load(std::memory_order_relaxed); }
  std::uint64_t groups() const { return groups_.load(std::memory_order_relaxed); }
  std::uint64_t changes() const { return changes_.load(std::memory_order_relaxed); }

 private:
  struct Ticket {
    std::size_t shard = 0;
    std::shared_ptr<ChangeOwner> owner;
    std::uint64_t sequence = 0;
    std::uint64_t epoch = 0;
  };
  // Changes and tickets go side by side, so that a group is a contiguous array of changes.
  struct Batch {
    std::vector<Change> changes;
    std::vector<Ticket> tickets;
  };

  // Held back, since that round of release_held().
  struct Held {
    Change change;
    Ticket ticket;
    std::uint64_t round = 0;
  };

  void add_pending(Ticket&& ticket, Change&& change);
  void release(Held& held);
  void time_held();
  void release_held();
  void release_all_held();
  void run();
  void gather() const;
  bool take();
  void apply();
  void apply_group(std::span<const Change> group, std::span<ChangeOutcome> outcomes);
  void break_down();
  void refuse_stale();
  void deliver(Batch& batch, const std::vector<ChangeOutcome>& outcomes);
  void try_repair();

  Store& store_;
  Executor& lane_;
  const std::size_t shards_;
  const bool names_branches_;
  const bool gathers_;
  const Deliver deliver_;
  const Log log_;
  Telemetry* const telemetry_;

  std::mutex mutex_;  // guards what comes next
  Batch pending_;
  std::uint64_t batch_ = 1;  // the number of pending_
  bool scheduled_ = false;
  std::vector<Held> held_;
  std::uint64_t round_ = 0;
  bool held_are_timed_ = false;

  // The lane's own. The two vectors of each are kept for their memory.
  Batch taken_;
  std::vector<ChangeOutcome> outcomes_;
  std::unique_ptr<Timer> hold_timer_;
  std::unique_ptr<Timer> repair_timer_;
  std::int64_t repair_pause_ms_ = kRepairPauseMs;
  bool closed_ = false;
  std::uint64_t epoch_ = 0;

  std::atomic<bool> broken_ = false;
  std::atomic<std::size_t> waiting_ = 0;
  std::atomic<std::uint64_t> groups_ = 0;
  std::atomic<std::uint64_t> changes_ = 0;
};

// Which of so many lanes, counted from 0, a change goes to while no other one of its gid is under way. Each lane gets
// changes of a kind: what creates, what leaves the status as it is, what changes it. Those of one kind come to the same
// few statements, and a statement costs a database about the same for one row as for ten.
std::size_t lane_of(const Change& change, std::size_t lanes);

}  // namespace settle::runtime
