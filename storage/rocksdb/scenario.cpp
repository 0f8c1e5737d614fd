#include "storage/rocksdb/scenario.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>

#include "tests/conformance/store_values.hpp"

namespace settle {
namespace {

using Status = GlobalStatus;

constexpr int kPurgeGroup = 6;
constexpr std::size_t kLongSteps = 40;  // rows in three runs
constexpr std::size_t kPayloadBytes = 8'000;

constexpr std::size_t kManyRegistrations = 10;  // two writes of them have rows in two runs

std::shared_ptr<const Definition> definition_of(const std::string& gid, std::size_t steps) {
  if (steps == 0) return open_definition(gid);
  auto definition = std::make_shared<Definition>(*test_definition(gid, steps));
  definition->payloads[0].assign(kPayloadBytes, 'p');
  return definition;
}

BranchRun numbered_run(std::uint32_t first, std::size_t rows, std::uint32_t number) {
  BranchRun run{first, {}};
  const std::size_t length = std::min<std::size_t>(kBranchRunLength, rows - first);
  run.branches.assign(length, {BranchStatus::succeed, true, number, kTestTimeMs});
  return run;
}

std::vector<Registration> numbered_registrations(std::size_t first, std::size_t count, std::uint32_t number) {
  std::vector<Registration> made = test_registrations(first, count);
  for (Registration& registration : made) registration.payload = std::to_string(number);
  return made;
}

std::string value_of(std::int64_t version) { return "version " + std::to_string(version); }

}  // namespace

Change Scenario::make(const std::string& gid, const Write& write) {
  const Expected& expected = expected_[gid];
  Change made;
  made.gid = gid;
  made.create = expected.sure.empty();
  if (made.create) made.definition = definition_of(gid, expected.steps);
  if (!made.create) made.expected_status = expected.sure.back().status;
  made.state = test_state(write.status);
  made.state.retry_interval_ms = write.number;
  for (const Write& before : expected.sure) made.first_registration += before.registrations;
  made.registrations = numbered_registrations(made.first_registration, write.registrations, write.number);
  const std::size_t rows = 2 * (expected.steps + made.first_registration + write.registrations);
  for (std::uint32_t first : write.runs) made.runs.push_back(numbered_run(first, rows, write.number));
  in_flight_[gid] = write;
  return made;
}

// Three new transactions in each group, a long saga, a short one and a tcc; those of the group before make progress,
// those of the one before that end.
std::vector<Change> Scenario::make_group(int group) {
  std::vector<Change> changes;
  const auto write = [this](Status status, std::vector<std::uint32_t> runs) {
    return Write{next_number_++, status, std::move(runs), 0};
  };
  const auto go_on = [&](const std::string& gid, const Write& next) {
    const auto found = expected_.find(gid);
    if (found == expected_.end() || found->second.sure.empty() || is_final(found->second.sure.back().status)) return;
    changes.push_back(make(gid, next));
  };
  for (const bool is_long : {true, false}) {
    const std::string kind = is_long ? "long" : "short";
    const std::string fresh = kind + std::to_string(group);
    expected_[fresh].steps = is_long ? kLongSteps : 1;
    changes.push_back(make(fresh, write(Status::submitted, {})));
    go_on(kind + std::to_string(group - 1),
          write(Status::submitted, is_long ? std::vector<std::uint32_t>{64} : std::vector<std::uint32_t>{0}));
    go_on(kind + std::to_string(group - 2),
          write(is_long ? Status::succeed : Status::failed,
                is_long ? std::vector<std::uint32_t>{0, 32} : std::vector<std::uint32_t>{}));
  }
  const auto registering = [this](Status status, std::size_t registrations, std::vector<std::uint32_t> runs) {
    return Write{next_number_++, status, std::move(runs), registrations};
  };
  changes.push_back(make("tcc" + std::to_string(group), registering(Status::prepared, kManyRegistrations, {})));
  go_on("tcc" + std::to_string(group - 1), registering(Status::prepared, kManyRegistrations, {32}));
  go_on("tcc" + std::to_string(group - 2), registering(Status::succeed, 1, {0}));
  return changes;
}

bool Scenario::purge(Store& store) {
  const auto purged = store.purge(kTestTimeMs * 2, 0, kTestTimeMs, 1'000'000);
  for (auto& [gid, expected] : expected_) {
    if (expected.sure.empty() || !is_final(expected.sure.back().status)) continue;
    expected.purged = static_cast<bool>(purged);
    expected.purge_unsure = !purged;
  }
  return static_cast<bool>(purged);
}

// Every three groups one is created, changed, and removed, but for every other one, which stays.
bool Scenario::change_key_value(Store& store, int group) {
  const std::string key = "key" + std::to_string(group / 3);
  std::int64_t& known = key_values_[key];
  const bool removes = group % 3 == 2;
  const bool done = removes ? known == 0 || group / 3 % 2 == 1 : known > group % 3;
  if (done) return true;
  const std::int64_t next = removes ? 0 : known + 1;
  const auto value = removes ? std::nullopt : std::optional(value_of(next));
  const ChangeResult result = store.apply_key_value(key_value_change("c", key, value, known));
  CHECK((result == ChangeResult::applied || result == ChangeResult::failed));
  if (result == ChangeResult::applied) {
    known = next;
    return true;
  }
  unsure_key_ = key;
  unsure_version_ = next;
  return false;
}

bool Scenario::run(Store& store) {
  for (; next_group_ < kGroups; ++next_group_) {
    if (next_group_ == kPurgeGroup && !purge(store)) return false;
    if (!change_key_value(store, next_group_)) return false;
    in_flight_.clear();
    const std::vector<Change> group = make_group(next_group_);
    std::vector<ChangeOutcome> outcomes(group.size());
    store.apply(group, outcomes);
    bool failed = false;
    for (std::size_t i = 0; i < group.size(); ++i) {
      Expected& expected = expected_[group[i].gid];
      CHECK((outcomes[i].result == ChangeResult::applied || outcomes[i].result == ChangeResult::failed));
      if (outcomes[i].result == ChangeResult::applied) {
        expected.sure.push_back(in_flight_[group[i].gid]);
      } else {
        expected.unsure = in_flight_[group[i].gid];
        failed = true;
      }
    }
    if (failed) return false;
  }
  return true;
}

void Scenario::check_whole(const StoredTransaction& found, const Expected& expected, const std::vector<Write>& writes) {
  CHECK(*found.definition == *definition_of(found.definition->gid, expected.steps));
  CHECK(found.state.status == writes.back().status);
  std::vector<BranchState> branches(2 * expected.steps);
  std::vector<Registration> registrations;
  for (const Write& write : writes) {
    const auto more = numbered_registrations(registrations.size(), write.registrations, write.number);
    registrations.insert(registrations.end(), more.begin(), more.end());
    branches.resize(2 * (expected.steps + registrations.size()));
    for (std::uint32_t first : write.runs) {
      const BranchRun run = numbered_run(first, branches.size(), write.number);
      std::copy(run.branches.begin(), run.branches.end(), branches.begin() + first);
    }
  }
  CHECK(found.registrations == registrations);
  CHECK(found.branches == branches);
}

void Scenario::check_key_values(Store& store) {
  std::vector<std::string> newest_first;
  for (auto& entry : key_values_) {
    const std::string& key = entry.first;
    std::int64_t& known = entry.second;
    CAPTURE(key);
    const auto found = find_key_value(store, "c", key);
    const std::int64_t version = found ? found->version : 0;
    if (unsure_version_ && unsure_key_ == key && version == *unsure_version_) known = version;
    CHECK(version == known);
    if (found) CHECK(found->value == value_of(version));
    if (found) newest_first.insert(newest_first.begin(), key);
  }
  unsure_version_.reset();
  std::vector<std::string> listed;
  for (const KeyValue& value : scan_all_key_values(store, "c", 2)) listed.push_back(value.key);
  CHECK(listed == newest_first);
}

void Scenario::check(Store& store) {
  check_key_values(store);
  std::vector<std::string> unfinished;
  for (auto& entry : expected_) {
    const std::string& gid = entry.first;
    Expected& expected = entry.second;
    CAPTURE(gid);
    const auto loaded = store.load(gid);
    const std::string why = loaded ? "" : loaded.error().message;
    REQUIRE_MESSAGE(loaded, why);
    const auto purged = store.purged_status(gid);
    REQUIRE(purged);
    if (expected.purge_unsure) expected.purged = purged.value().has_value();
    expected.purge_unsure = false;
    if (expected.purged) {
      CHECK(purged.value() == expected.sure.back().status);
      CHECK_FALSE(loaded.value().has_value());
      continue;
    }
    CHECK_FALSE(purged.value().has_value());
    const bool found = loaded.value().has_value();
    CHECK((found || expected.sure.empty()));
    if (found) {
      const auto number = static_cast<std::uint32_t>(loaded.value()->state.retry_interval_ms);
      if (expected.unsure && expected.unsure->number == number) expected.sure.push_back(*expected.unsure);
      REQUIRE_FALSE(expected.sure.empty());
      CHECK(expected.sure.back().number == number);
      check_whole(*loaded.value(), expected, expected.sure);
      if (!is_final(loaded.value()->state.status)) unfinished.push_back(gid);
    }
    expected.unsure.reset();
  }
  std::erase_if(expected_, [](const auto& entry) { return entry.second.sure.empty(); });
  auto visited = unfinished_gids(store);
  std::sort(visited.begin(), visited.end());
  CHECK(visited == unfinished);
}

}  // namespace settle
