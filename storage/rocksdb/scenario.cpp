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

std::shared_ptr<const Definition> definition_of(const std::string& gid, std::size_t steps) {
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
  for (std::uint32_t first : write.runs) made.runs.push_back(numbered_run(first, 2 * expected.steps, write.number));
  in_flight_[gid] = write;
  return made;
}

// Two new transactions in each group, a long one and a short one; those of the group before make progress, those of the
// one before that end.
std::vector<Change> Scenario::make_group(int group) {
  std::vector<Change> changes;
  const auto write = [this](Status status, std::vector<std::uint32_t> runs) {
    return Write{next_number_++, status, std::move(runs)};
  };
  for (const bool is_long : {true, false}) {
    const std::string kind = is_long ? "long" : "short";
    const std::string fresh = kind + std::to_string(group);
    expected_[fresh].steps = is_long ? kLongSteps : 1;
    changes.push_back(make(fresh, write(Status::submitted, {})));
    const auto go_on = [&](int age, Status status, std::vector<std::uint32_t> runs) {
      const std::string gid = kind + std::to_string(group - age);
      const auto found = expected_.find(gid);
      if (found == expected_.end() || found->second.sure.empty() || is_final(found->second.sure.back().status)) return;
      changes.push_back(make(gid, write(status, std::move(runs))));
    };
    go_on(1, Status::submitted, is_long ? std::vector<std::uint32_t>{64} : std::vector<std::uint32_t>{0});
    go_on(2, is_long ? Status::succeed : Status::failed,
          is_long ? std::vector<std::uint32_t>{0, 32} : std::vector<std::uint32_t>{});
  }
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

bool Scenario::run(Store& store) {
  for (; next_group_ < kGroups; ++next_group_) {
    if (next_group_ == kPurgeGroup && !purge(store)) return false;
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
  for (const Write& write : writes) {
    for (std::uint32_t first : write.runs) {
      const BranchRun run = numbered_run(first, branches.size(), write.number);
      std::copy(run.branches.begin(), run.branches.end(), branches.begin() + first);
    }
  }
  CHECK(found.branches == branches);
}

void Scenario::check(Store& store) {
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
