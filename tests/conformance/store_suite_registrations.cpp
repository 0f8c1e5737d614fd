// Branches that are registered while a transaction is prepared.
#include <doctest/doctest.h>

#include <algorithm>
#include <initializer_list>

#include "tests/conformance/store_suite.hpp"
#include "tests/conformance/store_values.hpp"

namespace settle {
namespace {

using Status = GlobalStatus;

constexpr std::initializer_list<Status> kStatuses = {Status::prepared, Status::submitted, Status::aborting,
                                                     Status::succeed, Status::failed};

void must_apply(Store& store, const Change& change) {
  REQUIRE(apply_one(store, change).result == ChangeResult::applied);
}

// So many registered, and nothing done in any row of them.
void check_registered(Store& store, const std::string& gid, std::size_t count) {
  const StoredTransaction stored = must_load(store, gid);
  CHECK(stored.registrations == test_registrations(0, count, stored.definition->type));
  CHECK(stored.branches == std::vector<BranchState>(count * rows_per_registration(stored.definition->type)));
}

TEST_CASE("store/registrations: one by one and several at once -> all come back in order, also after reopening") {
  for (const TransType type : {TransType::tcc, TransType::xa}) {
    const auto bed = make_store_bed();
    const auto definition = open_definition("gid", type);
    must_apply(bed->store(), creation(definition, Status::prepared));
    check_registered(bed->store(), "gid", 0);
    std::size_t registered = 0;
    for (const std::size_t count : {1U, 1U, 3U, 0U, 40U, 1U}) {
      const Change more = registering("gid", registered, count, Status::prepared, type);
      const ChangeOutcome outcome = apply_one(bed->store(), more);
      CHECK(outcome.result == ChangeResult::applied);
      registered += count;
      check_registered(bed->store(), "gid", registered);
      bed->reopen();
      check_registered(bed->store(), "gid", registered);
      CHECK(must_load(bed->store(), "gid").state == more.state);
      CHECK(*must_load(bed->store(), "gid").definition == *definition);
    }
  }
}

TEST_CASE("store/registrations: a workflow's, each with its row's state -> come back over the end of a run") {
  const auto bed = make_store_bed();
  must_apply(bed->store(), creation(open_definition("flow", TransType::workflow), Status::prepared));
  std::vector<BranchState> rows;
  for (std::uint32_t row = 0; row < 70; ++row) {
    rows.push_back({row % 2 == 0 ? BranchStatus::succeed : BranchStatus::failed, true, 0, kTestTimeMs + row * 1'000LL});
    Change more = registering("flow", row, 1, Status::prepared, TransType::workflow);
    const std::uint32_t first = row / kBranchRunLength * kBranchRunLength;
    more.runs = {{first, {rows.begin() + first, rows.end()}}};
    must_apply(bed->store(), more);
  }
  const auto check = [&] {
    const StoredTransaction stored = must_load(bed->store(), "flow");
    CHECK(stored.registrations == test_registrations(0, 70, TransType::workflow));
    CHECK(stored.branches == rows);
  };
  check();
  if (bed->reopen()) check();
}

TEST_CASE("store/registrations: texts of any bytes -> come back") {
  const auto bed = make_store_bed();
  must_apply(bed->store(), creation(open_definition("gid"), Status::prepared));
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<char>(byte));
  Change more = registering("gid", 0, 3);
  if (bed->holds_any_bytes()) {
    more.registrations[0] = {bytes, bytes, bytes, bytes, bytes};
    more.registrations[1] = {};
  } else {
    more.registrations[0] = {"\x7F \xC3\xB6'\"\\%", bytes, std::string(1'024, '\x01'), "", ""};
    more.registrations[1] = {" ", "", "", "", ""};
  }
  more.registrations[2].payload.assign(1 << 20, 'p');
  must_apply(bed->store(), more);
  bed->reopen();
  CHECK(must_load(bed->store(), "gid").registrations == more.registrations);
}

TEST_CASE("store/registrations: created together with the transaction -> come back") {
  const auto bed = make_store_bed();
  Change made = creation(open_definition("gid"), Status::prepared);
  made.registrations = test_registrations(0, 20);
  made.runs = {done_run(0, 40)};
  must_apply(bed->store(), made);
  must_apply(bed->store(), registering("gid", 20, 2));
  bed->reopen();
  const StoredTransaction stored = must_load(bed->store(), "gid");
  CHECK(stored.registrations == test_registrations(0, 22));
  std::vector<BranchState> rows = done_run(0, 40).branches;
  rows.resize(44);
  CHECK(stored.branches == rows);
}

TEST_CASE("store/registrations: behind rows of the definition -> their rows come after those") {
  const auto bed = make_store_bed();
  if (!bed->holds_any_bytes()) return;  // no type has both
  auto definition = std::make_shared<Definition>(*test_definition("gid", 1));
  definition->type = TransType::workflow;
  Change made = creation(definition, Status::prepared);
  made.registrations = test_registrations(0, 1);
  made.runs = {done_run(0, 3)};
  must_apply(bed->store(), made);
  bed->reopen();
  CHECK(must_load(bed->store(), "gid").branches == done_run(0, 3).branches);
}

TEST_CASE("store/registrations: in every status -> stored, and kept in every status that follows") {
  for (const Status from : kStatuses) {
    for (const Status to : kStatuses) {
      CAPTURE(to_string(from));
      CAPTURE(to_string(to));
      const auto bed = make_store_bed();
      must_apply(bed->store(), creation(open_definition("gid"), from));
      must_apply(bed->store(), registering("gid", 0, 2, from));
      must_apply(bed->store(), change("gid", from, to));
      must_apply(bed->store(), registering("gid", 2, 1, to));
      bed->reopen();
      check_registered(bed->store(), "gid", 3);
      CHECK(must_load(bed->store(), "gid").state.status == to);
      must_apply(bed->store(), change("gid", to, to, {done_run(0, 6)}));
      bed->reopen();
      CHECK(must_load(bed->store(), "gid").registrations == test_registrations(0, 3));
      CHECK(must_load(bed->store(), "gid").branches == done_run(0, 6).branches);
    }
  }
}

TEST_CASE("store/registrations: newer options of the definition -> leave them as they are") {
  const auto bed = make_store_bed();
  must_apply(bed->store(), creation(open_definition("gid"), Status::prepared));
  must_apply(bed->store(), registering("gid", 0, 2));
  auto newer = std::make_shared<Definition>(*open_definition("gid"));
  newer->options.retry_interval_s = 9;
  Change submit = change("gid", Status::prepared, Status::submitted);
  submit.definition = newer;
  submit.type = TransType::tcc;
  submit.state.submit_time_ms = 0;
  submit.first_registration = 2;
  submit.registrations = test_registrations(2, 1);
  must_apply(bed->store(), submit);
  bed->reopen();
  check_registered(bed->store(), "gid", 3);
  CHECK(*must_load(bed->store(), "gid").definition == *newer);
}

TEST_CASE("store/registrations: behind another number than is stored -> conflict, nothing changed") {
  const auto bed = make_store_bed();
  must_apply(bed->store(), creation(open_definition("gid"), Status::prepared));
  Change known = registering("gid", 0, 2);
  must_apply(bed->store(), known);
  for (int turn = 0; turn < 2; ++turn) {
    for (const std::size_t first : {0U, 1U, 3U, 4U}) {
      CAPTURE(first);
      // There somebody else may have registered what this one has not seen.
      if (first > 2 && bed->store().traits().shared) continue;
      Change wrong = registering("gid", first, 2);
      wrong.state.status = Status::submitted;
      wrong.definition = open_definition("gid", TransType::xa);
      wrong.runs = {done_run(0, 8)};
      CHECK(apply_one(bed->store(), wrong).result == ChangeResult::conflict);
    }
    check_registered(bed->store(), "gid", 2);
    CHECK(must_load(bed->store(), "gid").state == known.state);
    CHECK(must_load(bed->store(), "gid").definition->type == TransType::tcc);
    bed->reopen();
  }
  Change created = creation(open_definition("other"), Status::prepared);
  created.first_registration = 1;
  created.registrations = test_registrations(1, 1);
  CHECK(apply_one(bed->store(), created).result == ChangeResult::conflict);
  CHECK_FALSE(is_stored(bed->store(), "other"));
  must_apply(bed->store(), registering("gid", 2, 1));
  check_registered(bed->store(), "gid", 3);
}

TEST_CASE("store/registrations: in a group -> refused on their own") {
  const auto bed = make_store_bed();
  for (const char* gid : {"a", "b"}) must_apply(bed->store(), creation(open_definition(gid), Status::prepared));
  const std::vector<Change> group = {registering("a", 1, 1), registering("b", 0, 2), registering("c", 0, 1)};
  const bool any_number = bed->store().traits().shared;
  std::vector<ChangeOutcome> outcomes(group.size());
  bed->store().apply(group, outcomes);
  CHECK(outcomes[0].result == (any_number ? ChangeResult::applied : ChangeResult::conflict));
  CHECK(outcomes[1].result == ChangeResult::applied);
  CHECK(outcomes[2].result == ChangeResult::conflict);
  CHECK(must_load(bed->store(), "a").registrations.size() == (any_number ? 1 : 0));
  check_registered(bed->store(), "b", 2);
}

TEST_CASE("store/registrations: of a type that has none, or beyond the limit of rows -> conflict, nothing changed") {
  const auto bed = make_store_bed();
  for (const TransType type : {TransType::saga, TransType::msg}) {
    const std::string gid(to_string(type));
    must_apply(bed->store(), creation(open_definition(gid, type), Status::prepared));
    CHECK(apply_one(bed->store(), registering(gid, 0, 1, Status::prepared, type)).result == ChangeResult::conflict);
    check_registered(bed->store(), gid, 0);
  }
  must_apply(bed->store(), creation(open_definition("full"), Status::prepared));
  must_apply(bed->store(), registering("full", 0, kBranchesMax / 2));
  CHECK(apply_one(bed->store(), registering("full", kBranchesMax / 2, 1)).result == ChangeResult::conflict);
  bed->reopen();
  check_registered(bed->store(), "full", kBranchesMax / 2);
}

TEST_CASE("store/registrations: 5,000 of one transaction, beside another -> all come back, and are visited") {
  const auto bed = make_store_bed();
  for (const char* gid : {"before", "many", "after"}) {
    must_apply(bed->store(), creation(open_definition(gid), Status::prepared));
    must_apply(bed->store(), registering(gid, 0, 1));
  }
  for (std::size_t number = 1; number < 5'000; ++number) must_apply(bed->store(), registering("many", number, 1));
  const BranchRun done = done_run(4'992, 10'000);
  must_apply(bed->store(), change("many", Status::prepared, Status::submitted, {done}));
  bed->reopen();
  std::vector<BranchState> rows(10'000);
  std::copy(done.branches.begin(), done.branches.end(), rows.begin() + done.first);
  const StoredTransaction loaded = must_load(bed->store(), "many");
  CHECK(loaded.registrations == test_registrations(0, 5'000));
  CHECK(loaded.branches == rows);
  std::vector<StoredTransaction> visited;
  const auto visit = [&visited](StoredTransaction transaction) {
    visited.push_back(std::move(transaction));
    return true;
  };
  REQUIRE(bed->store().visit_unfinished(visit, [](const Error& error) { FAIL_CHECK(error.message); }));
  REQUIRE(visited.size() == 3);
  CHECK(visited[0].registrations == test_registrations(0, 1));
  CHECK(visited[1].registrations == loaded.registrations);
  CHECK(visited[1].branches == rows);
  CHECK(visited[2].registrations == test_registrations(0, 1));
  CHECK(scan_all(bed->store(), {}, 2) == std::vector<std::string>{"after", "many", "before"});
}

TEST_CASE("store/registrations: of a purged one -> gone, the gid begins without any") {
  const auto bed = make_store_bed();
  must_apply(bed->store(), creation(open_definition("gid"), Status::prepared));
  must_apply(bed->store(), registering("gid", 0, 100));
  must_apply(bed->store(), change("gid", Status::prepared, Status::succeed, {done_run(0, 200), done_run(64, 200)}));
  constexpr std::int64_t kLater = 2 * kTestTimeMs;
  REQUIRE(bed->store().purge(kLater, 0, kLater, 10).value().purged == 1);
  REQUIRE(bed->store().purge(kLater, kLater + 1, kLater, 10).value().forgotten == (bed->remembers_purged() ? 1 : 0));
  must_apply(bed->store(), creation(open_definition("gid"), Status::prepared));
  check_registered(bed->store(), "gid", 0);
  if (!bed->store().traits().shared) {
    CHECK(apply_one(bed->store(), registering("gid", 100, 1)).result == ChangeResult::conflict);
  }
  must_apply(bed->store(), registering("gid", 0, 1));
  bed->reopen();
  check_registered(bed->store(), "gid", 1);
}

}  // namespace
}  // namespace settle
