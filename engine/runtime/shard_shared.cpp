// What is different where other servers work on the same store: holding a transaction under a lease, letting it go,
// losing it, and following one that another server holds.
#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/core/plants.hpp"
#include "engine/runtime/refusals.hpp"
#include "engine/runtime/shard.hpp"

namespace settle::runtime {

// ---- what is written ------------------------------------------------------------------------------------------------

void Shard::name_branches(const Entry& entry, const core::Effects& effects, Change& change) const {
  const core::Transaction& transaction = entry.transaction;
  for (const std::uint32_t row : effects.changed) {
    const BranchState& state = transaction.branches[row];
    if (state.status == BranchStatus::prepared) continue;
    const BranchView branch = transaction.branch(row);
    change.named.push_back({row, std::string(branch.branch_id), std::string(branch.operation), state});
  }
  const auto rows = static_cast<std::uint32_t>(transaction.branches.size());
  for (std::uint32_t first = 0; first < rows; first += kBranchRunLength) {
    const auto from = transaction.branches.begin() + first;
    const auto to = transaction.branches.begin() + std::min(rows, first + kBranchRunLength);
    const bool says_something = std::any_of(from, to, [](const BranchState& state) {
      return state.status == BranchStatus::prepared && (state.started || state.attempts > 0);
    });
    if (says_something) change.runs.push_back({first, {from, to}});
  }
}

// A transaction is held while it is in a pass. See Change for what the members say together.
void Shard::set_hold(const EntryPtr& entry, const core::Effects& effects, Change& change) {
  const core::Transaction& transaction = entry->transaction;
  change.held_as = entry->owner;
  if (!transaction.in_pass) {
    if (!entry->owner.empty()) entry->released_owner = std::exchange(entry->owner, {});
    return;
  }
  if (entry->owner.empty()) {
    entry->owner = around_.owners->direct();
    entry->lease_wall_ms = 0;
  }
  const std::int64_t length_ms = lease_length_ms(around_.options, call_timeout_ms(*transaction.definition));
  const AskedLease lease = ask_lease(around_.clock.now(), length_ms, entry->lease_wall_ms);
  change.lease_until_ms = entry->lease_wall_ms = lease.until_wall_ms;
  change.hold_as = entry->owner;
  entry->written_leases.push_back({effects.write, lease.until_steady_ms});
  const bool leaves_prepared = !effects.create && effects.expected_status == GlobalStatus::prepared &&
                               transaction.state.status != GlobalStatus::prepared;
  if (planted(Plant::forget_registrations)) return;
  if (leaves_prepared && rows_per_registration(transaction.definition->type) > 0) entry->reread_after = effects.write;
}

// ---- leases ---------------------------------------------------------------------------------------------------------

// That write is durable, and so is the lease that it asked for.
void Shard::lease_written(Entry& entry, core::Sequence sequence) {
  auto& written = entry.written_leases;
  const auto newer = std::find_if(written.begin(), written.end(),
                                  [sequence](const WrittenLease& lease) { return lease.sequence > sequence; });
  if (newer == written.begin()) return;
  entry.lease_until_ms = std::prev(newer)->until_ms;
  written.erase(written.begin(), newer);
  for (const auto& record : std::exchange(entry.for_lease, {})) send(record);
}

// Whether the whole deadline of a call that starts now fits in.
bool Shard::lease_covers(const Entry& entry) const {
  const std::int64_t timeout_ms = call_timeout_ms(*entry.transaction.definition);
  return around_.clock.now().steady_ms + timeout_ms <= entry.lease_until_ms || planted(Plant::late_renewal);
}

void Shard::wait_for_lease(const std::shared_ptr<CallRecord>& record) {
  const EntryPtr& entry = record->entry;
  entry->for_lease.push_back(record);
  // Not at once: this may run inside of a decision that is being carried out.
  post([this, entry] {
    if (!entry->for_lease.empty()) renew(entry);
  });
}

void Shard::renew(const EntryPtr& entry) {
  const bool under_way = !entry->written_leases.empty();
  if (under_way || entry->mode != Entry::Mode::live || !owns(entry) || !entry->transaction.in_pass) return;
  step(entry, core::Renewed{});
}

// Those that are worked on for long: their lease must not run out while calls wait for their turn.
void Shard::renew_all() {
  const std::int64_t now_ms = around_.clock.now().steady_ms;
  std::vector<EntryPtr> ending;
  for (const auto& [gid, entry] : entries_) {
    const bool held = entry->mode == Entry::Mode::live && !entry->owner.empty() && entry->lease_until_ms != kNoLease;
    if (held && entry->lease_until_ms - now_ms < 2 * around_.options.lease_ms / 3) ending.push_back(entry);
  }
  for (const EntryPtr& entry : ending) renew(entry);
  renew_timer_->arm(around_.options.lease_ms / 3);
  after_drain();
}

// Whether the call waited for a lease; it is forgotten then.
bool Shard::take_back_waiting(Entry& entry, core::Call call) {
  const auto same = [&](const std::shared_ptr<CallRecord>& record) { return record->call == call; };
  const auto found = std::find_if(entry.for_lease.begin(), entry.for_lease.end(), same);
  if (found == entry.for_lease.end()) return false;
  const std::shared_ptr<CallRecord> record = *found;
  entry.for_lease.erase(found);
  std::erase(entry.calls, record);
  --entry.calls_out;
  gate_.release(record->place);  // last: whoever gets the place may be another call of this entry
  return true;
}

// Nothing is to be done with it: whoever needs it next reads it anew. What was claimed too early waits for its time if
// that is near.
void Shard::let_go(const EntryPtr& entry) {
  const core::Transaction& transaction = entry->transaction;
  const std::int64_t next_ms = std::min(entry->retry_at_ms, transaction.timeout_at_ms);
  if (entry->owner.empty() || is_final(transaction.state.status)) {
    forget(entry);
    if (!is_final(transaction.state.status) && next_ms != core::kNever) around_.claimer->expect(next_ms);
    return;
  }
  const Moment now = around_.clock.now();
  if (next_ms != core::kNever && next_ms - now.steady_ms <= kHeldWaitMsMax && !halting_) return;
  const std::int64_t pause_ms = next_ms != core::kNever ? std::max<std::int64_t>(0, next_ms - now.steady_ms)
                                                        : around_.policy.retry_interval_max_ms;
  step(entry, core::Released{now.wall_ms + pause_ms});
}

// It has left `prepared`, durably, so no branch is registered any more: those that other servers have registered are
// read before any is called.
void Shard::reread(const EntryPtr& entry) {
  core::Transaction& transaction = entry->transaction;
  if (entry->returned < transaction.written) return;  // the last one that returns comes here again
  transaction.durable = transaction.written;
  entry->reread_after = 0;
  notify(entry);
  entry->mode = Entry::Mode::loading;
  drop_timer(entry);
  load(entry);
}

// ---- claims ---------------------------------------------------------------------------------------------------------

void Shard::adopt_claimed(StoredTransaction stored, const std::string& owner, const AskedLease& lease) {
  const std::string gid = stored.definition->gid;
  const auto known = entries_.find(gid);
  const bool is_known = known != entries_.end();
  if (!closed_ && is_known && known->second->mode != Entry::Mode::live) {
    find(gid, [this, stored = std::move(stored), owner, lease](const Result<EntryPtr>& found) mutable {
      if (found && found.value()) {
        adopt_claimed(std::move(stored), owner, lease);
      } else {
        around_.claimer->done();  // its lease runs out, and it is claimed again
      }
    });
    return;
  }
  if (closed_ || (is_known && !known->second->owner.empty())) {
    // Held here under an older lease, or since this claim: what is under way finds out by itself.
    around_.claimer->done();
    return;
  }
  const EntryPtr entry = is_known ? known->second : add_entry(gid, Entry::Mode::live);
  entry->owner = owner;
  entry->lease_until_ms = lease.until_steady_ms;
  entry->lease_wall_ms = lease.until_wall_ms;
  if (!entry->transaction.settled()) {
    // A write is under way whose outcome is not known here, but may be known to the others.
    around_.claimer->done();
    entry->mode = Entry::Mode::loading;
    entry->reread_after = entry->transaction.written;
    return;
  }
  entry->woken = true;
  ++woken_;
  take_stored(entry, std::move(stored));
  if (halting_) {
    release_held(entry);
    return;
  }
  const std::int64_t now_ms = around_.clock.now().steady_ms;
  const core::Woken due{entry->retry_at_ms <= now_ms, entry->transaction.timeout_at_ms <= now_ms};
  if (due.retry || due.timeout) step(entry, due);
  if (!entry->transaction.in_pass) end_wake(entry);
  set_timer(entry);
  release_if_idle(entry);
}

// The process stops: another server may go on at once.
void Shard::release_held(const EntryPtr& entry) {
  end_wake(entry);
  const bool held = !entry->owner.empty() && !entry->transaction.in_pass && !is_final(entry->transaction.state.status);
  if (held && owns(entry)) step(entry, core::Released{around_.clock.now().wall_ms});
}

bool Shard::needs_hold(const core::Transaction& transaction, const core::Event& event) {
  const GlobalStatus status = transaction.state.status;
  if (std::holds_alternative<core::Submitted>(event)) return status == GlobalStatus::submitted;
  if (std::holds_alternative<core::AbortRequested>(event)) return status == GlobalStatus::aborting;
  return std::holds_alternative<core::MadeDue>(event) && !is_final(status);
}

// The transaction must be this process's before it goes on; unless another server works on it, which is as good.
void Shard::hold_first(const EntryPtr& entry, Ask ask) {
  if (!entry->transaction.settled()) {  // a write of ours is under way that lets it go
    auto shared_ask = std::make_shared<Ask>(std::move(ask));
    entry->answers.push_back({entry->transaction.written, Done{},
                              [this, gid = entry->gid, shared_ask](const Result<Done>& ok) {
                                if (ok) {
                                  post([this, gid, shared_ask] { ask_again(gid, shared_ask); });
                                } else {
                                  shared_ask->completion(ok.error());
                                }
                              },
                              nullptr});
    return;
  }
  entry->mode = Entry::Mode::loading;
  const Moment now = around_.clock.now();
  const std::int64_t length_ms = lease_length_ms(around_.options, call_timeout_ms(*entry->transaction.definition));
  const AskedLease lease = ask_lease(now, length_ms);
  ClaimRequest request{around_.owners->next_claim(), now.wall_ms, lease.until_wall_ms};
  around_.reader(entry->gid)
      .post([self = shared_from_this(), entry, request = std::move(request), until_ms = lease.until_steady_ms,
             ask = std::move(ask)]() mutable {
        Result<ClaimedOne> result = self->around_.store.claim_one(entry->gid, request);
        self->post([self, entry, ask = std::move(ask), request = std::move(request), until_ms,
                    result = std::move(result)]() mutable {
          self->held(entry, std::move(ask), request, until_ms, std::move(result));
        });
      });
}

void Shard::held(const EntryPtr& entry, Ask ask, const ClaimRequest& request, std::int64_t lease_until_ms,
                 Result<ClaimedOne> result) {
  auto deferred = std::exchange(entry->deferred, {});
  if (result && result.value().result == ClaimResult::claimed) {
    entry->owner = request.owner;
    entry->lease_until_ms = lease_until_ms;
    entry->lease_wall_ms = request.lease_until_ms;
    take_stored(entry, std::move(*result.value().transaction));
    if (halting_) {
      ask.completion(stopping());
      release_held(entry);
    } else {
      update_existing(entry, std::move(ask));
    }
    release_if_idle(entry);
  } else {
    forget(entry);
    if (!result) {
      ask.completion(std::move(result.error()));
    } else if (result.value().result == ClaimResult::absent) {  // it has finished since it was read
      ask_again(entry->gid, std::make_shared<Ask>(std::move(ask)));
    } else if (ask.wait) {
      const bool submits = std::holds_alternative<core::Submitted>(ask.event);
      follow_pass(entry->gid, submits, std::move(ask.completion));
    } else {
      ask.completion(Done{});  // it is being worked on
    }
  }
  for (Found& found : deferred) find(entry->gid, std::move(found));
}

// ---- when another server was first ----------------------------------------------------------------------------------

void Shard::ask_again(const std::string& gid, const std::shared_ptr<Ask>& ask) {
  if (refuse_if_halting(ask->completion)) return;
  if (++ask->tries > kAskTriesMax) {
    ask->completion(Error{Code::unavailable, "other servers keep changing the transaction, ask again: " + gid});
    return;
  }
  if (ask->create) {
    ask->create->completion = std::move(ask->completion);
    ask->create->tries = ask->tries;
    create_or_update(std::move(ask->create));
    return;
  }
  find(gid, [this, gid, ask](Result<EntryPtr> found) {
    if (!found || !found.value()) {
      ask->completion(found ? unknown_gid(gid) : std::move(found.error()));
    } else {
      update_existing(found.value(), std::move(*ask));
    }
  });
}

// The stored transaction is not what this process made of it. What was decided but is not written has not happened.
void Shard::lose(const EntryPtr& entry) {
  if (!entry->owner.empty() && entry->mode != Entry::Mode::creating) {
    counters_.leases_lost.fetch_add(1, std::memory_order_relaxed);
    around_.log(LogLevel::warn, entry->gid, "another server has taken it over: its lease ran out here");
  }
  entry->mode = Entry::Mode::lost;
  drop_timer(entry);
  end_wake(entry);
  const auto calls = entry->calls;
  for (const auto& record : calls) revoke(entry, record->call);
  const Error taken{Code::unavailable, "another server has taken the transaction over, ask again: " + entry->gid};
  for (PendingAnswer& pending : std::exchange(entry->answers, {})) {
    if (pending.ask) {
      pending.ask->completion = std::move(pending.completion);
      entry->asked.push_back(std::move(pending.ask));
    } else {
      pending.completion(taken);
    }
  }
  if (entry->request) {
    std::exchange(entry->request, nullptr)
        ->completion(Error{Code::internal, "the store cannot hold the transaction, its log says why: " + entry->gid});
  }
  forget_lost(entry);
}

// Once its writes have come back and none of its calls is out any more, else one branch could be called twice at once.
void Shard::forget_lost(const EntryPtr& entry) {
  if (entry->calls_out > 0 || entry->returned < entry->transaction.written || !owns(entry)) return;
  forget(entry);
  for (const auto& ask : std::exchange(entry->asked, {})) ask_again(entry->gid, ask);
  for (Found& found : std::exchange(entry->deferred, {})) find(entry->gid, std::move(found));
}

void Shard::follow(std::string gid, Follow done) {
  std::vector<Follow> waiters;
  waiters.push_back(std::move(done));
  look_at(std::move(gid), std::move(waiters));
}

// Reads it once for all who follow it.
void Shard::look_at(std::string gid, std::vector<Follow> waiters) {
  Executor& reader = around_.reader(gid);
  reader.post([self = shared_from_this(), gid = std::move(gid), waiters = std::move(waiters)]() mutable {
    auto stored = self->around_.store.load(gid);
    self->post([self, gid = std::move(gid), stored = std::move(stored), waiters = std::move(waiters)]() mutable {
      if (self->closed_) stored = stopping();
      std::erase_if(waiters, [&stored](Follow& waiter) { return waiter(stored); });
      if (waiters.empty()) return;
      if (self->followed_.empty()) self->follow_timer_->arm(kFollowPauseMs);
      std::vector<Follow>& followers = self->followed_[gid];
      std::move(waiters.begin(), waiters.end(), std::back_inserter(followers));
    });
  });
}

void Shard::look_at_followed() {
  for (auto& [gid, waiters] : std::exchange(followed_, {})) look_at(gid, std::move(waiters));
}

// The answer to who waits for a pass that another server makes. `submits`: it was to succeed.
void Shard::follow_pass(const std::string& gid, bool submits, Completion<Done> completion) {
  follow(gid, [this, gid, submits,
               completion = std::move(completion)](Result<std::optional<StoredTransaction>> found) mutable {
    if (!found || !found.value()) {
      completion(found ? unknown_gid(gid) : std::move(found.error()));
      return true;
    }
    StoredTransaction& stored = *found.value();
    const bool final = is_final(stored.state.status);
    const auto was_tried = [](const BranchState& branch) { return branch.attempts > 0; };
    const bool failed = stored.state.errors > 0;
    // A server that stops lets go what it has not come to the end of: somebody else goes on.
    const bool has_ended = failed || stored.state.query_attempts > 0 ||
                           std::any_of(stored.branches.begin(), stored.branches.end(), was_tried);
    const bool is_due = stored.state.next_retry_time_ms <= around_.clock.now().wall_ms;
    if (!final && (!stored.owner.empty() || is_due || !has_ended)) return false;
    if (final && submits && stored.definition->type != TransType::saga) {
      const bool succeeded = stored.state.status == GlobalStatus::succeed;
      completion(succeeded ? Result<Done>(Done{})
                           : Error{Code::failure, "global transaction was stopped by force. FAILURE"});
      return true;
    }
    core::Transaction ended = core::resume(std::move(stored), around_.clock.now(), around_.policy);
    ended.pass_result = failed ? CallResult::unknown : CallResult::ongoing;
    completion(core::pass_answer(ended));
    return true;
  });
}

}  // namespace settle::runtime
