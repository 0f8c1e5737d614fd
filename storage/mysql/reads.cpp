#include "storage/mysql/reads.hpp"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>

#include "storage/common/listing.hpp"
#include "storage/mysql/parameters.hpp"
#include "storage/mysql/rows.hpp"

namespace settle::mysql {
namespace {

// So many ids of unfinished transactions are fetched at once: a few bytes each, from an index alone.
constexpr std::size_t kUnfinishedIdsMax = 50'000;

std::string select_from(std::string_view columns, std::string_view rest) {
  return std::string("SELECT ").append(columns).append(" FROM ").append(rest);
}

// Rows of trans_branch_op by gid, each list in the order of their ids.
std::unordered_map<std::string, std::vector<std::size_t>> by_gid(Rows& branches) {
  std::vector<std::pair<std::int64_t, std::size_t>> order;
  for (std::size_t row = 0; row < branches.count(); ++row)
    order.emplace_back(number_at(branches, row, kBranchIdColumn), row);
  std::sort(order.begin(), order.end());
  std::unordered_map<std::string, std::vector<std::size_t>> found;
  for (const auto& [id, row] : order) found[branches.at(row, kBranchGidColumn).value()].push_back(row);
  return found;
}

// In the order of their ids.
SqlResult<std::vector<std::int64_t>> unfinished_ids(Connection& connection, std::int64_t after_id, std::size_t limit) {
  Parameters parameters;
  parameters.number(after_id);
  parameters.number(static_cast<std::int64_t>(limit));
  auto rows = connection.query(
      "SELECT id FROM trans_global WHERE status IN ('prepared', 'submitted', 'aborting') AND id > ? ORDER BY id LIMIT "
      "?",
      parameters.list());
  if (!rows) return rows.error();
  std::vector<std::int64_t> ids;
  for (std::size_t row = 0; row < rows.value().count(); ++row) ids.push_back(number_at(rows.value(), row, 0));
  return ids;
}

// Those of them that are still there and unfinished, in the order of their ids.
SqlResult<ReadTransactions> read_unfinished(Connection& connection, const WallTime& times,
                                            std::span<const std::int64_t> ids) {
  auto heads = read_heads(connection, ids);
  if (!heads) return heads.error();
  Rows& found = heads.value();
  std::vector<std::pair<std::int64_t, std::size_t>> order;
  for (std::size_t row = 0; row < found.count(); ++row) {
    const auto status = parse_global_status(found.at(row, kStatusColumn).value());
    if (!status || !is_final(*status)) order.emplace_back(number_at(found, row, kIdColumn), row);
  }
  std::sort(order.begin(), order.end());
  Rows kept{found.columns, {}};
  for (const auto& [id, row] : order) {
    for (std::size_t column = 0; column < found.columns; ++column) {
      kept.cells.push_back(std::move(found.at(row, column)));
    }
  }
  return read_with_branches(connection, times, std::move(kept));
}

// Where a listing's times begin and end, as texts; nothing: no bound.
std::optional<std::string> earliest(const WallTime& times, std::int64_t min_ms) {
  if (min_ms <= 0) return std::nullopt;
  return times.text(ceil_to_seconds(std::min(min_ms, WallTime::kLastMs)));
}

std::optional<std::string> latest(const WallTime& times, std::int64_t max_ms) {
  if (max_ms >= WallTime::kLastMs) return std::nullopt;
  return times.text(std::max<std::int64_t>(max_ms, 0));
}

}  // namespace

Error taken_for_another(const std::string& gid, const std::string& stored) {
  return {Code::conflict,
          "gid: this database takes '" + gid + "' for the stored '" + stored +
              "'; its column gid does not tell them apart, so use a gid that differs in more than upper "
              "and lower case, accents or spaces at its end"};
}

SqlResult<Rows> read_heads(Connection& connection, std::span<const std::int64_t> ids) {
  static const std::string kSql = select_from(kTransactionColumns, "trans_global WHERE id IN ");
  if (ids.empty()) return Rows{};
  Parameters parameters;
  for (const std::int64_t id : ids) parameters.number(id);
  const std::string list = parameters.close_list(ids.size());
  return connection.query(kSql + list, parameters.list());
}

SqlResult<ReadTransactions> read_with_branches(Connection& connection, const WallTime& times, Rows heads) {
  static const std::string kSql = select_from(kBranchColumns, "trans_branch_op WHERE gid IN ");
  ReadTransactions read;
  const std::size_t count = heads.count();
  if (count == 0) return read;
  Parameters parameters;
  for (std::size_t row = 0; row < count; ++row) parameters.view(heads.at(row, kGidColumn).value());
  const std::string list = parameters.close_list(count);
  auto branches = connection.query(kSql + list, parameters.list());
  if (!branches) return branches.error();
  const auto rows = by_gid(branches.value());
  read.reserve(count);
  for (std::size_t row = 0; row < count; ++row) {
    static const std::vector<std::size_t> kNone;
    const auto found = rows.find(heads.at(row, kGidColumn).value());
    read.push_back(read_whole(times, heads, row, branches.value(), found == rows.end() ? kNone : found->second));
  }
  return read;
}

SqlResult<std::optional<Result<StoredTransaction>>> load(Connection& connection, const WallTime& times,
                                                         const std::string& gid) {
  using Loaded = std::optional<Result<StoredTransaction>>;
  static const std::string kSql = select_from(kTransactionColumns, "trans_global WHERE gid = ?");
  Parameters parameters;
  parameters.view(gid);
  auto heads = connection.query(kSql, parameters.list());
  if (!heads) return heads.error();
  if (heads.value().count() == 0) return Loaded();
  const std::string& stored = heads.value().at(0, kGidColumn).value();
  if (stored != gid) return Loaded(taken_for_another(gid, stored));
  auto read = read_with_branches(connection, times, std::move(heads.value()));
  if (!read) return read.error();
  return Loaded(std::move(read.value().front()));
}

SqlResult<Result<ScanPage>> scan(Connection& connection, const WallTime& times, const ScanFilter& filter,
                                 std::int64_t below, std::size_t limit) {
  std::string rest = "trans_global WHERE id < ?";
  Parameters parameters;
  parameters.number(below);
  const auto restrict_to = [&](const char* condition, std::string value) {
    rest += condition;
    parameters.text(std::move(value));
  };
  if (filter.status) restrict_to(" AND status = ?", std::string(to_string(*filter.status)));
  if (filter.type) restrict_to(" AND trans_type = ?", std::string(to_string(*filter.type)));
  if (auto time = earliest(times, filter.create_time_ms_min)) restrict_to(" AND create_time >= ?", std::move(*time));
  if (auto time = latest(times, filter.create_time_ms_max)) restrict_to(" AND create_time <= ?", std::move(*time));
  // One more than asked for tells whether there is a next page.
  const std::size_t ceiling = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max()) - 1;
  parameters.number(static_cast<std::int64_t>(std::min(limit, ceiling)) + 1);
  auto heads =
      connection.query(select_from(kTransactionColumns, rest + " ORDER BY id DESC LIMIT ?"), parameters.list());
  if (!heads) return heads.error();

  ScanPage page;
  const std::size_t count = heads.value().count();
  for (std::size_t row = 0; row < std::min(count, limit); ++row) {
    auto listed = read_listed(times, heads.value(), row);
    if (!listed) return Result<ScanPage>(std::move(listed.error()));
    page.transactions.push_back(std::move(listed.value()));
  }
  if (count > limit) page.next_position = position_after(kScanPosition, page.transactions.back().id);
  return Result<ScanPage>(std::move(page));
}

SqlResult<Done> visit_unfinished(Pool& pool, const WallTime& times, UniqueFunction<bool(StoredTransaction)> visit,
                                 UniqueFunction<void(Error)> damaged) {
  std::int64_t last_id = 0;
  while (true) {
    const auto ids = pool.run<std::vector<std::int64_t>>(
        [last_id](Connection& connection) { return unfinished_ids(connection, last_id, kUnfinishedIdsMax); });
    if (!ids) return ids.error();
    for (std::size_t first = 0; first < ids.value().size(); first += kReadTogetherMax) {
      const std::span<const std::int64_t> part =
          std::span(ids.value()).subspan(first, std::min(kReadTogetherMax, ids.value().size() - first));
      auto read =
          pool.run<ReadTransactions>([&](Connection& connection) { return read_unfinished(connection, times, part); });
      if (!read) return read.error();
      for (Result<StoredTransaction>& found : read.value()) {
        if (!found) {
          damaged(std::move(found.error()));
        } else if (!visit(std::move(found.value()))) {
          return Done{};
        }
      }
    }
    if (ids.value().size() < kUnfinishedIdsMax) return Done{};
    last_id = ids.value().back();
  }
}

}  // namespace settle::mysql
