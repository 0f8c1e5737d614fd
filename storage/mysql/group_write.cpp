#include "storage/mysql/group_write.hpp"

#include <algorithm>
#include <compare>
#include <iterator>
#include <string>
#include <tuple>

#include "storage/mysql/parameters.hpp"
#include "storage/mysql/row_insert.hpp"

namespace settle::mysql {
namespace {

constexpr std::size_t kGidsOfOneUpdate = 64;

SqlError misfit() { return {Fault::duplicate, 0, "a change that does not fit what is stored"}; }

// What an UPDATE does about who holds the transaction; see the table above Change.
enum class HoldRule : std::uint8_t {
  set,     // owner and next_cron_time are set
  unless,  // where a lease runs, both stay
};

HoldRule hold_rule(const Change& change) {
  const bool stays = change.held_as.empty() && change.hold_as.empty() && change.state.status == change.expected_status;
  return stays ? HoldRule::unless : HoldRule::set;
}

// Less than 0, 0, more than 0: by what the UPDATE of a transaction sets and expects, but for the owner.
std::strong_ordering compare_updates(const PlannedChange& a, const PlannedChange& b) {
  const auto by_kind = [](const PlannedChange& planned) {
    const Change& change = *planned.change;
    // A definition is never the same as another.
    return std::tuple(change.expected_status, hold_rule(change), change.definition ? &planned : nullptr);
  };
  const auto kinds = by_kind(a) <=> by_kind(b);
  return std::is_neq(kinds) ? kinds : a.columns <=> b.columns;
}

// "(gid, owner)" is one of these, or there is no such condition.
void append_owner_condition(std::string& sql, Parameters& parameters, std::span<PlannedChange* const> changes) {
  const std::string& owner = changes.front()->change->held_as;
  const bool are_equal = std::all_of(changes.begin(), changes.end(),
                                     [&](const PlannedChange* planned) { return planned->change->held_as == owner; });
  if (are_equal) {
    if (owner.empty()) return;
    sql += " AND owner = ?";
    parameters.view(owner);
    return;
  }
  // Pairs: an owner that is right for one of them may be an older or a newer hold of another.
  sql += " AND (gid, owner) IN (";
  const std::size_t count = padded_count(changes.size());
  for (std::size_t i = 0; i < count; ++i) {
    sql += i == 0 ? "(?,?)" : ",(?,?)";
    const Change& change = *changes[std::min(i, changes.size() - 1)]->change;
    parameters.view(change.gid);
    parameters.view(change.held_as);
  }
  sql += ')';
}

}  // namespace

bool is_misfit(const SqlError& error) { return error.fault == Fault::duplicate; }

GroupWrite::GroupWrite(Connection& connection, std::span<PlannedChange> plan) : connection_(connection) {
  live_.reserve(plan.size());
  for (PlannedChange& planned : plan) {
    *planned.outcome = {};
    live_.push_back(&planned);
  }
}

void GroupWrite::set_applied() {
  for (const PlannedChange* planned : live_) planned->outcome->result = ChangeResult::applied;
}

SqlResult<Done> GroupWrite::write() {
  if (auto done = create_transactions(); !done) return done;
  if (auto done = update_transactions(); !done) return done;
  if (auto done = insert_branches(); !done) return done;
  return update_branches();
}

SqlResult<Done> GroupWrite::create_transactions() {
  RowInsert plain(connection_, "trans_global", kNewTransactionInsert);
  RowInsert other(connection_, "trans_global", kTransactionInsert);
  for (const PlannedChange* planned : live_) {
    if (!planned->change->create) continue;
    RowInsert& insert = are_new(planned->columns) ? plain : other;
    append_transaction(insert.row(), *planned->change->definition, planned->create_time, planned->columns);
    if (const auto done = insert.row_done(); !done) return done.error();
  }
  if (const auto done = plain.flush(); !done) return done.error();
  if (const auto done = other.flush(); !done) return done.error();
  return Done{};
}

SqlResult<Done> GroupWrite::update_transactions() {
  std::vector<PlannedChange*> changes;
  changes.reserve(live_.size());
  std::copy_if(live_.begin(), live_.end(), std::back_inserter(changes),
               [](const PlannedChange* planned) { return !planned->change->create; });
  std::stable_sort(changes.begin(), changes.end(),
                   [](const PlannedChange* a, const PlannedChange* b) { return std::is_lt(compare_updates(*a, *b)); });
  for (std::size_t first = 0; first < changes.size();) {
    std::size_t last = first + 1;
    while (last < changes.size() && last - first < kGidsOfOneUpdate &&
           std::is_eq(compare_updates(*changes[first], *changes[last]))) {
      ++last;
    }
    if (auto done = update_equal(std::span(changes).subspan(first, last - first)); !done) return done;
    first = last;
  }
  return Done{};
}

SqlResult<Done> GroupWrite::update_equal(std::span<PlannedChange* const> changes) {
  const PlannedChange& planned = *changes.front();
  const Change& change = *planned.change;
  std::string sql = "UPDATE trans_global FORCE INDEX (gid) SET " + std::string(kStateAssignments);
  Parameters parameters;
  append_state(parameters, planned.columns);
  if (change.definition) {
    (sql += ", ") += kDefinitionAssignments;
    append_definition(parameters, *change.definition);
  }
  if (hold_rule(change) == HoldRule::set) {
    sql += ", owner = ?, next_cron_time = ?";
    parameters.view(planned.columns.owner);
    parameters.time(planned.columns.next_cron_time);
  } else {
    sql += ", next_cron_time = IF(owner = '' OR next_cron_time <= ?, ?, next_cron_time)";
    parameters.time(planned.columns.update_time);
    parameters.time(planned.columns.next_cron_time);
  }
  for (const PlannedChange* each : changes) parameters.view(each->change->gid);
  sql += " WHERE gid IN " + parameters.close_list(changes.size()) + " AND status = ?";
  parameters.view(to_string(change.expected_status));
  append_owner_condition(sql, parameters, changes);
  const auto matched = connection_.execute(sql, parameters.list());
  if (!matched) return matched.error();
  if (matched.value() != changes.size()) return misfit();
  return Done{};
}

}  // namespace settle::mysql
