#include "tests/conformance/store_values.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace settle {

std::shared_ptr<const Definition> test_definition(const std::string& gid, std::size_t steps,
                                                  std::int64_t create_time_ms) {
  auto definition = std::make_shared<Definition>();
  definition->gid = gid;
  definition->protocol = Protocol::http;
  definition->create_time_ms = create_time_ms;
  definition->options.retry_interval_s = 7;
  for (std::size_t step = 0; step < steps; ++step) {
    const std::string number = std::to_string(step + 1);
    const auto payload = static_cast<std::uint32_t>(definition->payloads.size());
    definition->payloads.push_back("{\"step\":" + number + "}");
    definition->branches.push_back({number, Operation::compensate, "http://host/undo/" + number, payload});
    definition->branches.push_back({number, Operation::action, "http://host/do/" + number, payload});
  }
  return definition;
}

std::shared_ptr<const Definition> open_definition(const std::string& gid, TransType type) {
  auto definition = std::make_shared<Definition>();
  definition->gid = gid;
  definition->type = type;
  definition->protocol = Protocol::http;
  definition->create_time_ms = kTestTimeMs;
  return definition;
}

Registration test_registration(std::size_t number, TransType type) {
  const std::string text = std::to_string(number);
  if (type == TransType::workflow) return {text, "result " + text, "", "", "op" + text};
  const std::string cancel_url = type == TransType::tcc ? "http://host/cancel/" + text : "";
  return {text, "{\"branch\":" + text + "}", "http://host/confirm/" + text, cancel_url, ""};
}

std::vector<Registration> test_registrations(std::size_t first, std::size_t count, TransType type) {
  std::vector<Registration> made;
  for (std::size_t number = first; number < first + count; ++number) made.push_back(test_registration(number, type));
  return made;
}

State test_state(GlobalStatus status, std::int64_t time_ms) {
  State state;
  state.status = status;
  state.exact = true;
  state.parked = true;
  state.update_time_ms = time_ms + 5'000;
  if (status == GlobalStatus::succeed) state.finish_time_ms = time_ms + 5'000;
  if (status == GlobalStatus::failed) state.rollback_time_ms = time_ms + 5'000;
  state.retry_interval_ms = 10'000;
  state.next_retry_time_ms = time_ms + (is_final(status) ? 5'000 : 10'000);
  state.submit_time_ms = time_ms + 1'000;
  state.rollback_reason = "because";
  state.result = "a result";
  state.last_error = "no answer";
  state.last_error_branch = 1;
  state.errors = 2;
  state.query_attempts = 3;
  return state;
}

Change creation(std::shared_ptr<const Definition> definition, GlobalStatus status) {
  Change change;
  change.gid = definition->gid;
  change.create = true;
  change.state = test_state(status, definition->create_time_ms);
  change.type = definition->type;
  change.create_time_ms = definition->create_time_ms;
  // Only a saga needs it.
  if (change.type != TransType::saga) change.state.submit_time_ms = 0;
  change.definition = std::move(definition);
  return change;
}

Change change(const std::string& gid, GlobalStatus from, GlobalStatus to, std::vector<BranchRun> runs) {
  Change change;
  change.gid = gid;
  change.expected_status = from;
  change.create_time_ms = kTestTimeMs;
  change.state = test_state(to);
  change.runs = std::move(runs);
  return change;
}

Change registering(const std::string& gid, std::size_t first, std::size_t count, GlobalStatus status, TransType type) {
  Change made = change(gid, status, status);
  made.type = type;
  if (type != TransType::saga) made.state.submit_time_ms = 0;
  made.first_registration = first;
  made.registrations = test_registrations(first, count, type);
  return made;
}

BranchRun done_run(std::uint32_t first, std::size_t branch_count) {
  BranchRun run;
  run.first = first;
  const std::size_t last = std::min<std::size_t>(branch_count, first + kBranchRunLength);
  for (std::size_t row = first; row < last; ++row) {
    run.branches.push_back({BranchStatus::succeed, true, 0, kTestTimeMs + static_cast<std::int64_t>(row) * 1'000});
  }
  return run;
}

namespace {

// For a store that names branches: see Change::runs and Change::named.
Change with_names(Store& store, const Change& change) {
  Change named = change;
  if (change.runs.empty()) return named;
  StoredTransaction known;
  if (change.create) {
    known.definition = change.definition;
  } else {
    auto loaded = store.load(change.gid);
    REQUIRE(loaded);
    if (!loaded.value()) return named;
    known = std::move(*loaded.value());
  }
  known.registrations.insert(known.registrations.end(), change.registrations.begin(), change.registrations.end());
  known.branches.resize(row_count(*known.definition, known.registrations.size()));
  named.runs.clear();
  for (const BranchRun& run : change.runs) {
    bool is_open = false;
    for (std::uint32_t i = 0; i < run.branches.size(); ++i) {
      const BranchState& state = run.branches[i];
      const std::uint32_t row = run.first + i;
      const BranchView view = known.branch(row);
      is_open |= state.status == BranchStatus::prepared && (state.started || state.attempts > 0);
      if (state == known.branches[row]) continue;
      named.named.push_back({row, std::string(view.branch_id), std::string(view.operation), state});
    }
    if (is_open) named.runs.push_back(run);
  }
  return named;
}

}  // namespace

ChangeOutcome apply_one(Store& store, const Change& change) {
  ChangeOutcome outcome;
  const Change applied = store.traits().names_branches ? with_names(store, change) : change;
  store.apply({&applied, 1}, {&outcome, 1});
  return outcome;
}

std::int64_t created_id(Store& store, const ChangeOutcome& outcome, const std::string& gid) {
  return outcome.id != 0 || !store.traits().shared ? outcome.id : must_load(store, gid).id;
}

StoredTransaction must_load(Store& store, const std::string& gid) {
  auto loaded = store.load(gid);
  const std::string why = loaded ? "" : loaded.error().message;
  REQUIRE_MESSAGE(loaded, why);
  REQUIRE(loaded.value().has_value());
  return std::move(*loaded.value());
}

bool is_stored(Store& store, const std::string& gid) {
  const auto loaded = store.load(gid);
  const std::string why = loaded ? "" : loaded.error().message;
  REQUIRE_MESSAGE(loaded, why);
  return loaded.value().has_value();
}

std::vector<std::string> scan_all(Store& store, const ScanFilter& filter, std::size_t page_size) {
  std::vector<std::string> gids;
  std::string position;
  do {
    const auto page = store.scan(filter, position, page_size);
    REQUIRE(page);
    CHECK(page.value().transactions.size() <= page_size);
    for (const StoredTransaction& transaction : page.value().transactions) {
      gids.push_back(transaction.definition->gid);
      CHECK(transaction.branches.empty());
      CHECK(transaction.registrations.empty());
    }
    position = page.value().next_position;
  } while (!position.empty());
  return gids;
}

std::vector<std::string> unfinished_gids(Store& store) {
  std::vector<std::string> gids;
  const auto visit = [&gids](const StoredTransaction& transaction) {
    gids.push_back(transaction.definition->gid);
    return true;
  };
  const auto visited = store.visit_unfinished(visit, [](const Error& error) { FAIL_CHECK(error.message); });
  REQUIRE(visited);
  return gids;
}

KeyValueChange key_value_change(const std::string& category, const std::string& key, std::optional<std::string> value,
                                std::int64_t expected_version, std::int64_t now_ms) {
  return {category, key, std::move(value), expected_version, now_ms};
}

std::optional<KeyValue> find_key_value(Store& store, const std::string& category, const std::string& key) {
  auto loaded = store.load_key_value(category, key);
  const std::string why = loaded ? "" : loaded.error().message;
  REQUIRE_MESSAGE(loaded, why);
  return std::move(loaded.value());
}

std::vector<KeyValue> scan_all_key_values(Store& store, const std::string& category, std::size_t page_size) {
  std::vector<KeyValue> values;
  std::string position;
  do {
    auto page = store.scan_key_values(category, position, page_size);
    REQUIRE(page);
    CHECK(page.value().values.size() <= page_size);
    for (KeyValue& value : page.value().values) values.push_back(std::move(value));
    position = page.value().next_position;
  } while (!position.empty());
  return values;
}

}  // namespace settle
