#include "storage/mysql/claim_attempt.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>

#include "storage/mysql/parameters.hpp"
#include "storage/mysql/reads.hpp"
#include "storage/mysql/rows.hpp"

namespace settle::mysql {
namespace {

constexpr std::int64_t kPutOffMs = 60'000;

bool is_ours(const std::string& owner) { return owner.starts_with(kOwnerPrefix); }

struct Candidate {
  std::int64_t id = 0;
  Cell owner;
  Cell next_cron_time;
};

std::vector<Candidate> candidates_in(Rows& rows) {
  std::vector<Candidate> candidates;
  for (std::size_t row = 0; row < rows.count(); ++row) {
    candidates.push_back({number_at(rows, row, 0), std::move(rows.at(row, 1)), std::move(rows.at(row, 2))});
  }
  return candidates;
}

// Due longest first, and no more than that.
void sort_and_cut(std::vector<Candidate>& candidates, std::size_t limit) {
  std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate& left, const Candidate& right) {
    return left.next_cron_time < right.next_cron_time;
  });
  if (candidates.size() > limit) candidates.resize(limit);
}

// Those that are due, each status through the index; locked where `lock` says so.
SqlResult<std::vector<Candidate>> due(Connection& connection, const std::string& now, std::size_t limit,
                                      std::string_view lock) {
  std::vector<Candidate> all;
  for (const GlobalStatus status : {GlobalStatus::prepared, GlobalStatus::submitted, GlobalStatus::aborting}) {
    Parameters parameters;
    parameters.view(to_string(status));
    parameters.view(now);
    parameters.number(static_cast<std::int64_t>(limit));
    auto rows = connection.query(
        std::string("SELECT id, owner, next_cron_time FROM trans_global WHERE status = ? AND next_cron_time <= ? "
                    "ORDER BY next_cron_time LIMIT ?")
            .append(lock),
        parameters.list());
    if (!rows) return rows.error();
    for (Candidate& candidate : candidates_in(rows.value())) all.push_back(std::move(candidate));
  }
  sort_and_cut(all, limit);
  return all;
}

std::vector<std::int64_t> ids_of(const std::vector<Candidate>& candidates) {
  std::vector<std::int64_t> ids;
  ids.reserve(candidates.size());
  for (const Candidate& candidate : candidates) ids.push_back(candidate.id);
  std::sort(ids.begin(), ids.end());  // in this order they are locked
  return ids;
}

// Without SKIP LOCKED: looked up without a lock, then locked by id and looked at again.
SqlResult<std::vector<Candidate>> lock_due(Connection& connection, const std::string& now, std::size_t limit) {
  auto seen = due(connection, now, limit, "");
  if (!seen || seen.value().empty()) return seen;
  const std::vector<std::int64_t> ids = ids_of(seen.value());
  Parameters parameters;
  for (const std::int64_t id : ids) parameters.number(id);
  const std::string list = parameters.close_list(ids.size());
  parameters.view(now);
  auto rows = connection.query("SELECT id, owner, next_cron_time FROM trans_global WHERE id IN " + list +
                                   " AND next_cron_time <= ? AND status IN ('prepared', 'submitted', 'aborting') "
                                   "FOR UPDATE",
                               parameters.list());
  if (!rows) return rows.error();
  auto locked = candidates_in(rows.value());
  sort_and_cut(locked, limit);
  return locked;
}

}  // namespace

ClaimAttempt::ClaimAttempt(const WallTime& times, const ClaimRequest& request)
    : times_(times),
      request_(request),
      now_(times.text(request.now_ms)),
      lease_until_(times.text(request.lease_until_ms)) {}

SqlResult<std::size_t> ClaimAttempt::take_due(Connection& connection, std::size_t limit) {
  auto already = count_ours(connection);
  if (!already || already.value() >= limit) return already;
  if (auto begun = connection.begin(); !begun) return begun.error();
  const std::size_t room = limit - already.value();
  auto candidates = connection.has_skip_locked() ? due(connection, now_, room, " FOR UPDATE SKIP LOCKED")
                                                 : lock_due(connection, now_, room);
  if (!candidates) return candidates.error();
  for (Candidate& candidate : candidates.value()) {
    before_.insert_or_assign(candidate.id, Before{std::move(candidate.owner), std::move(candidate.next_cron_time)});
  }
  const std::vector<std::int64_t> ids = ids_of(candidates.value());
  for (std::size_t first = 0; first < ids.size(); first += kReadTogetherMax) {
    const auto part = std::span(ids).subspan(first, std::min(kReadTogetherMax, ids.size() - first));
    if (auto taken = take(connection, part); !taken) return taken.error();
  }
  if (auto ended = connection.commit(); !ended) return ended.error();
  return already.value() + ids.size();
}

// How many an earlier attempt has taken, whose answer was lost.
SqlResult<std::size_t> ClaimAttempt::count_ours(Connection& connection) const {
  if (before_.empty()) return std::size_t{0};
  Parameters parameters;
  parameters.view(request_.owner);
  auto rows = connection.query("SELECT COUNT(*) FROM trans_global WHERE owner = ?", parameters.list());
  if (!rows) return rows.error();
  return static_cast<std::size_t>(number_at(rows.value(), 0, 0));
}

// They are locked.
SqlResult<Done> ClaimAttempt::take(Connection& connection, std::span<const std::int64_t> ids) const {
  Parameters parameters;
  parameters.view(request_.owner);
  parameters.view(lease_until_);
  for (const std::int64_t id : ids) parameters.number(id);
  const std::string list = parameters.close_list(ids.size());
  const auto updated = connection.execute("UPDATE trans_global SET owner = ?, next_cron_time = ? WHERE id IN " + list,
                                          parameters.list());
  if (!updated) return updated.error();
  return Done{};
}

bool ClaimAttempt::is_free(const Cell& owner, const Cell& next_cron_time, const Cell& update_time) const {
  if (!owner || owner->empty() || !next_cron_time || *next_cron_time <= now_) return true;
  return !is_ours(*owner) && (!update_time || *update_time < times_.text(request_.now_ms - kDtmAtWorkMs));
}

SqlResult<Result<ClaimResult>> ClaimAttempt::take_one(Connection& connection, const std::string& gid) {
  if (auto begun = connection.begin(); !begun) return begun.error();
  Parameters parameters;
  parameters.view(gid);
  auto rows = connection.query(
      "SELECT id, gid, status, owner, next_cron_time, update_time FROM trans_global WHERE gid = ? FOR UPDATE",
      parameters.list());
  if (!rows) return rows.error();
  Rows& found = rows.value();
  Result<ClaimResult> result = ClaimResult::absent;
  if (found.count() > 0) {
    const std::string& stored = found.at(0, 1).value();
    const auto status = parse_global_status(found.at(0, 2).value());
    const std::int64_t id = number_at(found, 0, 0);
    if (stored != gid) {
      result = taken_for_another(gid, stored);
    } else if (!status || !is_final(*status)) {
      const bool ours_already = found.at(0, 3) == request_.owner;  // an earlier attempt, whose answer was lost
      if (ours_already) {
        result = ClaimResult::claimed;
      } else if (is_free(found.at(0, 3), found.at(0, 4), found.at(0, 5))) {
        before_.insert_or_assign(id, Before{std::move(found.at(0, 3)), std::move(found.at(0, 4))});
        if (auto taken = take(connection, std::span(&id, 1)); !taken) return taken.error();
        result = ClaimResult::claimed;
      } else {
        result = ClaimResult::busy;
      }
    }
  }
  if (auto ended = connection.commit(); !ended) return ended.error();
  return result;
}

SqlResult<std::vector<ClaimAttempt::Read>> ClaimAttempt::read(Connection& connection) const {
  std::vector<std::pair<Cell, std::int64_t>> order;  // by when each was due
  for (const auto& [id, before] : before_) order.emplace_back(before.next_cron_time, id);
  std::sort(order.begin(), order.end());
  std::vector<Read> all;
  for (std::size_t first = 0; first < order.size(); first += kReadTogetherMax) {
    const std::size_t count = std::min(kReadTogetherMax, order.size() - first);
    std::vector<std::int64_t> ids;
    for (std::size_t i = first; i < first + count; ++i) ids.push_back(order[i].second);
    auto read = read_part(connection, ids);
    if (!read) return read.error();
    for (Read& each : read.value()) all.push_back(std::move(each));
  }
  return all;
}

SqlResult<std::vector<ClaimAttempt::Read>> ClaimAttempt::read_part(Connection& connection,
                                                                   const std::vector<std::int64_t>& ids) const {
  auto heads = read_heads(connection, ids);
  if (!heads) return heads.error();
  Rows& found = heads.value();
  std::map<std::int64_t, std::size_t> rows;
  for (std::size_t row = 0; row < found.count(); ++row) {
    if (found.at(row, kOwnerColumn) == request_.owner) rows.emplace(number_at(found, row, kIdColumn), row);
  }
  Rows ours{found.columns, {}};
  std::vector<std::int64_t> ours_ids;
  for (const std::int64_t id : ids) {
    const auto row = rows.find(id);
    if (row == rows.end()) continue;
    const Before& before = before_.at(id);
    found.at(row->second, kOwnerColumn) = before.owner;
    found.at(row->second, kNextCronTimeColumn) = before.next_cron_time;
    for (std::size_t column = 0; column < found.columns; ++column) {
      ours.cells.push_back(std::move(found.at(row->second, column)));
    }
    ours_ids.push_back(id);
  }
  auto read = read_with_branches(connection, times_, std::move(ours));
  if (!read) return read.error();
  std::vector<Read> part;
  for (std::size_t i = 0; i < ours_ids.size(); ++i) part.push_back({ours_ids[i], std::move(read.value()[i])});
  return part;
}

SqlResult<Done> ClaimAttempt::put_off(Connection& connection, std::int64_t id) const {
  Parameters parameters;
  parameters.text(before_.at(id).owner.value_or(""));
  parameters.text(times_.text(request_.now_ms + kPutOffMs));
  parameters.number(id);
  parameters.view(request_.owner);
  const auto updated = connection.execute(
      "UPDATE trans_global SET owner = ?, next_cron_time = ? WHERE id = ? AND owner = ?", parameters.list());
  if (!updated) return updated.error();
  return Done{};
}

}  // namespace settle::mysql
