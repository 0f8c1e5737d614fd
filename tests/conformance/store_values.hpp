// Transactions and changes for tests of stores.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "settle/store.hpp"

namespace settle {

inline constexpr std::int64_t kTestTimeMs = 1'700'000'000'000;

// A saga of so many steps, each with a payload.
std::shared_ptr<const Definition> test_definition(const std::string& gid, std::size_t steps = 2,
                                                  std::int64_t create_time_ms = kTestTimeMs);

// A state in which every field says something.
State test_state(GlobalStatus status, std::int64_t time_ms = kTestTimeMs);

// Creates it in this status, with no branch state but the default.
Change creation(std::shared_ptr<const Definition> definition, GlobalStatus status = GlobalStatus::submitted);

// Moves it from one status to another, and changes these runs.
Change change(const std::string& gid, GlobalStatus from, GlobalStatus to, std::vector<BranchRun> runs = {});

// The run that starts at `first` of a transaction with `branch_count` rows, in which everything is done.
BranchRun done_run(std::uint32_t first, std::size_t branch_count);

ChangeOutcome apply_one(Store& store, const Change& change);

// What the store has; the test fails where it has nothing or an error.
StoredTransaction must_load(Store& store, const std::string& gid);
bool is_stored(Store& store, const std::string& gid);

// The gids of all pages, in order.
std::vector<std::string> scan_all(Store& store, const ScanFilter& filter, std::size_t page_size);

// The gids of all that are unfinished, in order.
std::vector<std::string> unfinished_gids(Store& store);

}  // namespace settle
