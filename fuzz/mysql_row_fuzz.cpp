// Rows of DTM's tables, which may be those of another server: the cells of a row of trans_global, then those of its
// rows of trans_branch_op, with a unit separator behind each; a record separator alone is NULL.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/fuzzer.hpp"
#include "storage/mysql/ext_data.hpp"
#include "storage/mysql/test_rows.hpp"

namespace settle::fuzz {
namespace {

using mysql::Rows;
using mysql::WallTime;

constexpr char kCellEnd = '\x1F';
constexpr std::string_view kNull = "\x1E";
constexpr std::size_t kHeadColumns = 18;
constexpr std::size_t kBranchColumnCount = 8;
constexpr std::size_t kRowsMax = 64;

mysql::Cell read_cell(Input& input) {
  const std::string_view text = input.until(kCellEnd);
  return text == kNull ? mysql::Cell() : mysql::Cell(std::string(text));
}

struct Tables {
  Rows head{kHeadColumns, {}};
  Rows branches{kBranchColumnCount, {}};

  Result<StoredTransaction> read(const WallTime& times) {
    std::vector<std::size_t> rows(branches.count());
    for (std::size_t row = 0; row < rows.size(); ++row) rows[row] = row;
    return mysql::read_whole(times, head, 0, branches, rows);
  }
};

Tables read_tables(Input& input) {
  Tables tables;
  for (std::size_t column = 0; column < kHeadColumns; ++column) tables.head.cells.push_back(read_cell(input));
  while (!input.empty() && tables.branches.count() < kRowsMax) {
    for (std::size_t column = 0; column < kBranchColumnCount; ++column) {
      tables.branches.cells.push_back(read_cell(input));
    }
  }
  return tables;
}

void check_same(const StoredTransaction& one, const StoredTransaction& other) {
  check(*one.definition == *other.definition, "a definition that is written anew is the same");
  check(one.state.status == other.state.status, "a status that is written anew is the same");
  check(one.branches.size() == other.branches.size(), "no row is lost");
  for (std::size_t row = 0; row < one.branches.size(); ++row) {
    check(one.branches[row].status == other.branches[row].status, "a row's status that is written anew is the same");
    const BranchView is = one.branch(row);
    const BranchView was = other.branch(row);
    check(is.branch_id == was.branch_id && is.operation == was.operation && is.payload == was.payload,
          "a row that is written anew is the same");
  }
}

void check_tables(const WallTime& times, Tables tables) {
  Tables listed = tables;
  const auto head = mysql::read_listed(times, listed.head, 0);
  const auto read = tables.read(times);
  if (!read) {
    check(read.error().code == Code::internal, "rows that nobody understands are no client's fault");
    return;
  }
  check(static_cast<bool>(head), "what can be read whole can be listed");
  check(head.value().state.status == read.value().state.status, "a listing shows what is there");
  auto [written_head, written_branches] = mysql::written_rows(times, read.value());
  Tables written{std::move(written_head), std::move(written_branches)};
  const auto again = written.read(times);
  check(static_cast<bool>(again), "what is written anew can be read", again ? "" : again.error().message);
  check_same(read.value(), again.value());
}

void check_time(std::string_view text) {
  for (const auto offset_s : {std::optional<std::int64_t>(0), std::optional<std::int64_t>(-12'600)}) {
    const WallTime times(offset_s);
    const auto wall_ms = times.parse(text);
    if (wall_ms) check(times.text(*wall_ms) == text.substr(0, 19), "a time that is written anew is the same", text);
  }
  const WallTime local(std::nullopt);
  const auto wall_ms = local.parse(text);
  if (wall_ms)
    check(local.parse(local.text(*wall_ms)) == wall_ms, "a local time that is written anew is the same", text);
}

StoredTransaction decoded(std::string_view ext_data, std::size_t rows) {
  StoredTransaction transaction;
  transaction.definition =
      std::make_shared<const Definition>(Definition{.gid = "gid", .create_time_ms = 1'700'000'000'000});
  transaction.state.status = GlobalStatus::submitted;
  transaction.branches.resize(rows);
  mysql::decode_ext_data(ext_data, "", transaction);
  return transaction;
}

void check_ext_data(std::string_view text) {
  constexpr std::size_t kRows = 40;
  const StoredTransaction read = decoded(text, kRows);
  const std::vector<BranchRun> runs{{0, read.branches}};
  const State& state = read.state;
  const std::string written =
      mysql::encode_ext_data(TransType::saga, read.definition->create_time_ms, state, runs, false);
  check(written.size() <= mysql::kExtDataBytesMax, "what is kept beside DTM's columns fits");
  check(written.empty() || is_json(written), "what is kept beside DTM's columns is JSON", written);
  const StoredTransaction again = decoded(written, kRows);
  check(again.state.errors == state.errors && again.state.query_attempts == state.query_attempts, "counters come back");
  check(again.state.last_error == state.last_error, "the last error comes back");
  check(!again.state.exact || state.exact, "a state does not become exact");
  for (std::size_t row = 0; row < kRows; ++row) {
    check(again.branches[row].attempts == read.branches[row].attempts, "attempts come back");
    check(!again.state.exact || again.branches[row].started == read.branches[row].started, "marks come back");
  }
}

}  // namespace

void run(std::string_view bytes) {
  check_time(bytes);
  check_ext_data(bytes);
  Input input(bytes);
  const Tables tables = read_tables(input);
  check_tables(WallTime(0), tables);
}

}  // namespace settle::fuzz
