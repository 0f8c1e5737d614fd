#include "engine/runtime/shard.hpp"

#include <algorithm>

namespace settle::runtime {

Shard::Shard(std::size_t index, std::size_t shard_count, Executor& executor, std::shared_ptr<Committer> committer,
             std::shared_ptr<const Surroundings> surroundings, std::unique_ptr<Random> random)
    : index_(index),
      executor_(executor),
      committer_(std::move(committer)),
      surroundings_(std::move(surroundings)),
      around_(*surroundings_),
      random_(std::move(random)),
      active_max_(std::max<std::size_t>(1, around_.options.active_max / shard_count)),
      gate_(std::max<std::size_t>(1, around_.options.calls_per_target_max / shard_count)) {}

Shard::~Shard() {
  for (const auto& [gid, entry] : entries_) entry->calls.clear();
}

// ---- the inbox ----------------------------------------------------------------------------------------------------

void Shard::post(Task task) { put(std::move(task)); }

void Shard::deliver(std::uint64_t epoch, std::vector<Committed> results) { put(Commits{epoch, std::move(results)}); }

void Shard::put(Message message) {
  bool schedule = false;
  {
    const std::lock_guard lock(inbox_mutex_);
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

void Shard::after_drain() {
  if (timer_) {
    wake_due();
    arm_timer();
  }
  counters_.active.store(entries_.size(), std::memory_order_relaxed);
  counters_.parked.store(parked_.size(), std::memory_order_relaxed);
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
  if (entry->mode == Entry::Mode::poisoned) {
    revive_if_possible(entry);
    return;
  }
  const core::Call call = reply.record->call;
  if (reply.reply.result == CallResult::unknown && logs(LogLevel::warn) &&
      call.row < entry->transaction.branches.size()) {
    const BranchDefinition& branch = entry->transaction.definition->branches[call.row];
    around_.log(LogLevel::warn, entry->gid,
                "branch " + branch.branch_id + " " + std::string(to_string(branch.operation)) + " " + branch.url +
                    ": " + reply.reply.text.substr(0, kLastErrorBytesMax));
  }
  step(entry, core::Replied{call, reply.reply.result, std::move(reply.reply.text)});
}

void Shard::on(Commits& commits) {
  if (closed_) return;
  if (commits.results.empty()) {
    epoch_ = commits.epoch;
    std::vector<EntryPtr> poisoned;
    for (const auto& [gid, entry] : entries_) {
      if (entry->mode == Entry::Mode::poisoned) poisoned.push_back(entry);
    }
    for (const EntryPtr& entry : poisoned) revive_if_possible(entry);
    return;
  }
  for (const Committed& result : commits.results) {
    committed(std::static_pointer_cast<Entry>(result.owner), result.sequence, result.outcome);
  }
}

// ---- transactions in memory -------------------------------------------------------------------------------------

void Shard::adopt(StoredTransaction stored) {
  if (stored.state.status == GlobalStatus::prepared) return;  // waits for a request, not for a time
  const std::string gid = stored.definition->gid;
  const core::Transaction transaction = core::resume(std::move(stored), around_.clock.now());
  const auto [place, fresh] = parked_.try_emplace(gid);
  if (!fresh) return;
  place->second.retry_at_ms = transaction.retry_at_ms;
  place->second.timeout_at_ms = transaction.timeout_at_ms;
  place->second.timer = parked_timers_.add(std::min(transaction.retry_at_ms, transaction.timeout_at_ms), place->first);
}

void Shard::start(const std::vector<CallerPort>& callers) {
  for (const CallerPort& port : callers) {
    callers_.push_back(port.make(executor_));
    for (const std::string& scheme : port.schemes) callers_by_scheme_.emplace_back(scheme, callers_.back().get());
  }
  timer_ = executor_.make_timer([this] {
    armed_for_ms_ = core::kNever;
    after_drain();
  });
}

Shard::EntryPtr Shard::add_entry(const std::string& gid, Entry::Mode mode) {
  auto entry = std::make_shared<Entry>(gid);
  entry->mode = mode;
  entries_.emplace(gid, entry);
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
  around_.reader.post([self = shared_from_this(), entry] {
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
  StoredTransaction& stored = *result.value();
  entry->id = stored.id;
  entry->mode = Entry::Mode::live;
  entry->reviving = false;
  entry->transaction = core::resume(std::move(stored), around_.clock.now());
  entry->transaction.halting = halting_;
  entry->retry_at_ms = entry->exact_retry_at_ms = entry->transaction.retry_at_ms;
  entry->returned = entry->transaction.written;
  if (const auto parked = parked_.find(entry->gid); parked != parked_.end()) {
    // Times that were counted here while it was parked are right even where the wall clock stepped meanwhile.
    if (parked->second.times_known) {
      entry->retry_at_ms = entry->exact_retry_at_ms = entry->transaction.retry_at_ms = parked->second.retry_at_ms;
      entry->transaction.timeout_at_ms = parked->second.timeout_at_ms;
    }
    parked_timers_.remove(parked->second.timer);
    parked_.erase(parked);
  }
  set_timer(entry);
  if (entry->request) update(entry, std::move(*std::exchange(entry->request, std::nullopt)));
  // Each looks anew: what one of them does may have let the entry go.
  for (Found& found : std::exchange(entry->deferred, {})) find(entry->gid, std::move(found));
  release_if_idle(entry);
}

// Nothing is stored under this gid, or it cannot be read: whoever asked is told.
void Shard::missing(const EntryPtr& entry, const Result<std::optional<StoredTransaction>>& result) {
  forget(entry);
  const std::int64_t again_at_ms = around_.clock.now().steady_ms + kReloadPauseMs;
  if (!result && entry->reviving) {
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
  entry->calls.clear();  // they and the entry hold each other
  entries_.erase(entry->gid);
}

void Shard::release_if_idle(const EntryPtr& entry) {
  const core::Transaction& transaction = entry->transaction;
  if (entry->mode != Entry::Mode::live || transaction.in_pass || !transaction.settled()) return;
  if (!entry->answers.empty() || !entry->pass_waiters.empty() || !entry->final_waiters.empty() ||
      !entry->observers.empty() || !entry->deferred.empty()) {
    return;
  }
  if (!owns(entry)) return;
  forget(entry);
  if (is_final(transaction.state.status) || transaction.state.status == GlobalStatus::prepared) return;
  Parked& parked = parked_[entry->gid];
  parked.retry_at_ms = entry->retry_at_ms;
  parked.timeout_at_ms = transaction.timeout_at_ms;
  parked.timer =
      parked_timers_.add(std::min(parked.retry_at_ms, parked.timeout_at_ms), parked_.find(entry->gid)->first);
}

// ---- going on -----------------------------------------------------------------------------------------------------

void Shard::step(const EntryPtr& entry, const core::Event& event) {
  carry_out(entry, core::decide(std::move(entry->transaction), event, around_.clock.now(), around_.policy));
}

void Shard::carry_out(const EntryPtr& entry, core::Decision decision) {
  entry->transaction = std::move(decision.transaction);
  const core::Transaction& transaction = entry->transaction;
  if (transaction.retry_at_ms != entry->exact_retry_at_ms) jitter(entry);
  if (decision.write != 0) push(entry, decision);
  if (decision.pass_ended && !entry->pass_waiters.empty()) {
    const Result<Done> answer =
        transaction.halting && !is_final(transaction.state.status)
            ? Result<Done>(Error{Code::unavailable, "the server is stopping, ask again: " + entry->gid})
            : core::pass_answer(transaction);
    for (Completion<Done>& waiter : std::exchange(entry->pass_waiters, {})) {
      entry->answers.push_back({transaction.written, answer, std::move(waiter)});
    }
  }
  std::vector<core::Call> not_sent;
  for (const core::Call& call : decision.revoke) {
    if (revoke(entry, call)) not_sent.push_back(call);
  }
  for (const core::Call& call : decision.start) start_call(entry, call);
  if (!transaction.in_pass) end_wake(entry);
  set_timer(entry);
  notify(entry);
  for (const core::Call& call : not_sent) step(entry, core::NotSent{call});
  release_if_idle(entry);
}

void Shard::push(const EntryPtr& entry, const core::Decision& decision) {
  const core::Transaction& transaction = entry->transaction;
  Change change;
  change.gid = entry->gid;
  change.create = decision.create;
  change.expected_status = decision.expected_status;
  if (decision.create || decision.definition_changed) change.definition = transaction.definition;
  change.state = transaction.state;
  const std::size_t rows = transaction.branches.size();
  for (std::uint32_t row : decision.changed) {
    const std::uint32_t first = row - row % kBranchRunLength;
    const auto same = [first](const BranchRun& run) { return run.first == first; };
    if (std::any_of(change.runs.begin(), change.runs.end(), same)) continue;
    const auto from = transaction.branches.begin() + first;
    const auto to = transaction.branches.begin() +
                    static_cast<std::ptrdiff_t>(std::min<std::size_t>(rows, first + kBranchRunLength));
    change.runs.push_back({first, {from, to}});
  }
  if (decision.expected_status != transaction.state.status || decision.create) {
    const bool aborting = transaction.state.status == GlobalStatus::aborting;
    const LogLevel level = aborting ? LogLevel::info : LogLevel::debug;
    if (logs(level)) {
      around_.log(level, entry->gid,
                  "is " + std::string(to_string(transaction.state.status)) +
                      (aborting ? ": " + transaction.state.rollback_reason : std::string()));
    }
  }
  entry->pushed_epoch = epoch_;
  committer_->push(index_, epoch_, entry, decision.write, std::move(change));
}

// Tells whoever waits what has become durable.
void Shard::notify(const EntryPtr& entry) {
  const core::Transaction& transaction = entry->transaction;
  if (!entry->answers.empty()) {
    const auto due =
        std::stable_partition(entry->answers.begin(), entry->answers.end(),
                              [&](const PendingAnswer& pending) { return pending.after > transaction.durable; });
    std::vector<PendingAnswer> ready(std::make_move_iterator(due), std::make_move_iterator(entry->answers.end()));
    entry->answers.erase(due, entry->answers.end());
    for (PendingAnswer& pending : ready) pending.completion(std::move(pending.answer));
  }
  if (transaction.durable < transaction.status_written) return;
  const GlobalStatus status = transaction.state.status;
  if (!entry->observers.empty() && entry->observed != status) {
    entry->observed = status;
    for (auto& observer : entry->observers) observer(status);
    if (is_final(status)) entry->observers.clear();
  }
  if (is_final(status)) {
    for (Completion<GlobalStatus>& waiter : std::exchange(entry->final_waiters, {})) waiter(status);
  }
}

void Shard::committed(const EntryPtr& entry, std::uint64_t sequence, const ChangeOutcome& outcome) {
  entry->returned = std::max<core::Sequence>(entry->returned, sequence);
  if (entry->mode == Entry::Mode::poisoned) {
    if (outcome.result == ChangeResult::failed) entry->mistrusted = true;
    revive_if_possible(entry);
    return;
  }
  switch (outcome.result) {
    case ChangeResult::applied: {
      const GlobalStatus status = entry->transaction.state.status;
      if (is_final(status) && entry->transaction.durable < entry->transaction.status_written &&
          sequence >= entry->transaction.status_written) {
        (status == GlobalStatus::succeed ? counters_.succeeded : counters_.failed)
            .fetch_add(1, std::memory_order_relaxed);
      }
      if (entry->mode == Entry::Mode::creating) {
        counters_.accepted.fetch_add(1, std::memory_order_relaxed);
        entry->mode = Entry::Mode::live;
        entry->id = outcome.id;
        CreateRequest request = std::move(*std::exchange(entry->request, std::nullopt));
        if (request.status == GlobalStatus::submitted && request.definition->options.wait_result) {
          entry->pass_waiters.push_back(std::move(request.completion));
        } else {
          entry->answers.push_back({sequence, Done{}, std::move(request.completion)});
        }
        auto deferred = std::exchange(entry->deferred, {});
        if (halting_) step(entry, core::Halted{false});
        step(entry, core::Durable{sequence});
        for (Found& found : deferred) find(entry->gid, std::move(found));
        return;
      }
      step(entry, core::Durable{sequence});
      return;
    }
    case ChangeResult::exists:
      entry->mode = Entry::Mode::loading;
      load(entry);
      return;
    case ChangeResult::conflict:
      around_.log(LogLevel::error, entry->gid,
                  "the stored transaction is not what this process made of it: reading it again");
      poison(entry, false);
      return;
    case ChangeResult::failed:
      poison(entry, true);
      return;
  }
}

void Shard::poison(const EntryPtr& entry, bool mistrusted) {
  entry->mode = Entry::Mode::poisoned;
  entry->mistrusted = mistrusted;
  drop_timer(entry);
  end_wake(entry);
  const auto calls = entry->calls;
  for (const auto& record : calls) revoke(entry, record->call);
  fail_waiters(entry, {Code::unavailable,
                       "a write failed, its outcome is unknown; the same gid may be sent again: " + entry->gid});
  revive_if_possible(entry);
}

void Shard::fail_waiters(const EntryPtr& entry, const Error& error) {
  for (PendingAnswer& pending : std::exchange(entry->answers, {})) pending.completion(error);
  for (Completion<Done>& waiter : std::exchange(entry->pass_waiters, {})) waiter(error);
  for (Completion<GlobalStatus>& waiter : std::exchange(entry->final_waiters, {})) waiter(error);
  for (auto& observer : std::exchange(entry->observers, {})) observer(error);
  if (entry->request) std::exchange(entry->request, std::nullopt)->completion(error);
  for (Found& found : std::exchange(entry->deferred, {})) found(error);
}

// Reads a poisoned one again, once the store is sound, all its writes have come back, and no call of its is out.
void Shard::revive_if_possible(const EntryPtr& entry) {
  if (halting_ || entry->mode != Entry::Mode::poisoned || entry->calls_out > 0) return;
  if (entry->returned < entry->transaction.written) return;
  if (entry->mistrusted && epoch_ <= entry->pushed_epoch) return;
  entry->mode = Entry::Mode::loading;
  entry->reviving = true;
  entry->transaction = {};
  // It goes on as after a restart of the process, so whatever it comes to be is taken up at once or at its time.
  load(entry);
}

// ---- calls ----------------------------------------------------------------------------------------------------------

void Shard::start_call(const EntryPtr& entry, core::Call call) {
  auto record = std::make_shared<CallRecord>();
  record->entry = entry;
  record->call = call;
  entry->calls.push_back(record);
  ++entry->calls_out;
  const std::string& url = entry->transaction.definition->branches[call.row].url;
  gate_.enter(url, record->place, [this, record] { send(record); });
}

void Shard::send(const std::shared_ptr<CallRecord>& record) {
  const Definition& definition = *record->entry->transaction.definition;
  const BranchDefinition& branch = definition.branches[record->call.row];
  counters_.calls.fetch_add(1, std::memory_order_relaxed);
  BranchCompletion completion = [self = shared_from_this(), record](BranchReply reply) {
    self->put(Reply{record, std::move(reply)});
  };
  BranchCaller* caller = caller_for(branch.url);
  if (caller == nullptr) {
    completion({CallResult::unknown, "no caller for the scheme of this url"});
    return;
  }
  if (logs(LogLevel::debug)) {
    around_.log(LogLevel::debug, definition.gid,
                "calls " + branch.branch_id + " " + std::string(to_string(branch.operation)) + " " + branch.url);
  }
  BranchCall call;
  call.gid = definition.gid;
  call.trans_type = definition.type;
  call.branch_id = branch.branch_id;
  call.operation = branch.operation;
  call.url = branch.url;
  call.payload = definition.payloads[branch.payload];
  if (!definition.options.branch_headers.empty()) {
    call.headers = {record->entry->transaction.definition, &definition.options.branch_headers};
  }
  call.timeout_ms = definition.options.request_timeout_s > 0 ? definition.options.request_timeout_s * 1000
                                                             : around_.options.request_timeout_ms;
  caller->call(std::move(call), std::move(completion));
}

// Whether the call was still waiting at the gate; it is forgotten then.
bool Shard::revoke(const EntryPtr& entry, core::Call call) {
  const auto same = [&](const std::shared_ptr<CallRecord>& record) { return record->call == call; };
  const auto found = std::find_if(entry->calls.begin(), entry->calls.end(), same);
  if (found == entry->calls.end() || !(*found)->place.waiting()) return false;
  gate_.cancel((*found)->place);
  entry->calls.erase(found);
  --entry->calls_out;
  return true;
}

BranchCaller* Shard::caller_for(std::string_view url) const {
  const std::string_view scheme = url.substr(0, url.find("://"));
  for (const auto& [name, caller] : callers_by_scheme_) {
    if (name == scheme) return caller;
  }
  return nullptr;
}

// ---- timers ---------------------------------------------------------------------------------------------------------

void Shard::set_timer(const EntryPtr& entry) {
  const core::Transaction& transaction = entry->transaction;
  const bool runs = !halting_ && entry->mode == Entry::Mode::live && owns(entry);
  const std::int64_t at_ms = runs ? std::min(entry->retry_at_ms, transaction.timeout_at_ms) : core::kNever;
  if (entry->timer && entry->timer->first == at_ms) return;
  drop_timer(entry);
  if (at_ms != core::kNever) entry->timer = live_timers_.add(at_ms, entry->gid);
}

// Retries that became due together are spread; timeouts are not.
void Shard::jitter(const EntryPtr& entry) {
  entry->retry_at_ms = entry->exact_retry_at_ms = entry->transaction.retry_at_ms;
  const auto spread_ms = static_cast<std::uint64_t>(static_cast<double>(entry->transaction.state.retry_interval_ms) *
                                                    around_.options.retry_jitter_max);
  if (entry->retry_at_ms == core::kNever || spread_ms == 0) return;
  entry->retry_at_ms += static_cast<std::int64_t>(random_->next() % (spread_ms + 1));
}

void Shard::drop_timer(const EntryPtr& entry) {
  if (entry->timer) live_timers_.remove(*std::exchange(entry->timer, std::nullopt));
}

void Shard::end_wake(const EntryPtr& entry) {
  if (std::exchange(entry->woken, false)) --woken_;
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

bool Shard::owns(const EntryPtr& entry) const {
  const auto found = entries_.find(entry->gid);
  return found != entries_.end() && found->second == entry;
}

bool Shard::quiet() const {
  const std::int64_t now_ms = around_.clock.now().steady_ms;
  const auto due = [now_ms](const TimerQueue& timers) { return !timers.empty() && timers.first_ms() <= now_ms; };
  if (!halting_ && (due(live_timers_) || due(parked_timers_))) return false;
  return std::all_of(entries_.begin(), entries_.end(), [](const auto& known) {
    const Entry& entry = *known.second;
    return entry.mode == Entry::Mode::poisoned ||
           (entry.mode == Entry::Mode::live && !entry.transaction.in_pass && entry.transaction.settled());
  });
}

void Shard::when_settled(Task settled) {
  armed_for_ms_ = core::kNever;  // the clock moved, so the timer is armed for the wrong time
  settle_waiters_.push_back(std::move(settled));
}

// ---- the end --------------------------------------------------------------------------------------------------------

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
    step(entry, core::Halted{force});
    const auto calls = entry->calls;
    for (const auto& record : calls) {
      const core::Call call = record->call;
      if (revoke(entry, call)) step(entry, core::NotSent{call});
    }
  }
}

void Shard::tear_down(Task halted) {
  for (const auto& [gid, entry] : entries_) {
    fail_waiters(entry, {Code::unavailable, "the server is stopping, ask again: " + gid});
  }
  closed_ = true;
  drain_timer_.reset();
  timer_.reset();
  callers_by_scheme_.clear();
  callers_.clear();
  halted();
}

}  // namespace settle::runtime
