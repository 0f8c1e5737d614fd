#include "engine/runtime/committer.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <thread>
#include <utility>

#include "engine/core/plants.hpp"

namespace settle::runtime {
namespace {

constexpr std::size_t kNowhere = SIZE_MAX;

void merge_runs(std::vector<BranchRun>& runs, std::vector<BranchRun> newer) {
  for (BranchRun& run : newer) {
    const auto same =
        std::find_if(runs.begin(), runs.end(), [&](const BranchRun& other) { return other.first == run.first; });
    if (same == runs.end()) {
      runs.push_back(std::move(run));
    } else {
      same->branches = std::move(run.branches);
    }
  }
}

void merge_named(std::vector<NamedBranch>& named, std::vector<NamedBranch> newer) {
  for (NamedBranch& branch : newer) {
    const auto same =
        std::find_if(named.begin(), named.end(), [&](const NamedBranch& other) { return other.row == branch.row; });
    if (same == named.end()) {
      named.push_back(std::move(branch));
    } else {
      same->state = branch.state;
    }
  }
}

// `change` with what `newer`, of the same gid and not yet applied either, makes of it.
void merge_into(Change& change, Change&& newer, bool names_branches) {
  if (planted(Plant::part_of_merge)) return;
  if (newer.definition) change.definition = std::move(newer.definition);
  change.state = std::move(newer.state);
  if (change.registrations.empty()) change.first_registration = newer.first_registration;
  std::move(newer.registrations.begin(), newer.registrations.end(), std::back_inserter(change.registrations));
  if (names_branches) {
    change.runs = std::move(newer.runs);  // these are all that there are
  } else {
    merge_runs(change.runs, std::move(newer.runs));
  }
  merge_named(change.named, std::move(newer.named));
  change.hold_as = std::move(newer.hold_as);
  change.lease_until_ms = newer.lease_until_ms;
}

}  // namespace

Committer::Committer(Store& store, Executor& lane, std::size_t shards, Deliver deliver, Log log, Telemetry* telemetry)
    : store_(store),
      lane_(lane),
      shards_(shards),
      names_branches_(store.traits().names_branches),
      gathers_(store.traits().gathers),
      deliver_(std::move(deliver)),
      log_(std::move(log)),
      telemetry_(telemetry) {}

void Committer::push(std::size_t shard, std::uint64_t epoch, std::shared_ptr<ChangeOwner> owner, std::uint64_t sequence,
                     Change&& change, Haste haste) {
  bool time = false;
  {
    const std::lock_guard lock(mutex_);
    Ticket ticket{shard, std::move(owner), sequence, epoch};
    ChangeOwner& marks = *ticket.owner;
    if (std::exchange(marks.committer_, this) != this) marks.batch_ = 0;
    if (marks.held_place_ != kNowhere) release(held_[marks.held_place_]);
    if (haste == Haste::may_wait && marks.batch_ != batch_) {
      marks.held_place_ = held_.size();
      held_.push_back({std::move(change), std::move(ticket), round_});
      time = !std::exchange(held_are_timed_, true);
    } else {
      add_pending(std::move(ticket), std::move(change));
    }
  }
  if (time) lane_.post([self = shared_from_this()] { self->time_held(); });
}

void Committer::pushed() {
  bool schedule = false;
  {
    const std::lock_guard lock(mutex_);
    if (pending_.changes.empty()) return;
    schedule = !std::exchange(scheduled_, true);
  }
  if (schedule) lane_.post([self = shared_from_this()] { self->run(); });
}

// Under the mutex.
void Committer::add_pending(Ticket&& ticket, Change&& change) {
  ChangeOwner& marks = *ticket.owner;
  if (std::exchange(marks.batch_, batch_) != batch_) {
    marks.place_ = pending_.changes.size();
    pending_.changes.push_back(std::move(change));
    pending_.tickets.push_back(std::move(ticket));
  } else {
    merge_into(pending_.changes[marks.place_], std::move(change), names_branches_);
    // The older epoch stays: what was lost with it is the ground of the newer change.
    pending_.tickets[marks.place_].sequence = ticket.sequence;
  }
  waiting_.store(pending_.changes.size(), std::memory_order_relaxed);
}

// Under the mutex. The last one takes its place.
void Committer::release(Held& held) {
  const std::size_t place = std::exchange(held.ticket.owner->held_place_, kNowhere);
  add_pending(std::move(held.ticket), std::move(held.change));
  if (place + 1 < held_.size()) {
    held = std::move(held_.back());
    held.ticket.owner->held_place_ = place;
  }
  held_.pop_back();
}

void Committer::time_held() {
  if (closed_) return;
  if (!hold_timer_) hold_timer_ = lane_.make_timer([this] { release_held(); });
  hold_timer_->arm(kHoldMs);
}

// Those that were there a round ago.
void Committer::release_held() {
  bool again = false;
  {
    const std::lock_guard lock(mutex_);
    for (std::size_t place = 0; place < held_.size();) {
      if (held_[place].round == round_) {
        ++place;
      } else {
        release(held_[place]);
      }
    }
    ++round_;
    again = held_are_timed_ = !held_.empty();
  }
  if (again) time_held();
  run();
}

void Committer::release_all_held() {
  const std::lock_guard lock(mutex_);
  while (!held_.empty()) release(held_.back());
}

void Committer::run_between(Task work) {
  lane_.post([self = shared_from_this(), work = std::move(work)]() mutable { work(); });
}

ChangeResult Committer::apply_key_value(const KeyValueChange& change) {
  if (broken()) return ChangeResult::failed;
  const ChangeResult result = store_.apply_key_value(change);
  if (result == ChangeResult::failed) break_down();
  return result;
}

void Committer::abandon() {
  Batch dropped;
  std::vector<Held> held;
  const std::lock_guard lock(mutex_);
  ++batch_;
  for (const Held& each : held_) each.ticket.owner->held_place_ = kNowhere;
  dropped = std::move(pending_);
  held.swap(held_);
}

void Committer::close(Task done) {
  lane_.post([self = shared_from_this(), done = std::move(done)]() mutable {
    self->release_all_held();
    self->run();
    self->closed_ = true;
    self->hold_timer_.reset();
    self->repair_timer_.reset();
    done();
  });
}

void Committer::run() {
  gather();
  while (take()) {
    apply();
    gather();
  }
}

void Committer::gather() const {
  if (!gathers_ || waiting() == 0) return;
  std::size_t before = 0;
  for (int yields = 0; yields < kYieldsMax; ++yields) {
    const std::size_t count = waiting();
    if (yields >= kYieldsMin && count == before) return;
    before = count;
    std::this_thread::yield();
  }
}

bool Committer::take() {
  taken_.changes.clear();
  taken_.tickets.clear();
  const std::lock_guard lock(mutex_);
  if (pending_.changes.empty()) {
    scheduled_ = false;
    return false;
  }
  ++batch_;
  std::swap(taken_, pending_);
  waiting_.store(0, std::memory_order_relaxed);
  return true;
}

void Committer::apply() {
  refuse_stale();
  outcomes_.assign(taken_.changes.size(), {});
  for (std::size_t first = 0; first < taken_.changes.size() && !broken(); first += kGroupMax) {
    const std::size_t count = std::min(kGroupMax, taken_.changes.size() - first);
    apply_group({taken_.changes.data() + first, count}, {outcomes_.data() + first, count});
  }
  deliver(taken_, outcomes_);
}

void Committer::apply_group(std::span<const Change> group, std::span<ChangeOutcome> outcomes) {
  const auto begin = std::chrono::steady_clock::now();
  store_.apply(group, outcomes);
  groups_.fetch_add(1, std::memory_order_relaxed);
  changes_.fetch_add(group.size(), std::memory_order_relaxed);
  const bool failed = std::any_of(outcomes.begin(), outcomes.end(),
                                  [](const ChangeOutcome& outcome) { return outcome.result == ChangeResult::failed; });
  if (telemetry_ != nullptr) {
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
    telemetry_->group_applied(group.size(), !failed, took.count());
  }
  if (failed) break_down();
}

void Committer::break_down() {
  broken_ = true;
  log_(LogLevel::error, "", "a write failed: nothing is acknowledged until the store is repaired");
  if (!repair_timer_) repair_timer_ = lane_.make_timer([this] { try_repair(); });
  repair_timer_->arm(0);
}

void Committer::refuse_stale() {
  const auto is_stale = [this](const Ticket& ticket) { return ticket.epoch != epoch_; };
  if (std::none_of(taken_.tickets.begin(), taken_.tickets.end(), is_stale)) return;
  Batch stale;
  Batch rest;
  for (std::size_t i = 0; i < taken_.tickets.size(); ++i) {
    Batch& to = is_stale(taken_.tickets[i]) ? stale : rest;
    to.changes.push_back(std::move(taken_.changes[i]));
    to.tickets.push_back(std::move(taken_.tickets[i]));
  }
  deliver(stale, std::vector<ChangeOutcome>(stale.changes.size()));
  taken_ = std::move(rest);
}

void Committer::deliver(Batch& batch, const std::vector<ChangeOutcome>& outcomes) {
  std::vector<std::vector<Committed>> by_shard(shards_);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    Ticket& ticket = batch.tickets[i];
    by_shard[ticket.shard].push_back({std::move(ticket.owner), ticket.sequence, outcomes[i]});
  }
  for (std::size_t shard = 0; shard < shards_; ++shard) {
    if (!by_shard[shard].empty()) deliver_(shard, epoch_, std::move(by_shard[shard]));
  }
}

void Committer::try_repair() {
  if (closed_) return;
  Result<Done> repaired = store_.repair();
  if (!repaired) {
    log_(LogLevel::error, "", "the store cannot be written yet, trying again: " + repaired.error().message);
    repair_timer_->arm(repair_pause_ms_);
    repair_pause_ms_ = std::min(2 * repair_pause_ms_, kRepairPauseMaxMs);
    return;
  }
  repair_pause_ms_ = kRepairPauseMs;
  broken_ = false;
  ++epoch_;
  log_(LogLevel::info, "", "the store can be written again");
  for (std::size_t shard = 0; shard < shards_; ++shard) deliver_(shard, epoch_, {});
}

std::size_t lane_of(const Change& change, std::size_t lanes) {
  const std::size_t kind = change.create ? 0 : change.state.status == change.expected_status ? 1 : 2;
  return std::min(kind, lanes - 1);
}

}  // namespace settle::runtime
