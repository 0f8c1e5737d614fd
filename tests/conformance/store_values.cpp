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

Registration test_registration(std::size_t number) {
  const std::string text = std::to_string(number);
  return {text, "{\"branch\":" + text + "}", "http://host/confirm/" + text, "http://host/cancel/" + text, "op" + text};
}

std::vector<Registration> test_registrations(std::size_t first, std::size_t count) {
  std::vector<Registration> made;
  for (std::size_t number = first; number < first + count; ++number) made.push_back(test_registration(number));
  return made;
}

State test_state(GlobalStatus status, std::int64_t time_ms) {
  State state;
  state.status = status;
  state.exact = true;
  state.parked = status == GlobalStatus::submitted;
  state.update_time_ms = time_ms + 5;
  if (status == GlobalStatus::succeed) state.finish_time_ms = time_ms + 5;
  if (status == GlobalStatus::failed) state.rollback_time_ms = time_ms + 5;
  state.retry_interval_ms = 10'000;
  state.next_retry_time_ms = time_ms + 10'000;
  state.submit_time_ms = time_ms + 1;
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
  change.definition = std::move(definition);
  return change;
}

Change change(const std::string& gid, GlobalStatus from, GlobalStatus to, std::vector<BranchRun> runs) {
  Change change;
  change.gid = gid;
  change.expected_status = from;
  change.state = test_state(to);
  change.runs = std::move(runs);
  return change;
}

Change registering(const std::string& gid, std::size_t first, std::size_t count, GlobalStatus status) {
  Change made = change(gid, status, status);
  made.first_registration = first;
  made.registrations = test_registrations(first, count);
  return made;
}

BranchRun done_run(std::uint32_t first, std::size_t branch_count) {
  BranchRun run;
  run.first = first;
  const std::size_t last = std::min<std::size_t>(branch_count, first + kBranchRunLength);
  for (std::size_t row = first; row < last; ++row) {
    run.branches.push_back(
        {BranchStatus::succeed, true, static_cast<std::uint32_t>(row), kTestTimeMs + static_cast<std::int64_t>(row)});
  }
  return run;
}

ChangeOutcome apply_one(Store& store, const Change& change) {
  ChangeOutcome outcome;
  store.apply({&change, 1}, {&outcome, 1});
  return outcome;
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
