// Finds what is due in a shared store and nobody works on.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/runtime/owners.hpp"
#include "settle/clock.hpp"
#include "settle/engine.hpp"
#include "settle/executor.hpp"
#include "settle/random.hpp"
#include "settle/store.hpp"

namespace settle::runtime {

// Looks at every interval (spread, so that servers do not look all at once), and whenever it was told that something is
// due; takes no more than can be worked on. One claim brings many.
//
// Threads: expect(), poke(), look_until_empty(), added() and done() from any; everything else on the lane, which may
// block in the store.
class Claimer : public std::enable_shared_from_this<Claimer> {
 public:
  // So many at once are worked on at most of those that were claimed, and come with one claim at most.
  static constexpr std::size_t kActiveMax = 1'024;
  static constexpr std::size_t kBatchMax = 256;

  // Hands a claimed transaction to its shard.
  using Adopt = std::function<void(StoredTransaction transaction, const std::string& owner, const AskedLease& lease)>;

  Claimer(Store& store, Clock& clock, Executor& lane, Owners& owners, const EngineOptions& options,
          std::unique_ptr<Random> random, Adopt adopt, Log log);

  // Ends the leases of processes that are gone, if `process` can tell, and begins to look.
  void start(ProcessPort process);
  // Something of ours will be due then; steady clock.
  void expect(std::int64_t at_ms);
  // Something may be due now.
  void poke();
  // Looks at once, again and again until nothing is due.
  void look_until_empty(Task empty);
  // Claims nothing any more.
  void stop(Task stopped);

  // How many of those claimed are being worked on: one more by adoption, one less when its pass has ended.
  void done();

  std::uint64_t claimed() const { return claimed_.load(std::memory_order_relaxed); }

 private:
  // More times than this are not kept: looking at an interval finds the others.
  static constexpr std::size_t kExpectedMax = 4'096;
  static constexpr std::int64_t kExpectedStepMs = 100;

  void end_leases_of_gone(const ProcessPort& process);
  void look();
  bool claim();
  void arm();

  Store& store_;
  Clock& clock_;
  Executor& lane_;
  Owners& owners_;
  const std::int64_t interval_ms_;
  const std::int64_t lease_ms_;
  const std::unique_ptr<Random> random_;
  const Adopt adopt_;
  const Log log_;

  std::unique_ptr<Timer> timer_;
  std::int64_t next_look_ms_ = 0;    // steady clock
  std::set<std::int64_t> expected_;  // steady clock
  std::vector<Task> empty_waiters_;
  bool failing_ = false;
  bool stopped_ = false;

  std::atomic<std::size_t> active_ = 0;
  std::atomic<bool> wants_room_ = false;  // stopped for want of room: done() is to poke
  std::atomic<std::uint64_t> claimed_ = 0;
};

}  // namespace settle::runtime
