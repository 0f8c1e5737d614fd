// Invariants: view_ shows journal_, what is in unknown_ with `shown`, and unsynced_; of a shared store journal_ is
// empty.
#include "sim/database.hpp"

#include <utility>

#include "settle/storage/memory.hpp"

namespace settle::sim {

Database::Database(Surroundings& around)
    : around_(around), view_(around.plan.shared ? make_shared_memory_store() : make_memory_store()) {}

void Database::apply(int server, std::span<const Change> group, std::span<ChangeOutcome> outcomes) {
  if (around_.plant == WrapperPlant::lose_group && around_.random.per_mille(20)) {
    for (ChangeOutcome& outcome : outcomes) outcome = {ChangeResult::applied, 1};
    return;
  }
  const bool syncs = around_.plant != WrapperPlant::lose_unsynced || around_.plan.shared;
  for (std::size_t i = 0; i < group.size(); ++i) {
    if (syncs) {
      outcomes[i] = apply_one(server, group[i]);
    } else {
      view_->apply(group.subspan(i, 1), outcomes.subspan(i, 1));
      if (outcomes[i].result == ChangeResult::applied) unsynced_.emplace_back(server, group[i]);
    }
  }
  if (!syncs && around_.random.per_mille(300)) sync();
}

ChangeOutcome Database::apply_one(int server, const Change& change) {
  ChangeOutcome outcome;
  view_->apply({&change, 1}, {&outcome, 1});
  if (outcome.result != ChangeResult::applied) return outcome;
  if (!around_.plan.shared) journal_.emplace_back(change);
  observe(server, change);
  return outcome;
}

void Database::apply_unknown(int server, const Change& change, testing::SeededRandom& random) {
  switch (random.below(4)) {
    case 0:
      return;  // never
    case 1:
      apply_one(server, change);
      return;
    case 2:
      if (!around_.plan.shared) {
        ChangeOutcome outcome;
        view_->apply({&change, 1}, {&outcome, 1});
        if (outcome.result == ChangeResult::applied) unknown_.push_back({server, change, true});
        return;
      }
      [[fallthrough]];
    default:
      unknown_.push_back({server, change, false});
  }
}

void Database::settle(int server, testing::SeededRandom& random) {
  bool hidden = false;
  std::vector<Unknown> kept;
  for (Unknown& unknown : std::exchange(unknown_, {})) {
    if (unknown.server != server) {
      kept.push_back(std::move(unknown));
      continue;
    }
    const bool stays = random.below(2) == 0;
    hidden = hidden || (unknown.shown && !stays);
    if (!stays) continue;
    if (unknown.shown) {
      journal_.emplace_back(unknown.change);
      observe(server, unknown.change);
    } else {
      apply_one(server, unknown.change);
    }
  }
  unknown_ = std::move(kept);
  if (hidden) rebuild();
}

void Database::crash(int server, testing::SeededRandom& random) {
  if (around_.plan.shared) {
    // The database goes on: a session that was cut off ends sooner or later.
    around_.world.after_ms(random.between(0, 3'000),
                           [this, server, own = random.fork()]() mutable { settle(server, own); });
    return;
  }
  unsynced_.clear();
  settle(server, random);
  rebuild();
}

Result<PurgeResult> Database::purge(std::int64_t finished_before_ms, std::int64_t forgotten_before_ms,
                                    std::int64_t now_ms, std::size_t limit) {
  if (!around_.plan.shared) journal_.emplace_back(Purge{finished_before_ms, forgotten_before_ms, now_ms, limit});
  return view_->purge(finished_before_ms, forgotten_before_ms, now_ms, limit);
}

void Database::rebuild() {
  view_ = make_memory_store();
  for (const Entry& entry : journal_) {
    if (const auto* change = std::get_if<Change>(&entry)) {
      ChangeOutcome outcome;
      view_->apply({change, 1}, {&outcome, 1});
    } else {
      const Purge& purge = std::get<Purge>(entry);
      (void)view_->purge(purge.finished_before_ms, purge.forgotten_before_ms, purge.now_ms, purge.limit);
    }
  }
}

void Database::sync() {
  for (const auto& [server, change] : std::exchange(unsynced_, {})) {
    journal_.emplace_back(change);
    observe(server, change);
  }
}

// ---- what checkers are shown ------------------------------------------------------------------------------------

void Database::observe(int server, const Change& change) {
  Known& known = known_[number_of(change.gid)];
  Event event;
  event.server = server;
  event.tx = number_of(change.gid);
  for (const Registration& each : change.registrations) {
    known.registered.push_back(std::stoi(each.branch_id) - 1);
    event.kind = EventKind::stored_result;
    event.branch = known.registered.back();
    event.op = parse_op(each.operation).value_or(Op::attempt);
    around_.note(event);
  }
  if (change.create || known.status != change.state.status) {
    known.status = change.state.status;
    event.kind = EventKind::stored_status;
    event.branch = -1;
    event.status = change.state.status;
    event.ok = change.create;
    event.text = change.state.rollback_reason;
    around_.note(event);
  }
  for (const BranchRun& run : change.runs) {
    for (std::uint32_t i = 0; i < run.branches.size(); ++i) {
      observe_row(server, change, known, run.first + i, run.branches[i]);
    }
  }
  for (const NamedBranch& named : change.named) observe_row(server, change, known, named.row, named.state);
}

void Database::observe_row(int server, const Change& change, Known& known, std::uint32_t row,
                           const BranchState& state) {
  if (state.status == BranchStatus::prepared || change.type == TransType::workflow) return;
  if (row >= known.rows.size()) known.rows.resize(row + 1);
  if (known.rows[row]) return;
  known.rows[row] = true;
  Event event;
  event.kind = EventKind::stored_branch;
  event.server = server;
  event.tx = number_of(change.gid);
  event.ok = state.status == BranchStatus::succeed;
  const std::uint32_t half = row / 2;
  const bool second = row % 2 == 1;
  switch (change.type) {
    case TransType::saga:
      event.branch = static_cast<int>(half);
      event.op = second ? Op::action : Op::compensate;
      break;
    case TransType::msg:
      event.branch = static_cast<int>(row);
      event.op = Op::action;
      break;
    case TransType::tcc:
    case TransType::xa:
      if (half >= known.registered.size()) return;
      event.branch = known.registered[half];
      if (change.type == TransType::tcc) event.op = second ? Op::confirm : Op::cancel;
      if (change.type == TransType::xa) event.op = second ? Op::commit : Op::rollback;
      break;
    case TransType::workflow:
      return;
  }
  around_.note(event);
}

}  // namespace settle::sim
