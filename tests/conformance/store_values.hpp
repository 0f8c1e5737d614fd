// Transactions and changes for tests of stores.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "settle/store.hpp"

namespace settle {

inline constexpr std::int64_t kTestTimeMs = 1'700'000'000'000;

// A saga of so many steps, each with a payload.
std::shared_ptr<const Definition> test_definition(const std::string& gid, std::size_t steps = 2,
                                                  std::int64_t create_time_ms = kTestTimeMs);

// A tcc, xa or workflow: no rows yet.
std::shared_ptr<const Definition> open_definition(const std::string& gid, TransType type = TransType::tcc);

// The registration of this number, unlike any other; it has what such a type's have.
Registration test_registration(std::size_t number, TransType type = TransType::tcc);

// So many of them, from this number on.
std::vector<Registration> test_registrations(std::size_t first, std::size_t count, TransType type = TransType::tcc);

// A state in which every field says something. Times are whole seconds, which is what every store can tell apart.
State test_state(GlobalStatus status, std::int64_t time_ms = kTestTimeMs);

// Creates it in this status, with no branch state but the default.
Change creation(std::shared_ptr<const Definition> definition, GlobalStatus status = GlobalStatus::submitted);

// Moves it from one status to another, and changes these runs.
Change change(const std::string& gid, GlobalStatus from, GlobalStatus to, std::vector<BranchRun> runs = {});

// Registers so many, behind the `first` that are there, in a status that stays.
Change registering(const std::string& gid, std::size_t first, std::size_t count,
                   GlobalStatus status = GlobalStatus::prepared, TransType type = TransType::tcc);

// The run that starts at `first` of a transaction with `branch_count` rows, in which everything is done.
BranchRun done_run(std::uint32_t first, std::size_t branch_count);

// Applies it; to a store that names branches with the names, and with the runs that such a store is given.
ChangeOutcome apply_one(Store& store, const Change& change);

// Of the transaction that was created so: as the store said at once, or as it shows.
std::int64_t created_id(Store& store, const ChangeOutcome& outcome, const std::string& gid);

// What the store has; the test fails where it has nothing or an error.
StoredTransaction must_load(Store& store, const std::string& gid);
bool is_stored(Store& store, const std::string& gid);

// The gids of all pages, in order.
std::vector<std::string> scan_all(Store& store, const ScanFilter& filter, std::size_t page_size);

// The gids of all that are unfinished, in order.
std::vector<std::string> unfinished_gids(Store& store);

// Creates the key-value or gives it another value; removes it where there is none.
KeyValueChange key_value_change(const std::string& category, const std::string& key, std::optional<std::string> value,
                                std::int64_t expected_version = 0, std::int64_t now_ms = kTestTimeMs);

// What the store has of that name, where it has it; the test fails where it has an error.
std::optional<KeyValue> find_key_value(Store& store, const std::string& category, const std::string& key);

// All of the category (empty: of all), in order.
std::vector<KeyValue> scan_all_key_values(Store& store, const std::string& category, std::size_t page_size);

}  // namespace settle
