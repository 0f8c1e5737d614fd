// A moment of the database, to read several keys as of it.
#pragma once

#include <rocksdb/snapshot.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/rocksdb/disk_store.hpp"

namespace settle {

// Lives no longer than the lock on database_mutex_ of who made it. Every error names the key that it is about.
class DiskStore::View {
 public:
  explicit View(const DiskStore& store) : store_(store), snapshot_(store.database_.get()) {
    options_.snapshot = snapshot_.snapshot();
  }

  const ::rocksdb::Snapshot* snapshot() const { return options_.snapshot; }

  // Nothing where the key is not there; otherwise the bytes, valid until the next reading.
  Result<std::optional<std::string_view>> get(std::string_view key);

  Result<std::optional<GidRecord>> gid_record(std::string_view gid);
  Result<std::optional<StateRecord>> state(const std::string& key);
  Result<std::optional<KeyValue>> key_value(std::string_view category, std::string_view key);

  // The definition that belongs to this state.
  Result<std::shared_ptr<const Definition>> definition(std::int64_t id, const StateRecord& state);

  // With its registrations and the states of all rows.
  Result<StoredTransaction> whole(std::int64_t id, StateRecord state, std::shared_ptr<const Definition> definition);

 private:
  Result<std::vector<Registration>> registrations(std::int64_t id, const StateRecord& state);
  Result<Done> later_runs(std::int64_t id, std::vector<BranchState>& branches);

  const DiskStore& store_;
  ::rocksdb::ManagedSnapshot snapshot_;
  ::rocksdb::ReadOptions options_;
  ::rocksdb::PinnableSlice value_;
};

// What is wrong where one value of a transaction is there and this one is not.
Error missing_value(std::string_view key, std::string_view gid);

}  // namespace settle
