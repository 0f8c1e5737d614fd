// What becomes of a claim whose answers are lost, and of one on a server that cannot skip locked rows.
#include "storage/mysql/claim_attempt.hpp"

#include <doctest/doctest.h>

#include "storage/mysql/test_transactions.hpp"

namespace settle::mysql {
namespace {

// A session that may lose the answer to its COMMIT, or the COMMIT itself.
class UnsteadyConnection final : public Connection {
 public:
  enum class Commit : std::uint8_t { answered, answer_lost, lost };

  UnsteadyConnection(Connection& real, Commit commit, bool skips_locked = true)
      : real_(real), commit_(commit), skips_locked_(skips_locked) {}

  SqlResult<std::uint64_t> execute(const std::string& sql, std::span<const Parameter> parameters) override {
    return real_.execute(sql, parameters);
  }
  SqlResult<Rows> query(const std::string& sql, std::span<const Parameter> parameters) override {
    return real_.query(sql, parameters);
  }
  SqlResult<std::uint64_t> begin() override { return real_.begin(); }
  SqlResult<std::uint64_t> rollback() override { return real_.rollback(); }
  SqlResult<std::uint64_t> commit() override {
    if (commit_ == Commit::answered) return real_.commit();
    must(commit_ == Commit::lost ? real_.rollback() : real_.commit());
    return SqlError{Fault::lost, 2013, "lost"};
  }
  std::uint64_t session_id() const override { return real_.session_id(); }
  const std::string& session_host() const override { return real_.session_host(); }
  const std::string& server_version() const override { return real_.server_version(); }
  bool has_skip_locked() const override { return skips_locked_ && real_.has_skip_locked(); }
  std::int64_t packet_bytes_max() const override { return real_.packet_bytes_max(); }

 private:
  Connection& real_;
  Commit commit_;
  bool skips_locked_;
};

using Commit = UnsteadyConnection::Commit;

const ClaimRequest kRequest{"settle:me", kNowMs, kNowMs + 15'000};

std::vector<std::string> gids_read(const ClaimAttempt& attempt, Connection& connection) {
  std::vector<std::string> gids;
  for (const ClaimAttempt::Read& each : must(attempt.read(connection))) {
    const StoredTransaction transaction = must(each.transaction);
    gids.push_back(transaction.definition->gid);
    CHECK(transaction.state.parked);
    CHECK(transaction.state.next_retry_time_ms == kNowMs);
  }
  return gids;
}

TEST_CASE("mysql claim attempts: the answer to COMMIT is lost -> what was taken is found by its owner") {
  const TestTables tables;
  for (const char* gid : {"a", "b", "c"}) insert(*tables.connection, {gid});
  ClaimAttempt attempt(test_times(), kRequest);
  UnsteadyConnection unsteady(*tables.connection, Commit::answer_lost);
  CHECK(!attempt.take_due(unsteady, 2));
  CHECK(must(attempt.take_due(*tables.connection, 2)) == 2);
  CHECK(gids_read(attempt, *tables.connection) == std::vector<std::string>{"a", "b"});
  CHECK(column(*tables.connection, "c", "owner").empty());
}

TEST_CASE("mysql claim attempts: COMMIT itself is lost -> taken by the next attempt") {
  const TestTables tables;
  insert(*tables.connection, {"g"});
  ClaimAttempt attempt(test_times(), kRequest);
  UnsteadyConnection unsteady(*tables.connection, Commit::lost);
  CHECK(!attempt.take_due(unsteady, 10));
  CHECK(gids_read(attempt, *tables.connection).empty());
  CHECK(must(attempt.take_due(*tables.connection, 10)) == 1);
  CHECK(gids_read(attempt, *tables.connection) == std::vector<std::string>{"g"});
}

TEST_CASE("mysql claim attempts: COMMIT is lost, and another server is quicker -> not ours") {
  const TestTables tables;
  insert(*tables.connection, {"g"});
  ClaimAttempt attempt(test_times(), kRequest);
  UnsteadyConnection unsteady(*tables.connection, Commit::lost);
  CHECK(!attempt.take_due(unsteady, 10));
  const ClaimRequest others{"settle:other", kNowMs, kNowMs + 15'000};
  ClaimAttempt other(test_times(), others);
  CHECK(must(other.take_due(*tables.connection, 10)) == 1);
  CHECK(must(attempt.take_due(*tables.connection, 10)) == 0);
  CHECK(gids_read(attempt, *tables.connection).empty());
  CHECK(gids_read(other, *tables.connection) == std::vector<std::string>{"g"});
}

TEST_CASE("mysql claim attempts: one by its gid, and the answer to COMMIT is lost -> ours in the next attempt") {
  const TestTables tables;
  insert(*tables.connection, {"g"});
  for (const Commit commit : {Commit::lost, Commit::answer_lost}) {
    ClaimAttempt attempt(test_times(), kRequest);
    UnsteadyConnection unsteady(*tables.connection, commit);
    CHECK(!attempt.take_one(unsteady, "g"));
    CHECK(must(must(attempt.take_one(*tables.connection, "g"))) == ClaimResult::claimed);
    CHECK(gids_read(attempt, *tables.connection) == std::vector<std::string>{"g"});
    must_execute(*tables.connection, "UPDATE trans_global SET owner = '', next_cron_time = '2023-11-14 22:13:20'");
  }
}

TEST_CASE("mysql claim attempts: a server that cannot skip locked rows -> the same") {
  const TestTables tables;
  insert(*tables.connection, {"due", GlobalStatus::submitted});
  insert(*tables.connection, {"due, too", GlobalStatus::aborting});
  insert(*tables.connection, {"later", GlobalStatus::submitted, kNowMs + 1'000});
  UnsteadyConnection plain(*tables.connection, Commit::answered, false);
  ClaimAttempt attempt(test_times(), kRequest);
  CHECK(must(attempt.take_due(plain, 10)) == 2);
  CHECK(gids_read(attempt, plain) == std::vector<std::string>{"due", "due, too"});
  ClaimAttempt again(test_times(), kRequest);
  CHECK(must(again.take_due(plain, 10)) == 0);
}

TEST_CASE("mysql claim attempts: finished by somebody else before it is read -> not ours") {
  const TestTables tables;
  insert(*tables.connection, {"g"});
  ClaimAttempt attempt(test_times(), kRequest);
  CHECK(must(attempt.take_due(*tables.connection, 10)) == 1);
  must_execute(*tables.connection, "UPDATE trans_global SET status = 'failed', owner = ''");
  CHECK(gids_read(attempt, *tables.connection).empty());
}

}  // namespace
}  // namespace settle::mysql
