// Changes and reads of single transactions.
#include "tests/conformance/store_suite.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <set>
#include <thread>

#include "tests/conformance/store_values.hpp"

namespace settle {
namespace {

using Status = GlobalStatus;

// Every field of a definition of this type that a client can set.
std::shared_ptr<const Definition> full_definition(const std::string& gid, TransType type) {
  auto definition = std::make_shared<Definition>(*open_definition(gid, type));
  definition->options.wait_result = true;
  definition->options.timeout_to_fail_s = 1;
  definition->options.request_timeout_s = 2;
  definition->options.retry_interval_s = 3;
  definition->options.retry_limit = 4;
  definition->options.branch_headers = {{"name", "value"}, {"", "\xC3\xA9"}};
  definition->protocol = Protocol::json_rpc;
  if (type == TransType::saga) {
    definition->options.concurrent = true;
    definition->custom_data = R"({"concurrent":true,"orders":{"1":[],"2":[0,1]}})";
    definition->concurrent = true;
    definition->orders = {{1, {}}, {2, {0, 1}}};
    append_saga_steps(*definition, {{"http://host/do/1", "http://host/undo/1", ""},
                                    {"http://host/do/2", "", std::string("\0\xFF binary \n", 11)},
                                    {"http://host/do/3", "http://host/undo/3", "{}"}});
  } else if (type == TransType::msg) {
    definition->custom_data = R"({"delay":5})";
    definition->delay_s = 5;
    definition->query_prepared = "http://host/query";
    append_message_actions(*definition, {{"http://host/1", "same"}, {"http://host/2", "same"}, {"http://host/1", ""}});
  } else {
    definition->custom_data = R"({"name":"resume","data":"AP4="})";
    definition->callback_name = "resume";
    definition->callback_payload = std::string("\0\xFE", 2);
    definition->query_prepared = "http://host/query";
  }
  return definition;
}

TEST_CASE("store: what was created -> comes back in every field, also after reopening") {
  for (const TransType type : {TransType::saga, TransType::msg, TransType::workflow}) {
    CAPTURE(to_string(type));
    const auto bed = make_store_bed();
    const auto definition = full_definition("whole", type);
    Change change = creation(definition, Status::prepared);
    const BranchRun run{
        0, std::vector<BranchState>(definition->branches.size(), {BranchStatus::failed, true, 0, kTestTimeMs + 9'000})};
    if (!run.branches.empty()) change.runs = {run};
    const ChangeOutcome outcome = apply_one(bed->store(), change);
    CHECK(outcome.result == ChangeResult::applied);
    const std::int64_t id = created_id(bed->store(), outcome, "whole");
    CHECK(id > 0);
    const auto check = [&] {
      const StoredTransaction stored = must_load(bed->store(), "whole");
      CHECK(stored.id == id);
      CHECK(*stored.definition == *definition);
      CHECK(stored.state == change.state);
      CHECK(stored.branches == run.branches);
    };
    check();
    if (bed->reopen()) check();
  }
}

TEST_CASE("store: rows that were started and tried, but are not done -> come back, also in a change") {
  const auto bed = make_store_bed();
  Change begin = creation(test_definition("tried"));
  begin.runs = {{0, {{}, {BranchStatus::prepared, true, 3, 0}, {}, {BranchStatus::prepared, true, 0, 0}}}};
  apply_one(bed->store(), begin);
  CHECK(must_load(bed->store(), "tried").branches == begin.runs[0].branches);
  Change next = change("tried", Status::submitted, Status::submitted, begin.runs);
  next.runs[0].branches[1] = {BranchStatus::succeed, true, 0, kTestTimeMs + 1'000};
  next.runs[0].branches[3].attempts = 1;
  CHECK(apply_one(bed->store(), next).result == ChangeResult::applied);
  bed->reopen();
  CHECK(must_load(bed->store(), "tried").branches == next.runs[0].branches);
}

TEST_CASE("store: rows that nothing was said of -> are default ones") {
  const auto bed = make_store_bed();
  apply_one(bed->store(), creation(test_definition("plain", 40)));
  CHECK(must_load(bed->store(), "plain").branches == std::vector<BranchState>(80));
}

TEST_CASE("store: an unknown gid -> nothing, and no change of it") {
  const auto bed = make_store_bed();
  CHECK_FALSE(is_stored(bed->store(), "nobody"));
  CHECK(bed->store().purged_status("nobody").value() == std::nullopt);
  CHECK(apply_one(bed->store(), change("nobody", Status::prepared, Status::submitted)).result ==
        ChangeResult::conflict);
  CHECK_FALSE(is_stored(bed->store(), "nobody"));
}

TEST_CASE("store: a gid that exists, unfinished or finished -> is not created again, and stays as it is") {
  const auto bed = make_store_bed();
  apply_one(bed->store(), creation(test_definition("twice", 1)));
  CHECK(apply_one(bed->store(), creation(test_definition("twice", 2))).result == ChangeResult::exists);
  CHECK(must_load(bed->store(), "twice").definition->branches.size() == 2);
  apply_one(bed->store(), change("twice", Status::submitted, Status::succeed));
  CHECK(apply_one(bed->store(), creation(test_definition("twice", 2))).result == ChangeResult::exists);
  CHECK(must_load(bed->store(), "twice").state.status == Status::succeed);
  if (bed->reopen()) {
    CHECK(apply_one(bed->store(), creation(test_definition("twice", 2))).result == ChangeResult::exists);
  }
}

TEST_CASE("store: a change decided on another status -> conflict, nothing changed") {
  const auto bed = make_store_bed();
  apply_one(bed->store(), creation(test_definition("race"), Status::prepared));
  const Change first = change("race", Status::prepared, Status::submitted);
  const Change second = change("race", Status::prepared, Status::failed, {done_run(0, 4)});
  CHECK(apply_one(bed->store(), first).result == ChangeResult::applied);
  CHECK(apply_one(bed->store(), second).result == ChangeResult::conflict);
  const StoredTransaction stored = must_load(bed->store(), "race");
  CHECK(stored.state == first.state);
  CHECK(stored.branches == std::vector<BranchState>(4));
}

TEST_CASE("store: progress, direction and end -> each is what is read, also after reopening") {
  const auto bed = make_store_bed();
  const ChangeOutcome created = apply_one(bed->store(), creation(test_definition("life"), Status::prepared));
  const std::int64_t id = created_id(bed->store(), created, "life");
  const std::vector<Change> changes = {
      change("life", Status::prepared, Status::submitted),
      change("life", Status::submitted, Status::submitted, {done_run(0, 4)}),
      change("life", Status::submitted, Status::aborting),
      change("life", Status::aborting, Status::failed, {{0, std::vector<BranchState>(4)}}),
  };
  std::vector<BranchState> branches(4);
  for (const Change& step : changes) {
    const ChangeOutcome outcome = apply_one(bed->store(), step);
    CHECK(outcome.result == ChangeResult::applied);
    if (!step.runs.empty()) branches = step.runs[0].branches;
    bed->reopen();
    const StoredTransaction stored = must_load(bed->store(), "life");
    CHECK(stored.id == id);
    CHECK(stored.state.status == step.state.status);
    CHECK(stored.branches == branches);
  }
  CHECK(unfinished_gids(bed->store()).empty());
}

TEST_CASE("store: a finished transaction whose next time is set anew -> stays finished") {
  const auto bed = make_store_bed();
  apply_one(bed->store(), creation(test_definition("done"), Status::succeed));
  Change again = change("done", Status::succeed, Status::succeed);
  again.state.next_retry_time_ms = kTestTimeMs + 77'000;
  CHECK(apply_one(bed->store(), change("done", Status::failed, Status::succeed)).result == ChangeResult::conflict);
  CHECK(apply_one(bed->store(), again).result == ChangeResult::applied);
  CHECK(must_load(bed->store(), "done").state == again.state);
  CHECK(unfinished_gids(bed->store()).empty());
}

TEST_CASE("store: a newer definition with a change -> replaces the stored one together with the state") {
  const auto bed = make_store_bed();
  apply_one(bed->store(), creation(test_definition("options"), Status::prepared));
  auto newer = std::make_shared<Definition>(*test_definition("options"));
  newer->options.retry_limit = 9;
  newer->custom_data = "{}";
  Change submit = change("options", Status::prepared, Status::submitted);
  submit.definition = newer;
  CHECK(apply_one(bed->store(), submit).result == ChangeResult::applied);
  bed->reopen();
  CHECK(*must_load(bed->store(), "options").definition == *newer);
}

TEST_CASE("store: a group -> each change succeeds or is refused on its own") {
  const auto bed = make_store_bed();
  apply_one(bed->store(), creation(test_definition("there")));
  const std::vector<Change> group = {creation(test_definition("new")), creation(test_definition("there")),
                                     change("absent", Status::submitted, Status::succeed),
                                     creation(test_definition("newer"))};
  std::vector<ChangeOutcome> outcomes(group.size());
  bed->store().apply(group, outcomes);
  CHECK(outcomes[0].result == ChangeResult::applied);
  CHECK(outcomes[1].result == ChangeResult::exists);
  CHECK(outcomes[2].result == ChangeResult::conflict);
  CHECK(outcomes[3].result == ChangeResult::applied);
  CHECK(created_id(bed->store(), outcomes[3], "newer") > created_id(bed->store(), outcomes[0], "new"));
  CHECK(is_stored(bed->store(), "new"));
  CHECK_FALSE(is_stored(bed->store(), "absent"));
}

TEST_CASE("store: an empty group -> nothing happens") {
  const auto bed = make_store_bed();
  bed->store().apply({}, {});
  CHECK(unfinished_gids(bed->store()).empty());
}

TEST_CASE("store: gids of every kind -> are independent of each other") {
  const auto bed = make_store_bed();
  const std::vector<std::string> gids = {"order1",
                                         "order1-2",
                                         "order",
                                         "order1 ",
                                         " order1",
                                         "ORDER1",
                                         "o",
                                         "order1/2",
                                         "order1%",
                                         "o'r\"d`er",
                                         "\\",
                                         "\xC3\xB6rder",
                                         "\xE8\xAE\xA2\xE5\x8D\x95",
                                         "\xF0\x9F\x8D\xB0",
                                         "\n",
                                         "\x01",
                                         "\x7F",
                                         "g",
                                         "u",
                                         "order1\xC3\xBF",
                                         std::string(128, 'x'),
                                         std::string(127, 'x')};
  std::size_t steps = 1;
  for (const std::string& gid : gids) {
    CHECK(apply_one(bed->store(), creation(test_definition(gid, steps++))).result == ChangeResult::applied);
  }
  CHECK(apply_one(bed->store(), change("order1", Status::submitted, Status::succeed, {done_run(0, 2)})).result ==
        ChangeResult::applied);
  const auto check = [&] {
    steps = 1;
    for (const std::string& gid : gids) {
      CAPTURE(gid);
      const StoredTransaction stored = must_load(bed->store(), gid);
      CHECK(*stored.definition == *test_definition(gid, steps++));
      CHECK(stored.state.status == (gid == "order1" ? Status::succeed : Status::submitted));
      CHECK((stored.branches.back().started) == (gid == "order1"));
    }
    CHECK(unfinished_gids(bed->store()).size() == gids.size() - 1);
  };
  check();
  if (bed->reopen()) check();
}

TEST_CASE("store: a saga of 5,000 steps -> progress writes single runs, all 10,000 rows come back") {
  const auto bed = make_store_bed();
  const std::size_t rows = 10'000;
  const auto definition = test_definition("long", rows / 2);
  apply_one(bed->store(), creation(definition));
  // Another one right before and after in every order, to be told apart.
  apply_one(bed->store(), creation(test_definition("long1", rows / 2)));
  std::vector<BranchState> expected(rows);
  for (std::uint32_t first : {0U, 32U, 4'992U, 9'984U}) {
    const BranchRun run = done_run(first, rows);
    std::copy(run.branches.begin(), run.branches.end(), expected.begin() + first);
    CHECK(apply_one(bed->store(), change("long", Status::submitted, Status::submitted, {run})).result ==
          ChangeResult::applied);
  }
  CHECK(apply_one(bed->store(), change("long", Status::submitted, Status::aborting)).result == ChangeResult::applied);
  bed->reopen();
  CHECK(must_load(bed->store(), "long").branches == expected);
  CHECK(*must_load(bed->store(), "long").definition == *definition);
  CHECK(must_load(bed->store(), "long1").branches == std::vector<BranchState>(rows));
  CHECK(apply_one(bed->store(), change("long", Status::aborting, Status::failed)).result == ChangeResult::applied);
  bed->reopen();
  CHECK(must_load(bed->store(), "long").branches == expected);
  CHECK(unfinished_gids(bed->store()) == std::vector<std::string>{"long1"});
}

TEST_CASE("store: a payload of 8 MiB of any bytes -> comes back") {
  const auto bed = make_store_bed();
  auto definition = std::make_shared<Definition>(*test_definition("heavy", 1));
  definition->payloads[0].resize(8 << 20);
  for (std::size_t i = 0; i < definition->payloads[0].size(); ++i) {
    definition->payloads[0][i] = static_cast<char>(i * 31 % 251);
  }
  CHECK(apply_one(bed->store(), creation(definition)).result == ChangeResult::applied);
  bed->reopen();
  CHECK(*must_load(bed->store(), "heavy").definition == *definition);
}

TEST_CASE("store: the unfinished -> are visited oldest first, until the visitor has enough") {
  const auto bed = make_store_bed();
  std::vector<std::string> expected;
  for (int i = 0; i < 700; ++i) {
    const std::string gid = "gid" + std::to_string(i * 7919 % 1000);
    apply_one(bed->store(), creation(test_definition(gid, 1)));
    if (i % 3 == 0) {
      apply_one(bed->store(), change(gid, Status::submitted, Status::succeed));
    } else {
      expected.push_back(gid);
    }
  }
  const auto check = [&] {
    CHECK(unfinished_gids(bed->store()) == expected);
    std::size_t seen = 0;
    const auto visit = [&seen](const StoredTransaction&) { return ++seen < 300; };
    REQUIRE(bed->store().visit_unfinished(visit, [](const Error&) {}));
    CHECK(seen == 300);
  };
  check();
  if (bed->reopen()) check();
}

TEST_CASE("store: a visitor -> may read and change the store") {
  const auto bed = make_store_bed();
  for (const char* gid : {"a", "b", "c"}) apply_one(bed->store(), creation(test_definition(gid)));
  const auto visit = [&bed](const StoredTransaction& transaction) {
    const std::string& gid = transaction.definition->gid;
    CHECK(is_stored(bed->store(), gid));
    CHECK(apply_one(bed->store(), change(gid, Status::submitted, Status::succeed)).result == ChangeResult::applied);
    return true;
  };
  REQUIRE(bed->store().visit_unfinished(visit, [](const Error&) {}));
  CHECK(unfinished_gids(bed->store()).empty());
}

TEST_CASE("store: ids -> grow, also over reopening") {
  const auto bed = make_store_bed();
  std::int64_t last = 0;
  for (int i = 0; i < 10; ++i) {
    const std::string gid = "id" + std::to_string(i);
    const auto outcome = apply_one(bed->store(), creation(test_definition(gid)));
    const std::int64_t id = created_id(bed->store(), outcome, gid);
    CHECK(id > last);
    last = id;
    bed->reopen();
  }
}

TEST_CASE("store: readers beside the committer -> see what was applied, whole") {
  const auto bed = make_store_bed();
  Store& store = bed->store();
  constexpr int kTransactions = 300;
  std::atomic<int> applied = 0;
  std::atomic<int> faults = 0;
  const auto read = [&] {
    std::uint32_t turn = 0;
    while (applied < kTransactions) {
      const int known = applied;
      if (known == 0) continue;
      turn = turn * 1'103'515'245 + 12'345;
      const std::string gid = "gid" + std::to_string((turn >> 8) % static_cast<std::uint32_t>(known));
      const auto loaded = store.load(gid);
      const bool whole = loaded && loaded.value() && loaded.value()->branches.size() == 80 &&
                         loaded.value()->state.status == Status::succeed && loaded.value()->branches[79].started;
      const auto page = store.scan({}, "", 5);
      if (!whole || !page || page.value().transactions.empty()) ++faults;
      const auto visit = [](const StoredTransaction&) { return true; };
      if (turn % 16 == 0 && !store.visit_unfinished(visit, [&faults](const Error&) { ++faults; })) ++faults;
    }
  };
  std::thread first(read);
  std::thread second(read);
  for (int i = 0; i < kTransactions; ++i) {
    const std::string gid = "gid" + std::to_string(i);
    apply_one(store, creation(test_definition(gid, 40)));
    apply_one(store, change(gid, Status::submitted, Status::succeed, {done_run(64, 80)}));
    ++applied;
  }
  first.join();
  second.join();
  CHECK(faults == 0);
}

}  // namespace
}  // namespace settle
