// One session with the database server, on MySQL Connector/C++. The only file of the adapter, with connection.cpp, that
// knows the connector.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "settle/storage/mysql.hpp"

namespace settle::mysql {

enum class Fault : std::uint8_t {
  lost,       // the connection is gone, or no answer came in time: what was sent last may have been done
  retry,      // a deadlock, a lock that was waited for too long, a conflict between nodes: the transaction was rolled
              // back, and may be tried again
  refused,    // the server does not write at the moment: read-only, disk full, too many connections
  duplicate,  // a unique key; the statement alone was rolled back
  other,      // no such table, a right that is missing, ...
};

struct SqlError {
  Fault fault = Fault::other;
  int code = 0;         // the server's, or the client library's
  std::string message;  // for a person, with the code
};

template <class T>
class SqlResult {
 public:
  SqlResult(T value) : content_(std::move(value)) {}         // NOLINT(google-explicit-constructor)
  SqlResult(SqlError error) : content_(std::move(error)) {}  // NOLINT(google-explicit-constructor)
  explicit operator bool() const { return content_.index() == 0; }
  T& value() { return std::get<0>(content_); }
  const T& value() const { return std::get<0>(content_); }
  const SqlError& error() const { return std::get<1>(content_); }

 private:
  std::variant<T, SqlError> content_;
};

// A bound parameter: NULL, a number, or a text or bytes. Texts must live until the statement has run.
using Parameter = std::variant<std::monostate, std::int64_t, std::string_view>;

// A value of a result as text or bytes, whatever its type; nothing: NULL.
using Cell = std::optional<std::string>;

struct Rows {
  std::size_t columns = 0;
  std::vector<Cell> cells;  // row by row

  std::size_t count() const { return columns == 0 ? 0 : cells.size() / columns; }
  Cell& at(std::size_t row, std::size_t column) { return cells[row * columns + column]; }
};

// Threads: one at a time. After Fault::lost it is good for nothing but to be destroyed.
// Sessions are READ COMMITTED, utf8mb4, with strict SQL mode, and wait for a lock for five seconds at most.
class Connection {
 public:
  static SqlResult<std::unique_ptr<Connection>> open(const MysqlOptions& options);
  virtual ~Connection() = default;

  // Statements are prepared once for each text and kept, the ones used longest ago given up; so the texts should be
  // few. The number of rows that matched, also of those that had these values already.
  virtual SqlResult<std::uint64_t> execute(const std::string& sql, std::span<const Parameter> parameters) = 0;
  virtual SqlResult<Rows> query(const std::string& sql, std::span<const Parameter> parameters) = 0;

  // Outside of begin() and commit() each statement is a transaction of its own.
  virtual SqlResult<std::uint64_t> begin() = 0;
  virtual SqlResult<std::uint64_t> commit() = 0;
  virtual SqlResult<std::uint64_t> rollback() = 0;

  virtual std::uint64_t session_id() const = 0;         // for KILL
  virtual const std::string& session_host() const = 0;  // of our end, as the server's list of sessions shows it
  virtual const std::string& server_version() const = 0;
  virtual bool has_skip_locked() const = 0;           // SELECT … FOR UPDATE SKIP LOCKED
  virtual std::int64_t packet_bytes_max() const = 0;  // max_allowed_packet
};

}  // namespace settle::mysql
