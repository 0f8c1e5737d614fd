// INSERTs of many rows, in few different statements.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "storage/mysql/connection.hpp"
#include "storage/mysql/parameters.hpp"
#include "storage/mysql/rows.hpp"

namespace settle::mysql {

// How many of so many rows the next statement takes: any small number, or a larger one with steps of four between, for
// a transaction mostly brings some rows, and a statement more in a group costs more than a text more to prepare.
std::size_t rows_of_next_insert(std::size_t rows_left);

// Collects the parameters of rows of one form and inserts them. No statement is larger than about half of a packet,
// unless a single row is.
class RowInsert {
 public:
  RowInsert(Connection& connection, std::string_view table, const InsertForm& form);

  // The parameters of one more row are to be appended here. Whatever they refer to must live until flush() has
  // returned.
  Parameters& row();
  // The row is complete. Inserts where enough have come together.
  SqlResult<std::uint64_t> row_done();
  // Inserts what is left.
  SqlResult<std::uint64_t> flush();

 private:
  SqlResult<std::uint64_t> insert(std::size_t first, std::size_t count);

  Connection& connection_;
  const std::string prefix_;
  const std::string_view values_;  // the form's
  const std::size_t parameters_per_row_;
  Parameters parameters_;
  std::size_t rows_ = 0;
  std::size_t counted_ = 0;  // parameters whose bytes are in bytes_
  std::size_t bytes_ = 0;
};

}  // namespace settle::mysql
