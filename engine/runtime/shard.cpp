#include "engine/runtime/shard.hpp"

#include <algorithm>

#include "engine/core/plants.hpp"

namespace settle::runtime {

Shard::Shard(std::size_t index, std::size_t shard_count, Executor& executor,
             const std::vector<std::shared_ptr<Committer>>& committers,
             std::shared_ptr<const Surroundings> surroundings, std::unique_ptr<Random> random)
    : index_(index),
      executor_(executor),
      surroundings_(std::move(surroundings)),
      around_(*surroundings_),
      random_(std::move(random)),
      active_max_(std::max<std::size_t>(1, around_.options.active_max / shard_count)),
      gate_(std::max<std::size_t>(1, around_.options.calls_per_target_max / shard_count)) {
  for (const auto& committer : committers) lanes_.push_back({committer});
}

Shard::~Shard() {
  for (const auto& [gid, entry] : entries_) {
    entry->calls.clear();
    entry->for_lease.clear();
  }
}

// ---- the inbox -----------------------------------------------------------------------------------------------------

void Shard::post(Task task) { put(std::move(task)); }

void Shard::deliver(std::size_t lane, std::uint64_t epoch, std::vector<Committed> results) {
  put(Commits{lane, epoch, std::move(results)});
}

void Shard::put(Message message) {
  bool schedule = false;
  {
    const std::lock_guard lock(inbox_mutex_);
    if (abandoned_) return;
    inbox_.push_back(std::move(message));
    schedule = !std::exchange(scheduled_, true);
  }
  if (schedule) executor_.post([self = shared_from_this()] { self->drain(); });
}

void Shard::drain() {
  {
    const std::lock_guard lock(inbox_mutex_);
    draining_.swap(inbox_);
    scheduled_ = false;
  }
  for (Message& message : draining_) {
    std::visit([this](auto& content) { on(content); }, message);
  }
  draining_.clear();
  after_drain();
}

void Shard::tell_committers() {
  for (Lane& lane : lanes_) {
    if (std::exchange(lane.pushed, 0) > 0) lane.committer->pushed();
  }
}

bool Shard::store_is_broken() const {
  return std::any_of(lanes_.begin(), lanes_.end(), [](const Lane& lane) { return lane.committer->broken(); });
}

void Shard::after_drain() {
  if (timer_) {
    wake_due();
    arm_timer();
  }
  tell_committers();
  counters_.active.store(entries_.size() - warm_.size(), std::memory_order_relaxed);
  counters_.parked.store(parked_.size() + warm_.size(), std::memory_order_relaxed);
  counters_.calls_waiting.store(gate_.waiting(), std::memory_order_relaxed);
  if (!settle_waiters_.empty() && quiet()) {
    for (Task& settled : std::exchange(settle_waiters_, {})) settled();
  }
  if (halted_ && quiet()) {
    // Not at once: this may run inside one of the timers that end with it.
    post([this, halted = std::exchange(halted_, {})]() mutable { tear_down(std::move(halted)); });
  }
}

void Shard::on(Reply& reply) {
  if (closed_) return;
  const EntryPtr entry = reply.record->entry;
  --entry->calls_out;
  std::erase(entry->calls, reply.record);
  gate_.release(reply.record->place);
  counters_.calls_in_flight.fetch_sub(1, std::memory_order_relaxed);
  if (entry->mode == Entry::Mode::poisoned) {
    revive_if_possible(entry);
    return;
  }
  if (entry->mode == Entry::Mode::lost) {
    forget_lost(entry);
    return;
  }
  if (entry->mode != Entry::Mode::live || !owns(entry)) return;  // it went on without this answer
  call_ended(*reply.record, reply.reply);
  step(entry, core::Replied{reply.record->call, reply.reply.result, std::move(reply.reply.text)});
}

void Shard::on(Commits& commits) {
  if (closed_) return;
  if (commits.results.empty()) {
    begin_epoch(commits.lane, commits.epoch);
    return;
  }
  for (const Committed& result : commits.results) {
    committed(std::static_pointer_cast<Entry>(result.owner), result.sequence, result.outcome);
  }
}

// The store was repaired. Whatever is still under way in that lane was pushed before this was known, so it fails:
// nothing may be built upon it.
void Shard::begin_epoch(std::size_t lane, std::uint64_t epoch) {
  lanes_[lane].epoch = epoch;
  std::vector<EntryPtr> known;
  for (const auto& [gid, entry] : entries_) known.push_back(entry);
  for (const EntryPtr& entry : known) {
    const bool lives = entry->mode == Entry::Mode::live || entry->mode == Entry::Mode::creating;
    if (lives && entry->lane == lane && entry->returned < entry->transaction.written) poison(entry, false);
    if (!planted(Plant::lost_wakeup)) revive_if_possible(entry);
  }
}

// ---- transactions in memory -------------------------------------------------------------------------------------

void Shard::adopt(StoredTransaction stored) {
  const std::string gid = stored.definition->gid;
  const Moment now = around_.clock.now();
  const core::Transaction transaction = core::resume(std::move(stored), now, around_.policy);
  if (!parked_.contains(gid)) park_until(gid, transaction, transaction.retry_at_ms, now);
}

void Shard::start(const std::vector<CallerPort>& callers) {
  for (const CallerPort& port : callers) {
    callers_.push_back(port.make(executor_));
    for (const std::string& scheme : port.schemes) callers_by_scheme_.emplace_back(scheme, callers_.back().get());
    if (port.schemes.empty()) caller_of_others_ = callers_.back().get();
  }
  timer_ = executor_.make_timer([this] {
    armed_for_ms_ = core::kNever;
    after_drain();
  });
  if (!shared()) return;
  follow_timer_ = executor_.make_timer([this] { look_at_followed(); });
  renew_timer_ = executor_.make_timer([this] { renew_all(); });
  renew_timer_->arm(around_.options.lease_ms / 3);
}

Shard::EntryPtr Shard::add_entry(const std::string& gid, Entry::Mode mode) {
  auto entry = std::make_shared<Entry>(gid);
  entry->mode = mode;
  entry->listed = entries_.emplace(entry->gid, entry).second;
  return entry;
}

void Shard::find(const std::string& gid, Found found) {
  const auto known = entries_.find(gid);
  if (known == entries_.end()) {
    const EntryPtr entry = add_entry(gid, Entry::Mode::loading);
    entry->deferred.push_back(std::move(found));
    load(entry);
    return;
  }
  const EntryPtr entry = known->second;
  switch (entry->mode) {
    case Entry::Mode::creating:
    case Entry::Mode::loading:
    case Entry::Mode::lost:
      entry->deferred.push_back(std::move(found));
      return;
    case Entry::Mode::live:
      found(entry);
      release_if_idle(entry);
      return;
    case Entry::Mode::poisoned:
      found(Error{Code::unavailable, "a write failed, its outcome is unknown; the same gid may be sent again: " + gid});
      return;
  }
}

void Shard::load(const EntryPtr& entry) {
  around_.reader(entry->gid).post([self = shared_from_this(), entry] {
    auto stored = self->around_.store.load(entry->gid);
    std::optional<GlobalStatus> purged;
    if (stored && !stored.value()) {
      auto remembered = self->around_.store.purged_status(entry->gid);
      if (remembered) {
        purged = remembered.value();
      } else {
        stored = std::move(remembered.error());
      }
    }
    self->post([self, entry, stored = std::move(stored), purged]() mutable {
      self->loaded(entry, std::move(stored), purged);
    });
  });
}

void Shard::loaded(const EntryPtr& entry, Result<std::optional<StoredTransaction>> result,
                   std::optional<GlobalStatus> purged) {
  if (!result || !result.value()) {
    if (!result) around_.log(LogLevel::error, entry->gid, result.error().message);
    if (entry->request) {
      create_refused(entry, result, purged);
    } else {
      missing(entry, result);
    }
    return;
  }
  // The write that was to let it go did not come to the store.
  const bool not_let_go = entry->reviving && !result.value()->owner.empty() && entry->owner.empty() &&
                          result.value()->owner == entry->released_owner;
  if (not_let_go) entry->owner = entry->released_owner;
  const bool another_has_it = shared() && result.value()->owner != entry->owner;
  if (another_has_it && (entry->reviving || !entry->owner.empty())) {
    lose(entry);
    return;
  }
  take_stored(entry, std::move(*result.value()));
  if (const auto parked = parked_.find(entry->gid); parked != parked_.end()) {
    // Times that were counted here while it was parked are right even where the wall clock stepped meanwhile.
    if (parked->second.times_known) {
      entry->retry_at_ms = entry->exact_retry_at_ms = entry->transaction.retry_at_ms = parked->second.retry_at_ms;
      entry->transaction.timeout_at_ms = parked->second.timeout_at_ms;
      core::Transaction& read = entry->transaction;
      const bool delayed = read.state.status == GlobalStatus::submitted && read.definition->delay_s > 0;
      if (delayed) read.not_before_ms = read.timeout_at_ms != core::kNever ? read.timeout_at_ms : -core::kNever;
    }
    parked_timers_.remove(parked->second.timer);
    parked_.erase(parked);
  }
  set_timer(entry);
  if (entry->request) update(entry, std::move(entry->request));
  // Each looks anew: what one of them does may have let the entry go.
  for (Found& found : std::exchange(entry->deferred, {})) find(entry->gid, std::move(found));
  if (halting_ && shared()) release_held(entry);
  release_if_idle(entry);
}

void Shard::take_stored(const EntryPtr& entry, StoredTransaction stored) {
  entry->id = stored.id;
  entry->mode = Entry::Mode::live;
  entry->reviving = false;
  entry->transaction = core::resume(std::move(stored), around_.clock.now(), around_.policy);
  entry->transaction.halting = halting_;
  entry->retry_at_ms = entry->exact_retry_at_ms = entry->transaction.retry_at_ms;
  entry->returned = entry->transaction.written;
}

// Nothing is stored under this gid, or it cannot be read: whoever asked is told.
void Shard::missing(const EntryPtr& entry, const Result<std::optional<StoredTransaction>>& result) {
  forget(entry);
  for (PendingAnswer& waiter : std::exchange(entry->answers, {})) {
    waiter.completion(
        Error{Code::unavailable, "the transaction cannot be read at the moment, ask again: " + entry->gid});
  }
  const std::int64_t again_at_ms = around_.clock.now().steady_ms + kReloadPauseMs;
  if (!result && entry->reviving && !shared()) {
    Parked& unread = parked_[entry->gid];
    unread.times_known = false;
    unread.retry_at_ms = again_at_ms;
    unread.timer = parked_timers_.add(again_at_ms, parked_.find(entry->gid)->first);
  } else if (const auto parked = parked_.find(entry->gid); parked != parked_.end()) {
    parked_timers_.remove(parked->second.timer);
    if (result) {
      parked_.erase(parked);
    } else {
      parked->second.timer = parked_timers_.add(again_at_ms, parked->first);
    }
  }
  for (Found& found : std::exchange(entry->deferred, {})) {
    if (result) {
      found(EntryPtr());
    } else {
      found(result.error());
    }
  }
}

void Shard::forget(const EntryPtr& entry) {
  drop_timer(entry);
  end_wake(entry);
  cool(entry);
  entry->calls.clear();  // they and the entry hold each other
  entry->for_lease.clear();
  if (std::exchange(entry->listed, false)) entries_.erase(entry->gid);
}

bool Shard::is_idle(const Entry& entry) {
  const core::Transaction& transaction = entry.transaction;
  return entry.mode == Entry::Mode::live && !transaction.in_pass && transaction.settled() && entry.answers.empty() &&
         entry.final_waiters.empty() && entry.observers.empty() && entry.deferred.empty();
}

void Shard::release_if_idle(const EntryPtr& entry) {
  if (!is_idle(*entry) || !owns(entry)) return;
  if (shared()) {
    let_go(entry);
    return;
  }
  const GlobalStatus status = entry->transaction.state.status;
  if (status == GlobalStatus::prepared) {
    keep_warm(entry);
  } else if (is_final(status)) {
    forget(entry);
  } else {
    park(entry);
  }
}

std::size_t Shard::weight_of(const core::Transaction& transaction) {
  constexpr std::size_t kRowBytes = 128;
  std::size_t bytes = transaction.branches.size() * kRowBytes;
  for (const std::string& payload : transaction.definition->payloads) bytes += payload.size();
  for (const Registration& registration : transaction.registrations) bytes += registration.payload.size();
  return 1 + bytes / 1024;
}

// The client of a prepared one comes back, and soon as a rule: to register a branch, or to submit.
void Shard::keep_warm(const EntryPtr& entry) {
  cool(entry);
  entry->warm_weight = weight_of(entry->transaction);
  warm_weight_ += entry->warm_weight;
  entry->warm = warm_.insert(warm_.end(), entry);
  while (warm_weight_ > kWarmWeightMax && warm_.size() > 1) {
    const EntryPtr coldest = warm_.front();
    cool(coldest);
    if (is_idle(*coldest)) park(coldest);
  }
}

void Shard::cool(const EntryPtr& entry) {
  if (!entry->warm) return;
  warm_.erase(*std::exchange(entry->warm, std::nullopt));
  warm_weight_ -= entry->warm_weight;
}

void Shard::park(const EntryPtr& entry) {
  forget(entry);
  park_until(entry->gid, entry->transaction, entry->retry_at_ms, around_.clock.now());
}

void Shard::park_until(const std::string& gid, const core::Transaction& transaction, std::int64_t retry_at_ms,
                       Moment now) {
  const auto place = parked_.try_emplace(gid).first;
  Parked& parked = place->second;
  parked.retry_at_ms = retry_at_ms;
  parked.timeout_at_ms = transaction.timeout_at_ms;
  parked.shown_at_ms = now.steady_ms + shown_retry_time_ms(*transaction.definition, transaction.state) - now.wall_ms;
  parked.timer = parked_timers_.add(std::min(parked.retry_at_ms, parked.timeout_at_ms), place->first);
}

// ---- the end -----------------------------------------------------------------------------------------------------

void Shard::halt(std::int64_t drain_ms, Task halted) {
  halting_ = true;
  halted_ = std::move(halted);
  halt_all(false);
  drain_timer_ = executor_.make_timer([this] {
    halt_all(true);
    after_drain();
  });
  drain_timer_->arm(drain_ms);
}

void Shard::halt_all(bool force) {
  std::vector<EntryPtr> live;
  for (const auto& [gid, entry] : entries_) {
    if (entry->mode == Entry::Mode::live) live.push_back(entry);
  }
  for (const EntryPtr& entry : live) {
    if (force && shared() && entry->calls_out > 0) {
      // Nobody makes its calls again before they have ended, not even where a client asks another server: the hold
      // stays, and its lease, into which their deadlines fit, runs out.
      entry->left_to_lease = true;
      continue;
    }
    step(entry, core::Halted{force});
    if (shared()) release_held(entry);
    const auto calls = entry->calls;
    for (const auto& record : calls) {
      const core::Call call = record->call;
      if (revoke(entry, call)) step(entry, core::NotSent{call});
    }
  }
}

void Shard::tear_down(Task halted) {
  for (const auto& [gid, entry] : entries_) {
    fail_waiters(entry, {Code::unavailable, "the server is stopping, ask again: " + entry->gid});
  }
  for (auto& [gid, waiters] : std::exchange(followed_, {})) {
    for (Follow& waiter : waiters) waiter(Error{Code::unavailable, "the server is stopping, ask again: " + gid});
  }
  closed_ = true;
  follow_timer_.reset();
  renew_timer_.reset();
  drain_timer_.reset();
  timer_.reset();
  drop_callers();
  halted();
}

void Shard::abandon() {
  closed_ = true;
  followed_.clear();
  drop_callers();  // what they say of their calls comes to the inbox
  drop_inbox();
}

void Shard::drop_inbox() {
  std::vector<Message> dropped;
  const std::lock_guard lock(inbox_mutex_);
  abandoned_ = true;  // a read may be under way
  dropped.swap(inbox_);
}

}  // namespace settle::runtime
