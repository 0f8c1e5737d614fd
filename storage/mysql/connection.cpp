#include "storage/mysql/connection.hpp"

#include <cppconn/connection.h>
#include <cppconn/datatype.h>
#include <cppconn/driver.h>
#include <cppconn/exception.h>
#include <cppconn/prepared_statement.h>
#include <cppconn/resultset.h>
#include <cppconn/resultset_metadata.h>
#include <cppconn/statement.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>

#include "storage/mysql/faults.hpp"

namespace settle::mysql {
namespace {

constexpr std::size_t kPreparedMax = 200;
constexpr int kTooManyPrepared = 1461;
constexpr int kMustPrepareAgain = 1615;

// Strict: what does not fit is an error and is never cut.
constexpr const char* kSessionSettings =
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout = 5, autocommit = 1";
constexpr const char* kReadCommitted = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
constexpr const char* kAboutSession =
    "SELECT CONNECTION_ID(), VERSION(), @@max_allowed_packet,"
    " (SELECT HOST FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID())";

int whole_seconds(std::int64_t time_ms) { return static_cast<int>(std::max<std::int64_t>(1, (time_ms + 999) / 1000)); }

std::int64_t number_of(const Cell& cell) {
  std::int64_t number = 0;
  if (cell) std::from_chars(cell->data(), cell->data() + cell->size(), number);
  return number;
}

// The connector throws; nothing beyond this file does.
template <class Work>
auto guarded(Work work) -> SqlResult<decltype(work())> {
  try {
    return work();
  } catch (const sql::SQLException& error) {
    const int code = error.getErrorCode();
    return SqlError{fault_of(code), code, std::string(error.what()) + " (" + std::to_string(code) + ")"};
  } catch (const std::exception& error) {
    return SqlError{Fault::other, 0, error.what()};
  }
}

// Whether the server of this version ("8.0.36", "10.11.6-MariaDB", "5.7.25-TiDB-v7.1.0") skips rows that are locked.
bool skips_locked(const std::string& version) {
  if (version.find("TiDB") != std::string::npos) return false;
  int major = 0;
  int minor = 0;
  const char* const end = version.data() + version.size();
  const auto [point, error] = std::from_chars(version.data(), end, major);
  if (error == std::errc() && point != end) std::from_chars(point + 1, end, minor);
  const bool maria = version.find("MariaDB") != std::string::npos;
  return maria ? major > 10 || (major == 10 && minor >= 6) : major >= 8;
}

std::string address_of(const MysqlOptions& options) {
  const bool needs_brackets = options.host.find(':') != std::string::npos && options.host.front() != '[';
  return "tcp://" + (needs_brackets ? "[" + options.host + "]" : options.host) + ":" + std::to_string(options.port);
}

sql::ConnectOptionsMap connect_options(const MysqlOptions& options) {
  sql::ConnectOptionsMap map;
  map["hostName"] = sql::SQLString(address_of(options));
  map["userName"] = sql::SQLString(options.user);
  map["password"] = sql::SQLString(options.password);
  if (!options.database.empty()) map["schema"] = sql::SQLString(options.database);
  map["OPT_CONNECT_TIMEOUT"] = whole_seconds(options.connect_timeout_ms);
  map["OPT_READ_TIMEOUT"] = whole_seconds(options.statement_timeout_ms);
  map["OPT_WRITE_TIMEOUT"] = whole_seconds(options.statement_timeout_ms);
  map["OPT_CHARSET_NAME"] = sql::SQLString("utf8mb4");
  map["CLIENT_FOUND_ROWS"] = true;
  return map;
}

class Session final : public Connection {
 public:
  // Throws.
  explicit Session(const MysqlOptions& options) {
    static sql::Driver* const kDriver = get_driver_instance();
    sql::ConnectOptionsMap map = connect_options(options);
    connection_.reset(kDriver->connect(map));
    plain_.reset(connection_->createStatement());
    plain_->execute("SET NAMES utf8mb4");
    plain_->execute(kSessionSettings);
    plain_->execute(kReadCommitted);
    const std::unique_ptr<sql::ResultSet> results(plain_->executeQuery(kAboutSession));
    Rows about = read(*results);
    session_id_ = static_cast<std::uint64_t>(number_of(about.at(0, 0)));
    server_version_ = about.at(0, 1).value_or("");
    packet_bytes_max_ = number_of(about.at(0, 2));
    session_host_ = about.at(0, 3).value_or("");
    has_skip_locked_ = skips_locked(server_version_);
  }

  SqlResult<std::uint64_t> execute(const std::string& sql, std::span<const Parameter> parameters) override {
    if (auto ready = set_autocommit(); !ready) return ready;
    if (parameters.empty()) {
      return guarded([&] { return static_cast<std::uint64_t>(plain_->executeUpdate(sql)); });
    }
    return run<std::uint64_t>(sql, parameters, [](sql::PreparedStatement& statement) {
      return static_cast<std::uint64_t>(statement.executeUpdate());
    });
  }

  SqlResult<Rows> query(const std::string& sql, std::span<const Parameter> parameters) override {
    if (auto ready = set_autocommit(); !ready) return ready.error();
    if (parameters.empty()) {
      return guarded([&] {
        const std::unique_ptr<sql::ResultSet> results(plain_->executeQuery(sql));
        return read(*results);
      });
    }
    return run<Rows>(sql, parameters, [](sql::PreparedStatement& statement) {
      const std::unique_ptr<sql::ResultSet> results(statement.executeQuery());
      return read(*results);
    });
  }

  SqlResult<std::uint64_t> begin() override {
    in_transaction_ = true;
    return std::uint64_t{0};
  }
  SqlResult<std::uint64_t> commit() override { return end("COMMIT"); }
  SqlResult<std::uint64_t> rollback() override { return end("ROLLBACK"); }

  std::uint64_t session_id() const override { return session_id_; }
  const std::string& session_host() const override { return session_host_; }
  const std::string& server_version() const override { return server_version_; }
  bool has_skip_locked() const override { return has_skip_locked_; }
  std::int64_t packet_bytes_max() const override { return packet_bytes_max_; }

 private:
  struct Prepared {
    std::string sql;
    std::unique_ptr<sql::PreparedStatement> statement;
  };
  using PreparedList = std::list<Prepared>;  // the one used last comes first

  // A transaction begins by itself where autocommit is off. A session that writes group after group keeps it off, and
  // saves a START TRANSACTION for each.
  SqlResult<std::uint64_t> set_autocommit() {
    if (autocommit_ != in_transaction_) return std::uint64_t{0};
    auto done = guarded([&] {
      return static_cast<std::uint64_t>(
          plain_->executeUpdate(in_transaction_ ? "SET autocommit = 0" : "SET autocommit = 1"));
    });
    if (done) autocommit_ = !in_transaction_;
    return done;
  }

  SqlResult<std::uint64_t> end(const char* sql) {
    in_transaction_ = false;
    return guarded([&] { return static_cast<std::uint64_t>(plain_->executeUpdate(sql)); });
  }

  static Rows read(sql::ResultSet& results) {
    Rows rows;
    rows.columns = results.getMetaData()->getColumnCount();
    rows.cells.reserve(rows.columns * results.rowsCount());
    while (results.next()) {
      for (std::uint32_t column = 1; column <= rows.columns; ++column) {
        const sql::SQLString text = results.getString(column);
        rows.cells.push_back(results.isNull(column) ? Cell() : Cell(text.asStdString()));
      }
    }
    return rows;
  }

  static void bind(sql::PreparedStatement& statement, std::span<const Parameter> parameters) {
    std::uint32_t number = 0;
    for (const Parameter& parameter : parameters) {
      ++number;
      if (const auto* text = std::get_if<std::string_view>(&parameter)) {
        statement.setString(number, sql::SQLString(text->data(), text->size()));
      } else if (const auto* integer = std::get_if<std::int64_t>(&parameter)) {
        statement.setInt64(number, *integer);
      } else {
        statement.setNull(number, sql::DataType::VARCHAR);
      }
    }
  }

  template <class T, class Work>
  SqlResult<T> run(const std::string& sql, std::span<const Parameter> parameters, const Work& work) {
    SqlResult<T> result = run_once<T>(sql, parameters, work);
    if (result) return result;
    const int code = result.error().code;
    if (code != kTooManyPrepared && code != kMustPrepareAgain) return result;
    // Neither has done anything yet. The server's limit counts the statements of all sessions.
    index_.clear();
    prepared_.clear();
    return run_once<T>(sql, parameters, work);
  }

  template <class T, class Work>
  SqlResult<T> run_once(const std::string& sql, std::span<const Parameter> parameters, const Work& work) {
    return guarded([&] {
      sql::PreparedStatement& statement = prepared(sql);
      bind(statement, parameters);
      return work(statement);
    });
  }

  sql::PreparedStatement& prepared(const std::string& sql) {
    const auto found = index_.find(sql);
    if (found != index_.end()) {
      prepared_.splice(prepared_.begin(), prepared_, found->second);
      return *found->second->statement;
    }
    std::unique_ptr<sql::PreparedStatement> statement(connection_->prepareStatement(sql));
    if (prepared_.size() == kPreparedMax) {
      index_.erase(prepared_.back().sql);
      prepared_.pop_back();
    }
    prepared_.push_front({sql, std::move(statement)});
    index_.emplace(prepared_.front().sql, prepared_.begin());
    return *prepared_.front().statement;
  }

  // Statements go before what they were made by.
  std::unique_ptr<sql::Connection> connection_;
  std::unique_ptr<sql::Statement> plain_;
  PreparedList prepared_;
  std::unordered_map<std::string_view, PreparedList::iterator> index_;  // views of the list's texts
  std::uint64_t session_id_ = 0;
  std::string session_host_;
  std::string server_version_;
  std::int64_t packet_bytes_max_ = 0;
  bool autocommit_ = true;       // as the server has it
  bool in_transaction_ = false;  // between begin() and its end
  bool has_skip_locked_ = false;
};

}  // namespace

SqlResult<std::unique_ptr<Connection>> Connection::open(const MysqlOptions& options) {
  return guarded([&]() -> std::unique_ptr<Connection> { return std::make_unique<Session>(options); });
}

}  // namespace settle::mysql
