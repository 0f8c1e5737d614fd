// Obeying the core: writes, calls, answers; and what becomes of a write that failed.
#include <algorithm>
#include <utility>

#include "engine/core/plants.hpp"
#include "engine/runtime/shard.hpp"

namespace settle::runtime {
namespace {

// The runs that hold a changed row.
void add_runs(const core::Transaction& transaction, const core::Effects& effects, Change& change) {
  const std::size_t rows = transaction.branches.size();
  for (std::uint32_t row : effects.changed) {
    const std::uint32_t first = row - row % kBranchRunLength;
    const auto same = [first](const BranchRun& run) { return run.first == first; };
    if (std::any_of(change.runs.begin(), change.runs.end(), same)) continue;
    const auto from = transaction.branches.begin() + first;
    const auto to = transaction.branches.begin() +
                    static_cast<std::ptrdiff_t>(std::min<std::size_t>(rows, first + kBranchRunLength));
    change.runs.push_back({first, {from, to}});
  }
}

}  // namespace

void Shard::step(const EntryPtr& entry, const core::Event& event) {
  carry_out(entry, core::decide_in_place(entry->transaction, event, around_.clock.now(), around_.policy));
}

void Shard::carry_out(const EntryPtr& entry, const core::Effects& effects) {
  const core::Transaction& transaction = entry->transaction;
  if (transaction.retry_at_ms != entry->exact_retry_at_ms) jitter(entry);
  if (effects.write != 0) push(entry, effects);
  if (effects.error) raise_alert(*entry);
  if (effects.pass_ended) end_pass(*entry, effects.answer);
  std::vector<core::Call> not_sent;
  for (const core::Call& call : effects.revoke) {
    if (revoke(entry, call)) not_sent.push_back(call);
  }
  for (const core::Call& call : effects.start) start_call(entry, call);
  if (!transaction.in_pass) end_wake(entry);
  set_timer(entry);
  notify(entry);
  for (const core::Call& call : not_sent) step(entry, core::NotSent{call});
  if (entry->warm && !is_idle(*entry)) cool(entry);
  release_if_idle(entry);
}

void Shard::end_pass(Entry& entry, const Result<Done>& answer) {
  const core::Transaction& transaction = entry.transaction;
  if (around_.telemetry != nullptr && transaction.state.status != GlobalStatus::prepared) {
    const Definition& definition = *transaction.definition;
    around_.telemetry->pass_ended(definition.type, static_cast<bool>(answer),
                                  around_.clock.now().wall_ms - definition.create_time_ms);
  }
  if (entry.mode == Entry::Mode::creating) entry.first_pass = answer;
  for (PendingAnswer& pending : entry.answers) {
    if (pending.after != kPassEnd) continue;
    pending.after = transaction.written;
    pending.answer = answer;
  }
}

void Shard::push(const EntryPtr& entry, const core::Effects& effects) {
  const core::Transaction& transaction = entry->transaction;
  const bool tells_definition = effects.create || effects.definition_changed;
  Change change{
      .gid = entry->gid,
      .create = effects.create,
      .expected_status = effects.expected_status,
      .definition = tells_definition ? transaction.definition : nullptr,
      .type = transaction.definition->type,
      .create_time_ms = transaction.definition->create_time_ms,
      .state = transaction.state,
  };
  if (effects.registered > 0) {
    change.first_registration = transaction.registrations.size() - effects.registered;
    const auto first = transaction.registrations.end() - static_cast<std::ptrdiff_t>(effects.registered);
    change.registrations.assign(first, transaction.registrations.end());
  }
  if (around_.traits.names_branches) {
    name_branches(*entry, effects, change);
  } else {
    add_runs(transaction, effects, change);
  }
  // Calls may wait for the lease that a write brings.
  const bool may_wait = effects.may_wait && (!shared() || lease_covers(*entry));
  if (shared()) set_hold(entry, effects, change);
  if (effects.expected_status != transaction.state.status || effects.create) {
    const bool aborting = transaction.state.status == GlobalStatus::aborting;
    const LogLevel level = aborting ? LogLevel::info : LogLevel::debug;
    if (logs(level)) {
      around_.log(level, entry->gid,
                  "is " + std::string(to_string(transaction.state.status)) +
                      (aborting ? ": " + transaction.state.rollback_reason : std::string()));
    }
  }
  // Those of one gid go one after the other, so while some are under way the next one goes behind them.
  if (entry->returned + 1 == effects.write) entry->lane = lane_of(change, lanes_.size());
  Lane& lane = lanes_[entry->lane];
  entry->pushed_epoch = lane.epoch;
  lane.committer->push(index_, lane.epoch, entry, effects.write, std::move(change),
                       may_wait ? Committer::Haste::may_wait : Committer::Haste::at_once);
  if (++lane.pushed >= kPushedMax) tell_committers();
}

// Tells whoever waits what has become durable.
void Shard::notify(const EntryPtr& entry) {
  const core::Transaction& transaction = entry->transaction;
  const auto is_due = [&transaction](const PendingAnswer& pending) {
    return pending.after != kPassEnd && (pending.after <= transaction.durable || planted(Plant::answer_before_write));
  };
  if (std::any_of(entry->answers.begin(), entry->answers.end(), is_due)) {
    for (PendingAnswer& pending : std::exchange(entry->answers, {})) {
      if (is_due(pending)) {
        pending.completion(std::move(pending.answer));
      } else {
        entry->answers.push_back(std::move(pending));
      }
    }
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
  if (entry->mode == Entry::Mode::lost) {
    forget_lost(entry);
    return;
  }
  if (entry->mode == Entry::Mode::poisoned) {
    if (outcome.result == ChangeResult::failed) entry->mistrusted = true;
    revive_if_possible(entry);
    return;
  }
  switch (outcome.result) {
    case ChangeResult::applied: {
      if (shared()) lease_written(*entry, sequence);
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
        created(entry, std::move(entry->request), sequence);
        auto deferred = std::exchange(entry->deferred, {});
        if (halting_) step(entry, core::Halted{false});
        step(entry, core::Durable{sequence});
        for (Found& found : deferred) find(entry->gid, std::move(found));
        return;
      }
      if (entry->reread_after != 0 && sequence >= entry->reread_after) {
        reread(entry);
      } else {
        step(entry, core::Durable{sequence});
      }
      return;
    }
    case ChangeResult::exists:
      entry->mode = Entry::Mode::loading;
      entry->owner.clear();
      entry->written_leases.clear();
      entry->first_pass.reset();
      if (entry->request->protocol_left_out) {  // then the stored one counts
        entry->request->definition = std::make_shared<Definition>(*entry->request->definition);
        entry->request->definition->protocol = Protocol::unspecified;
      }
      load(entry);
      return;
    case ChangeResult::conflict:
      if (shared()) {
        lose(entry);
        return;
      }
      around_.log(LogLevel::error, entry->gid,
                  "the stored transaction is not what this process made of it: reading it again");
      poison(entry, false);
      return;
    case ChangeResult::failed:
      poison(entry, true);
      return;
  }
}

// Answers the client who created it, now or when its first pass has ended.
void Shard::created(const EntryPtr& entry, std::unique_ptr<CreateRequest> request, core::Sequence sequence) {
  const std::optional<Result<Done>> first_pass = std::exchange(entry->first_pass, std::nullopt);
  if (request->finds && shared()) {
    give_stored(entry->gid, std::move(request));  // which knows the id
  } else if (request->finds) {
    give_found(entry, std::move(request));
  } else if (request->status != GlobalStatus::submitted || !request->definition->options.wait_result) {
    entry->answers.push_back({sequence, Done{}, std::move(request->completion), nullptr});
  } else if (first_pass) {
    entry->answers.push_back({entry->transaction.written, *first_pass, std::move(request->completion), nullptr});
  } else {
    entry->answers.push_back({kPassEnd, Done{}, std::move(request->completion), nullptr});
  }
}

void Shard::poison(const EntryPtr& entry, bool mistrusted) {
  entry->mode = Entry::Mode::poisoned;
  entry->mistrusted = mistrusted;
  entry->lease_until_ms = kNoLease;
  entry->written_leases.clear();
  entry->reread_after = 0;
  drop_timer(entry);
  end_wake(entry);
  const auto calls = entry->calls;
  for (const auto& record : calls) revoke(entry, record->call);
  fail_waiters(entry, {planted(Plant::unknown_is_refusal) ? Code::failure : Code::unavailable,
                       "a write failed, its outcome is unknown; the same gid may be sent again: " + entry->gid});
  revive_if_possible(entry);
}

void Shard::fail_waiters(const EntryPtr& entry, const Error& error) {
  for (PendingAnswer& pending : std::exchange(entry->answers, {})) pending.completion(error);
  for (Completion<GlobalStatus>& waiter : std::exchange(entry->final_waiters, {})) waiter(error);
  for (auto& observer : std::exchange(entry->observers, {})) observer(error);
  for (const auto& ask : std::exchange(entry->asked, {})) ask->completion(error);
  if (entry->request) std::exchange(entry->request, nullptr)->completion(error);
  for (Found& found : std::exchange(entry->deferred, {})) found(error);
}

// Reads a poisoned one again, once the store is sound, all its writes have come back, and no call of its is out.
void Shard::revive_if_possible(const EntryPtr& entry) {
  if (halting_ || entry->mode != Entry::Mode::poisoned || entry->calls_out > 0) return;
  if (entry->returned < entry->transaction.written) return;
  if (entry->mistrusted && lanes_[entry->lane].epoch <= entry->pushed_epoch) return;
  entry->mode = Entry::Mode::loading;
  entry->reviving = true;
  entry->transaction = {};
  // It goes on as after a restart of the process, so whatever it comes to be is taken up at once or at its time.
  load(entry);
}

}  // namespace settle::runtime
