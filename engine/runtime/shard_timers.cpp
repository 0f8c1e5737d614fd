// When transactions are woken, and how many at once.
#include <algorithm>
#include <utility>

#include "engine/runtime/shard.hpp"

namespace settle::runtime {

void Shard::set_timer(const EntryPtr& entry) {
  const core::Transaction& transaction = entry->transaction;
  const bool holds = !shared() || !entry->owner.empty();
  const bool runs = !halting_ && entry->mode == Entry::Mode::live && holds && owns(entry);
  const std::int64_t at_ms = runs ? std::min(entry->retry_at_ms, transaction.timeout_at_ms) : core::kNever;
  if (entry->timer && entry->timer->first == at_ms) return;
  drop_timer(entry);
  if (at_ms != core::kNever) entry->timer = live_timers_.add(at_ms, entry->gid);
}

// Retries that became due together are spread; timeouts and first calls of query_prepared are not.
void Shard::jitter(const EntryPtr& entry) {
  entry->retry_at_ms = entry->exact_retry_at_ms = entry->transaction.retry_at_ms;
  const auto spread_ms = static_cast<std::uint64_t>(static_cast<double>(entry->transaction.state.retry_interval_ms) *
                                                    around_.options.retry_jitter_max);
  if (entry->retry_at_ms == core::kNever || spread_ms == 0) return;
  const State& state = entry->transaction.state;
  if (state.status == GlobalStatus::prepared && state.query_attempts == 0) return;
  entry->retry_at_ms += static_cast<std::int64_t>(random_->next() % (spread_ms + 1));
}

void Shard::drop_timer(const EntryPtr& entry) {
  if (entry->timer) live_timers_.remove(*std::exchange(entry->timer, std::nullopt));
}

void Shard::end_wake(const EntryPtr& entry) {
  if (!std::exchange(entry->woken, false)) return;
  --woken_;
  if (around_.claimer) around_.claimer->done();
}

// After an outage everything is due together: no more of it comes into memory than is worked on at once.
bool Shard::may_wake() const { return woken_ < std::min(active_max_, kWokenMax); }

void Shard::wake_due() {
  if (halting_ || (live_timers_.empty() && parked_timers_.empty())) return;
  const std::int64_t now_ms = around_.clock.now().steady_ms;
  while (!live_timers_.empty() && live_timers_.first_ms() <= now_ms) wake(live_timers_.first_gid(), false);
  while (!parked_timers_.empty() && parked_timers_.first_ms() <= now_ms && may_wake()) {
    wake(parked_timers_.first_gid(), false);
  }
  count_due();
}

// Those whose time has come, but that must wait for others.
void Shard::count_due() {
  const std::int64_t now_ms = around_.clock.now().steady_ms;
  const bool none = parked_timers_.empty() || parked_timers_.first_ms() > now_ms;
  if (!none && now_ms < due_count_again_at_ms_) return;
  counters_.due.store(none ? 0 : parked_timers_.count_until(now_ms, kDueCountMax), std::memory_order_relaxed);
  due_count_again_at_ms_ = none ? 0 : now_ms + kDueCountPauseMs;
}

// By value: the caller's text may be that of the timer which goes here.
void Shard::wake(std::string gid, bool made_due) {
  const auto entry = entries_.find(gid);
  const bool in_memory = entry != entries_.end();
  if (const auto parked = parked_.find(gid); parked != parked_.end()) {
    // Its own times go with it; loaded() takes them over, and this timer must not fire again before that.
    parked_timers_.remove(parked->second.timer);
    parked->second.timer = parked_timers_.add(core::kNever, parked->first);
  } else if (in_memory) {
    drop_timer(entry->second);
  }
  find(gid, [this, made_due](Result<EntryPtr> found) {
    if (!found || !found.value()) return;
    const EntryPtr& woken = found.value();
    if (made_due) {
      step(woken, core::MadeDue{});
      return;
    }
    const std::int64_t now_ms = around_.clock.now().steady_ms;
    step(woken, core::Woken{woken->retry_at_ms <= now_ms, woken->transaction.timeout_at_ms <= now_ms});
  });
  if (in_memory) return;
  if (const auto loading = entries_.find(gid); loading != entries_.end()) {
    loading->second->woken = true;
    ++woken_;
  }
}

void Shard::arm_timer() {
  std::int64_t first_ms = core::kNever;
  if (!halting_ && !live_timers_.empty()) first_ms = live_timers_.first_ms();
  if (!halting_ && !parked_timers_.empty() && may_wake()) first_ms = std::min(first_ms, parked_timers_.first_ms());
  if (first_ms == armed_for_ms_) return;
  armed_for_ms_ = first_ms;
  if (first_ms == core::kNever) {
    timer_->disarm();
  } else {
    timer_->arm(std::max<std::int64_t>(0, first_ms - around_.clock.now().steady_ms));
  }
}

bool Shard::quiet() const {
  const std::int64_t now_ms = around_.clock.now().steady_ms;
  const auto due = [now_ms](const TimerQueue& timers) { return !timers.empty() && timers.first_ms() <= now_ms; };
  if (!halting_ && (due(live_timers_) || due(parked_timers_))) return false;
  return std::all_of(entries_.begin(), entries_.end(), [](const auto& known) {
    const Entry& entry = *known.second;
    return entry.mode == Entry::Mode::poisoned || entry.mode == Entry::Mode::lost ||
           (entry.mode == Entry::Mode::live && (!entry.transaction.in_pass || entry.left_to_lease) &&
            entry.transaction.settled());
  });
}

void Shard::when_settled(Task settled) {
  armed_for_ms_ = core::kNever;  // the clock moved, so the timer is armed for the wrong time
  settle_waiters_.push_back(std::move(settled));
}

}  // namespace settle::runtime
