#include "storage/mysql/writes.hpp"

#include <algorithm>
#include <iterator>

#include "storage/mysql/faults.hpp"
#include "storage/mysql/group_write.hpp"

namespace settle::mysql {
namespace {

constexpr std::size_t kChangesOfOneTransaction = 256;
// Between a look and the write somebody may come: then there is another look, up to so often.
constexpr int kCarefulAttempts = 3;

// Its number tells it from all that the database says. Nobody knows whether it was committed.
constexpr int kUnknownCommit = -1;

}  // namespace

Writes::Writes(Pool& pool, const WallTime& times, const MysqlOptions& options, const Log& log)
    : pool_(pool),
      times_(times),
      patience_ms_(options.patience_ms),
      log_(log),
      trouble_(log, "the database takes writes again") {}

void Writes::apply(std::span<const Change> group, std::span<ChangeOutcome> outcomes) {
  std::fill(outcomes.begin(), outcomes.end(), ChangeOutcome{});
  if (is_broken()) return;
  TimeTexts times(times_);
  std::vector<PlannedChange> plan = plan_group(times, group, outcomes);
  Patience patience(patience_ms_);
  for (std::size_t first = 0; first < plan.size(); first += kChangesOfOneTransaction) {
    const std::size_t count = std::min(kChangesOfOneTransaction, plan.size() - first);
    if (write(std::span(plan).subspan(first, count), patience)) continue;
    note_broken({});
    return;
  }
  trouble_.fine();
}

bool Writes::write(std::span<PlannedChange> plan, Patience& patience) {
  Approach approach = Approach::hopeful;
  int careful_attempts = 0;
  while (true) {
    auto lease = pool_.take(patience);
    if (!lease) {
      trouble_.trouble("the database cannot be written to: " + lease.error().message);
      return false;
    }
    const auto done = attempt(lease.value(), plan, approach);
    if (done) return true;
    const SqlError& error = done.error();
    const bool again = error.code != kUnknownCommit && pool_.settle_fault(lease.value(), error, patience);
    if (again) continue;
    const bool is_ones_fault = is_misfit(error) || is_bad_value(error.code);
    if (!is_ones_fault) {
      trouble_.trouble("the database does not take what is written: " + error.message);
      return false;
    }
    if (is_misfit(error) && careful_attempts++ < kCarefulAttempts) {
      approach = Approach::careful;
    } else if (plan.size() == 1) {
      give_up(plan.front(), error);
      return true;
    } else {
      lease = Pool::Lease();
      return write_singly(plan, patience);
    }
  }
}

bool Writes::write_singly(std::span<PlannedChange> plan, Patience& patience) {
  for (std::size_t i = 0; i < plan.size(); ++i) {
    if (!write(plan.subspan(i, 1), patience)) return false;
  }
  return true;
}

SqlResult<Done> Writes::attempt(Pool::Lease& lease, std::span<PlannedChange> plan, Approach approach) {
  GroupWrite group(*lease, plan);
  if (const auto begun = lease->begin(); !begun) return begun.error();
  if (approach != Approach::hopeful) {
    if (auto done = group.refuse_misfits(); !done) return done;
  }
  if (group.has_work()) {
    if (auto done = group.write(); !done) return done;
  }
  if (auto done = commit(lease, plan); !done) return done;
  group.set_applied();
  for (const PlannedChange& planned : plan) {
    if (!log_ || !planned.change->create || planned.outcome->result != ChangeResult::conflict) continue;
    log_(LogLevel::error, planned.change->gid,
         "cannot be stored: branches of this gid are stored without a transaction");
  }
  return Done{};
}

SqlResult<Done> Writes::commit(Pool::Lease& lease, std::span<const PlannedChange> plan) {
  const auto committed = lease->commit();
  if (committed) return Done{};
  if (rolled_back_at_commit(committed.error().code)) return committed.error();
  lease.abandon();
  Unknown unknown;
  unknown.gids.reserve(plan.size());
  for (const PlannedChange& planned : plan) unknown.gids.push_back(planned.change->gid);
  note_broken(std::move(unknown));
  return SqlError{Fault::lost, kUnknownCommit, "the outcome of a COMMIT is unknown: " + committed.error().message};
}

void Writes::give_up(PlannedChange& planned, const SqlError& error) {
  planned.outcome->result = planned.change->create && is_misfit(error) ? ChangeResult::exists : ChangeResult::conflict;
  if (log_) log_(LogLevel::error, planned.change->gid, "cannot be stored: " + error.message);
}

}  // namespace settle::mysql
