// What becomes of writes when the database or the way to it fails.
#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "storage/mysql/test_database.hpp"
#include "tests/conformance/store_values.hpp"
#include "tests/support/cutting_proxy.hpp"

namespace settle::mysql {
namespace {

using Cut = CuttingProxy::Cut;
using Status = GlobalStatus;

// As it is sent; a session's settings hold the word, too.
const std::string kCommit =
    "\x03"
    "COMMIT";

// A store on a database of its own.
class Bed {
 public:
  explicit Bed(MysqlOptions options) : options_(std::move(options)) {
    const auto log = [this](LogLevel, std::string_view, std::string_view message) {
      const std::lock_guard lock(mutex_);
      lines_.emplace_back(message);
    };
    auto opened = open_mysql_store(options_, log);
    const std::string why = opened ? "" : opened.error().message;
    REQUIRE_MESSAGE(opened, why);
    store_ = std::move(opened.value());
  }

  Store& store() { return *store_; }
  const MysqlOptions& options() const { return options_; }
  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

  ChangeResult create(const std::string& gid) { return apply_one(*store_, creation(test_definition(gid))).result; }
  ChangeResult finish(const std::string& gid) {
    Change end = change(gid, Status::submitted, Status::succeed);
    end.named = {{1, "1", "action", {BranchStatus::succeed, true, 0, kTestTimeMs}}};
    return apply_one(*store_, end).result;
  }

 private:
  MysqlOptions options_;
  std::unique_ptr<Store> store_;
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

// Over a proxy to the shared server.
struct ProxiedBed {
  CuttingProxy proxy{shared_mariadb().port()};
  Bed bed{[this] {
    MysqlOptions options = new_database();
    options.port = proxy.port();
    options.patience_ms = 60'000;
    return options;
  }()};
};

void must_repair(Store& store) {
  auto repaired = store.repair();
  while (!repaired) repaired = store.repair();
}

int lock_waits(const std::string& status) {
  return std::stoi(shared_mariadb().execute(
      {"SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = '" + status + "'"}));
}

std::string count_of(const Bed& bed, const std::string& table) {
  return shared_mariadb().execute({"SELECT COUNT(*) FROM " + bed.options().database + "." + table});
}

}  // namespace

TEST_CASE("mysql outage: the connection is lost in the middle of a group -> the group is written again") {
  for (const char* text : {"INSERT INTO trans_global", "INSERT INTO trans_branch_op"}) {
    for (const Cut cut : {Cut::before_it, Cut::before_answer, Cut::clients_end}) {
      CAPTURE(text);
      // A session that has prepared a statement does not say its text again.
      ProxiedBed proxied;
      proxied.proxy.arm(text, cut);
      CHECK(proxied.bed.create("new") == ChangeResult::applied);
      CHECK(proxied.proxy.has_cut());
      CHECK(must_load(proxied.bed.store(), "new").branches.size() == 4);
      proxied.proxy.arm("UPDATE trans_branch_op", cut);
      CHECK(proxied.bed.finish("new") == ChangeResult::applied);
      CHECK(proxied.proxy.has_cut());
      CHECK(must_load(proxied.bed.store(), "new").state.status == Status::succeed);
      CHECK(count_of(proxied.bed, "trans_branch_op") == "4");
    }
  }
}

TEST_CASE("mysql outage: COMMIT does not arrive -> failed, repaired, and nothing is there") {
  for (const Cut cut : {Cut::before_it, Cut::clients_end}) {
    ProxiedBed proxied;
    Bed& bed = proxied.bed;
    REQUIRE(bed.create("there") == ChangeResult::applied);
    proxied.proxy.arm(kCommit, cut);
    const std::vector<Change> group = {creation(test_definition("new")),
                                       change("there", Status::submitted, Status::aborting),
                                       change("absent", Status::submitted, Status::succeed)};
    std::vector<ChangeOutcome> outcomes(group.size());
    bed.store().apply(group, outcomes);
    CHECK(proxied.proxy.has_cut());
    CHECK(outcomes[0].result == ChangeResult::failed);
    CHECK(outcomes[1].result == ChangeResult::failed);
    CHECK(outcomes[2].result == ChangeResult::conflict);
    CHECK(bed.create("other") == ChangeResult::failed);
    must_repair(bed.store());
    CHECK_FALSE(is_stored(bed.store(), "new"));
    CHECK(must_load(bed.store(), "there").state.status == Status::submitted);
    CHECK(bed.create("new") == ChangeResult::applied);
    CHECK(bed.finish("there") == ChangeResult::applied);
    CHECK(count_of(bed, "kv") == "0");
  }
}

TEST_CASE("mysql outage: the answer to COMMIT is lost -> failed, repaired, and all is there") {
  ProxiedBed proxied;
  Bed& bed = proxied.bed;
  proxied.proxy.arm(kCommit, Cut::before_answer);
  CHECK(bed.create("new") == ChangeResult::failed);
  must_repair(bed.store());
  CHECK(must_load(bed.store(), "new").branches.size() == 4);
  CHECK(bed.create("new") == ChangeResult::exists);
  proxied.proxy.arm(kCommit, Cut::before_answer);
  CHECK(bed.finish("new") == ChangeResult::failed);
  must_repair(bed.store());
  CHECK(must_load(bed.store(), "new").state.status == Status::succeed);
  CHECK(bed.finish("new") == ChangeResult::conflict);
}

TEST_CASE("mysql outage: one lane failed -> another goes on") {
  ProxiedBed proxied;
  Bed& bed = proxied.bed;
  std::thread([&] {
    proxied.proxy.arm(kCommit, Cut::before_it);
    CHECK(bed.create("lost") == ChangeResult::failed);
    CHECK(bed.create("refused") == ChangeResult::failed);
  }).join();
  CHECK(bed.create("other") == ChangeResult::applied);
}

TEST_CASE("mysql outage: the old session still holds its locks -> repair kills it, and does not return before") {
  ProxiedBed proxied;
  Bed& bed = proxied.bed;
  proxied.proxy.arm(kCommit, Cut::clients_end);
  CHECK(bed.create("held") == ChangeResult::failed);
  const auto observer = must_open(bed.options());
  const std::string lock = "UPDATE trans_global SET owner = 'x' WHERE gid = 'held'";
  must_execute(*observer, "SET SESSION innodb_lock_wait_timeout = 0");
  CHECK(must_fail(*observer, lock).fault == Fault::retry);
  must_repair(bed.store());
  CHECK(must_execute(*observer, lock) == 0);
  CHECK(bed.create("held") == ChangeResult::applied);
}

TEST_CASE("mysql outage: a deadlock with somebody else -> both get through") {
  Bed bed(new_database());
  for (const char* gid : {"a", "b"}) REQUIRE(bed.create(gid) == ChangeResult::applied);
  const auto other = must_open(bed.options());
  REQUIRE(other->begin());
  // So that it is not the one that is rolled back.
  for (int i = 0; i < 50; ++i) {
    must_execute(*other, "INSERT INTO kv (cat, k) VALUES ('x', ?)", {static_cast<std::int64_t>(i)});
  }
  must_execute(*other, "UPDATE trans_global SET rollback_reason = 'other' WHERE gid = 'b'");
  const std::vector<Change> group = {change("a", Status::submitted, Status::aborting),
                                     change("b", Status::submitted, Status::aborting)};
  std::vector<ChangeOutcome> outcomes(group.size());
  std::thread lane([&] { bed.store().apply(group, outcomes); });
  while (lock_waits("INNODB_ROW_LOCK_CURRENT_WAITS") == 0) std::this_thread::yield();
  must_execute(*other, "UPDATE trans_global SET rollback_reason = 'other' WHERE gid = 'a'");
  REQUIRE(other->commit());
  lane.join();
  for (const ChangeOutcome& outcome : outcomes) CHECK(outcome.result == ChangeResult::applied);
  CHECK(must_load(bed.store(), "a").state.status == Status::aborting);
}

TEST_CASE("mysql outage: a row is locked for longer than one waits -> tried again until it is free") {
  MysqlOptions options = new_database();
  options.patience_ms = 60'000;
  Bed bed(options);
  REQUIRE(bed.create("a") == ChangeResult::applied);
  const auto other = must_open(bed.options());
  REQUIRE(other->begin());
  must_execute(*other, "UPDATE trans_global SET rollback_reason = 'other' WHERE gid = 'a'");
  const int before = lock_waits("INNODB_ROW_LOCK_WAITS");
  ChangeResult result = ChangeResult::failed;
  std::thread lane([&] { result = bed.finish("a"); });
  while (lock_waits("INNODB_ROW_LOCK_WAITS") < before + 2) std::this_thread::yield();
  REQUIRE(other->commit());
  lane.join();
  CHECK(result == ChangeResult::applied);
}

TEST_CASE("mysql outage: a row is locked for as long as there is patience -> failed, repaired, certain") {
  MysqlOptions options = new_database();
  options.patience_ms = 100;
  Bed bed(options);
  REQUIRE(bed.create("a") == ChangeResult::applied);
  const auto other = must_open(bed.options());
  REQUIRE(other->begin());
  must_execute(*other, "UPDATE trans_global SET rollback_reason = 'other' WHERE gid = 'a'");
  CHECK(bed.finish("a") == ChangeResult::failed);
  REQUIRE(other->rollback());
  must_repair(bed.store());
  CHECK(must_load(bed.store(), "a").state.status == Status::submitted);
  CHECK(bed.finish("a") == ChangeResult::applied);
}

TEST_CASE("mysql outage: a server that is read-only -> failed, not repaired until it takes writes again") {
  shared_mariadb().execute(
      {"CREATE USER IF NOT EXISTS reader IDENTIFIED BY ''", "GRANT ALL ON `test\\_%`.* TO reader"});
  MysqlOptions options = new_database();
  options.user = "reader";
  options.patience_ms = 100;
  Bed bed(options);
  REQUIRE(bed.create("a") == ChangeResult::applied);
  shared_mariadb().execute({"SET GLOBAL read_only = 1"});
  CHECK(bed.finish("a") == ChangeResult::failed);
  CHECK_FALSE(bed.store().repair());
  CHECK(bed.finish("a") == ChangeResult::failed);
  CHECK(must_load(bed.store(), "a").state.status == Status::submitted);
  shared_mariadb().execute({"SET GLOBAL read_only = 0"});
  must_repair(bed.store());
  CHECK(bed.finish("a") == ChangeResult::applied);
  REQUIRE(bed.lines().size() == 2);
  CHECK(bed.lines()[0].find("(1290)") != std::string::npos);
}

TEST_CASE("mysql outage: stopped, killed, frozen -> failed in the end, and it goes on after a repair") {
  MariadbServer server;
  MysqlOptions options = server.options("outage");
  options.patience_ms = 500;
  options.statement_timeout_ms = options.connect_timeout_ms = 1'000;
  Bed bed(options);
  const auto check_outage = [&](const std::string& gid, auto begin, auto end) {
    CAPTURE(gid);
    REQUIRE(bed.create(gid) == ChangeResult::applied);
    begin();
    CHECK(bed.create(gid + "-lost") == ChangeResult::failed);
    CHECK_FALSE(bed.store().repair());
    CHECK_FALSE(bed.store().load(gid));
    CHECK_FALSE(bed.store().scan({}, "", 10));
    end();
    must_repair(bed.store());
    CHECK(is_stored(bed.store(), gid));
    CHECK(bed.create(gid + "-lost") ==
          (is_stored(bed.store(), gid + "-lost") ? ChangeResult::exists : ChangeResult::applied));
    CHECK(bed.finish(gid) == ChangeResult::applied);
  };
  check_outage(
      "stopped", [&] { server.stop(); }, [&] { server.start(); });
  check_outage(
      "killed", [&] { server.kill(); }, [&] { server.start(); });
  check_outage(
      "frozen", [&] { server.pause(); }, [&] { server.resume(); });
}

TEST_CASE("mysql outage: a restart that is shorter than the patience -> nobody notices") {
  MariadbServer server;
  MysqlOptions options = server.options("outage");
  options.patience_ms = 120'000;
  Bed bed(options);
  REQUIRE(bed.create("before") == ChangeResult::applied);
  server.stop();
  ChangeResult result = ChangeResult::failed;
  bool is_read = false;
  std::thread lane([&] { result = bed.create("during"); });
  std::thread reader([&] { is_read = static_cast<bool>(bed.store().load("before")); });
  while (bed.lines().empty()) std::this_thread::yield();
  server.start();
  lane.join();
  reader.join();
  CHECK(result == ChangeResult::applied);
  CHECK(is_read);
}

}  // namespace settle::mysql
