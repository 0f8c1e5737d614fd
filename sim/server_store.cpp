#include "sim/server_store.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace settle::sim {

void ServerStore::break_for_ms(std::int64_t for_ms) {
  broken_until_ms_ = std::max(broken_until_ms_, around_.world.now_ms() + for_ms);
}

std::int64_t ServerStore::lease_left_ms(int tx) const {
  if (!around_.plan.shared) return INT64_MAX;
  const auto lease = leases_.find(tx);
  if (lease == leases_.end()) return -1;
  return lease->second - process_.now().steady_ms;
}

StoreTraits ServerStore::traits() const {
  StoreTraits traits = database_.view().traits();
  traits.lanes = around_.plan.lanes;
  return traits;
}

void ServerStore::take_time() {
  if (!opened_) return;
  const bool slow = around_.draw(around_.random, Fault::slow_store);
  around_.world.block_ms(slow ? around_.random.between(50, 6'000) : around_.random.between(0, 3));
}

bool ServerStore::read_fails() {
  take_time();
  return around_.draw(around_.random, Fault::read_fails);
}

// ---- writes -----------------------------------------------------------------------------------------------------

void ServerStore::apply(std::span<const Change> group, std::span<ChangeOutcome> outcomes) {
  const Moment asked = process_.now();
  for (ChangeOutcome& outcome : outcomes) outcome = {ChangeResult::failed, 0};
  const auto fail = [&](std::size_t from) {
    // Of several lanes the others go on, and a repair does not say whose it is.
    broken_ = around_.plan.lanes == 1;
    for (std::size_t i = from; i < group.size(); ++i) {
      Event event;
      event.kind = EventKind::wrote_unknown;
      event.server = server_;
      event.life = process_.lives();
      event.tx = number_of(group[i].gid);
      around_.note(event);
      grant(group[i], ChangeResult::failed, asked);
    }
  };
  if (!process_.alive()) return;
  take_time();
  if (broken_ || around_.world.now_ms() < broken_until_ms_) return fail(0);
  testing::SeededRandom& random = around_.random;
  if (around_.draw(random, Fault::crash_in_write)) {
    if (random.below(2) == 0) database_.apply(server_, group, outcomes);
    for (ChangeOutcome& outcome : outcomes) outcome = {ChangeResult::failed, 0};
    process_.kill();
    return;
  }
  if (around_.draw(random, Fault::write_fails)) return fail(0);
  if (around_.draw(random, Fault::write_unknown)) {
    const std::size_t certain = random.below(2) == 0 ? 0 : random.below(group.size());
    database_.apply(server_, group.first(certain), outcomes.first(certain));
    for (std::size_t i = 0; i < certain; ++i) grant(group[i], outcomes[i].result, asked);
    for (std::size_t i = certain; i < group.size(); ++i) database_.apply_unknown(server_, group[i], random);
    return fail(certain);
  }
  if (around_.plant == WrapperPlant::write_without_owner) {
    std::vector<Change> changed(group.begin(), group.end());
    for (Change& each : changed) each.held_as.clear();
    database_.apply(server_, changed, outcomes);
  } else {
    database_.apply(server_, group, outcomes);
  }
  for (std::size_t i = 0; i < group.size(); ++i) grant(group[i], outcomes[i].result, asked);
}

Result<Done> ServerStore::repair() {
  take_time();
  if (around_.world.now_ms() < broken_until_ms_ || around_.draw(around_.random, Fault::repair_fails)) {
    return Error{Code::internal, "still broken: a fault of the simulator"};
  }
  database_.settle(server_, around_.random);
  broken_ = false;
  return Done{};
}

// ---- leases -----------------------------------------------------------------------------------------------------

void ServerStore::grant(const Change& change, ChangeResult result, Moment asked) {
  if (!around_.plan.shared) return;
  const int tx = number_of(change.gid);
  const bool taken = result == ChangeResult::applied && !change.hold_as.empty();
  const bool let_go = result == ChangeResult::applied && change.hold_as.empty() && !change.held_as.empty();
  if (taken) {
    leases_[tx] = asked.steady_ms + change.lease_until_ms / 1000 * 1000 - asked.wall_ms;
  } else if (let_go) {
    leases_.erase(tx);
  }
}

void ServerStore::grant_claimed(const StoredTransaction& claimed, const ClaimRequest& request, Moment asked) {
  if (!claimed.owner.empty()) {
    Event event;
    event.kind = EventKind::taken_over;
    event.server = server_;
    event.life = process_.lives();
    event.tx = number_of(claimed.definition->gid);
    around_.note(event);
  }
  // By a clock that is ahead a coordinator may claim what it works on already: it goes on by the lease that it had.
  std::int64_t& lease = leases_[number_of(claimed.definition->gid)];
  lease = std::max(lease, asked.steady_ms + request.lease_until_ms / 1000 * 1000 - asked.wall_ms);
}

ClaimRequest ServerStore::asked_for(const ClaimRequest& request) const {
  ClaimRequest asked = request;
  if (around_.plant == WrapperPlant::claim_without_lease) asked.lease_until_ms = request.now_ms;
  return asked;
}

Result<Claimed> ServerStore::claim(const ClaimRequest& request, std::size_t limit,
                                   UniqueFunction<void(Error)> damaged) {
  const Moment asked = process_.now();
  if (read_fails()) return unreadable();
  Result<Claimed> claimed = database_.view().claim(asked_for(request), limit, std::move(damaged));
  if (claimed) {
    for (const StoredTransaction& each : claimed.value().transactions) grant_claimed(each, request, asked);
  }
  return claimed;
}

Result<ClaimedOne> ServerStore::claim_one(const std::string& gid, const ClaimRequest& request) {
  const Moment asked = process_.now();
  if (read_fails()) return unreadable();
  Result<ClaimedOne> claimed = database_.view().claim_one(gid, asked_for(request));
  if (claimed && claimed.value().transaction) grant_claimed(*claimed.value().transaction, request, asked);
  return claimed;
}

Result<std::size_t> ServerStore::make_due(std::int64_t later_than_ms, std::int64_t now_ms, std::size_t limit) {
  return database_.view().make_due(later_than_ms, now_ms, limit);
}

Result<std::size_t> ServerStore::end_leases(const std::function<bool(const std::string& owner)>& is_gone,
                                            std::int64_t now_ms) {
  // It takes no time: the claim behind it in the same task would go by a later clock, and yet take effect now.
  if (around_.draw(around_.random, Fault::read_fails)) return unreadable();
  return database_.view().end_leases(is_gone, now_ms);
}

// ---- reads ------------------------------------------------------------------------------------------------------

Result<std::optional<StoredTransaction>> ServerStore::load(const std::string& gid) {
  if (read_fails()) return unreadable();
  return database_.view().load(gid);
}

Result<std::optional<GlobalStatus>> ServerStore::purged_status(const std::string& gid) {
  return database_.view().purged_status(gid);
}

Result<ScanPage> ServerStore::scan(const ScanFilter& filter, const std::string& position, std::size_t limit) {
  if (read_fails()) return unreadable();
  return database_.view().scan(filter, position, limit);
}

Result<std::optional<KeyValue>> ServerStore::load_key_value(const std::string& category, const std::string& key) {
  return database_.view().load_key_value(category, key);
}

Result<KeyValuePage> ServerStore::scan_key_values(const std::string& category, const std::string& position,
                                                  std::size_t limit) {
  return database_.view().scan_key_values(category, position, limit);
}

Result<Done> ServerStore::visit_unfinished(UniqueFunction<bool(StoredTransaction)> visit,
                                           UniqueFunction<void(Error)> damaged) {
  return database_.view().visit_unfinished(std::move(visit), std::move(damaged));
}

Result<PurgeResult> ServerStore::purge(std::int64_t finished_before_ms, std::int64_t forgotten_before_ms,
                                       std::int64_t now_ms, std::size_t limit) {
  take_time();
  return database_.purge(finished_before_ms, forgotten_before_ms, now_ms, limit);
}

}  // namespace settle::sim
