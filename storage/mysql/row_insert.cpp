#include "storage/mysql/row_insert.hpp"

#include <algorithm>
#include <variant>

namespace settle::mysql {
namespace {

constexpr std::size_t kRowsOfOneMax = 128;
constexpr std::size_t kRowsCollectedMax = 1024;
constexpr std::size_t kExactMax = 32;
constexpr std::size_t kStep = 4;  // beyond that

std::size_t size_of(const Parameter& parameter) {
  const auto* const text = std::get_if<std::string_view>(&parameter);
  return text != nullptr ? text->size() + 9 : 8;
}

}  // namespace

std::size_t rows_of_next_insert(std::size_t rows_left) {
  return rows_left <= kExactMax ? rows_left : std::min(rows_left / kStep * kStep, kRowsOfOneMax);
}

RowInsert::RowInsert(Connection& connection, std::string_view table, const InsertForm& form)
    : connection_(connection),
      prefix_("INSERT INTO " + std::string(table) + " (" + std::string(form.columns) + ") VALUES "),
      values_(form.values),
      parameters_per_row_(static_cast<std::size_t>(std::count(values_.begin(), values_.end(), '?'))) {}

Parameters& RowInsert::row() { return parameters_; }

SqlResult<std::uint64_t> RowInsert::row_done() {
  ++rows_;
  const auto list = parameters_.list();
  std::size_t row_bytes = 0;
  for (; counted_ < list.size(); ++counted_) row_bytes += size_of(list[counted_]);
  bytes_ += row_bytes;
  const bool is_full = bytes_ > static_cast<std::size_t>(connection_.packet_bytes_max()) / 2;
  if (!is_full && rows_ < kRowsCollectedMax) return std::uint64_t{0};
  if (is_full && rows_ > 1) {
    // The newest one made it too large, and may do so again with the next.
    auto inserted = insert(0, rows_ - 1);
    if (!inserted) return inserted;
    inserted = insert(rows_ - 1, 1);
    if (!inserted) return inserted;
    parameters_ = {};
    rows_ = counted_ = bytes_ = 0;
    return inserted;
  }
  return flush();
}

SqlResult<std::uint64_t> RowInsert::flush() {
  auto inserted = insert(0, rows_);
  parameters_ = {};
  rows_ = counted_ = bytes_ = 0;
  return inserted;
}

SqlResult<std::uint64_t> RowInsert::insert(std::size_t first, std::size_t count) {
  while (count > 0) {
    const std::size_t rows = rows_of_next_insert(count);
    std::string sql = prefix_;
    for (std::size_t i = 0; i < rows; ++i) (i == 0 ? sql : sql += ',') += values_;
    const auto inserted =
        connection_.execute(sql, parameters_.list().subspan(first * parameters_per_row_, rows * parameters_per_row_));
    if (!inserted) return inserted.error();
    first += rows;
    count -= rows;
  }
  return std::uint64_t{0};
}

}  // namespace settle::mysql
