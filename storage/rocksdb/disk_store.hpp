// The Store on RocksDB. Keys are described in keys.hpp, values in codec.hpp.
//
// Invariants
//   * A gid has one value: a definition with the id of its state, or the note that it was purged.
//   * Each id has exactly one state, unfinished or finished by its status; they move in one batch.
//   * unfinished_ holds what the database holds of the unfinished (but for damaged ones), after each apply().
//   * Ids only grow, also over purges and restarts; so do those of key-values, over removals.
//   * A transaction has as many registrations as its state says, numbered from 0 without a gap.
//   * A key-value has one record, under its id, and its name holds that id.
// Threads
//   * apply(), apply_key_value() and repair() are the committer's. Only it changes unfinished_, next_id_,
//   next_key_value_id_, batch_ and
//     database_.
//   * Readers and purge() hold database_mutex_ shared while they use database_; repair() holds it alone to replace it.
//   * purge() holds purge_mutex_, so that there is one at a time.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "settle/storage/rocksdb.hpp"
#include "storage/rocksdb/codec.hpp"
#include "storage/rocksdb/database.hpp"
#include "storage/rocksdb/folder.hpp"
#include "storage/rocksdb/keys.hpp"
#include "storage/rocksdb/unfinished_index.hpp"

namespace settle {

class DiskStore final : public RocksdbStore {
 public:
  static Result<std::unique_ptr<RocksdbStore>> open(const RocksdbOptions& options);

  StoreTraits traits() const override { return {"rocksdb", true, options_.path}; }
  RocksdbStatistics statistics() const override { return {syncs_, bytes_written_}; }

  // disk_store.cpp
  void apply(std::span<const Change> group, std::span<ChangeOutcome> outcomes) override;
  Result<Done> repair() override;

  // disk_store_key_values.cpp
  ChangeResult apply_key_value(const KeyValueChange& change) override;
  Result<std::optional<KeyValue>> load_key_value(const std::string& category, const std::string& key) override;
  Result<KeyValuePage> scan_key_values(const std::string& category, const std::string& position,
                                       std::size_t limit) override;

  // disk_store_read.cpp
  Result<std::optional<StoredTransaction>> load(const std::string& gid) override;
  Result<std::optional<GlobalStatus>> purged_status(const std::string& gid) override;
  Result<ScanPage> scan(const ScanFilter& filter, const std::string& position, std::size_t limit) override;
  Result<Done> visit_unfinished(UniqueFunction<bool(StoredTransaction)> visit,
                                UniqueFunction<void(Error)> damaged) override;

  // disk_store_purge.cpp
  Result<PurgeResult> purge(std::int64_t finished_before_ms, std::int64_t forgotten_before_ms, std::int64_t now_ms,
                            std::size_t limit) override;

 private:
  class View;  // disk_store_view.hpp
  struct PurgePass;

  // What a change that is in the batch does to unfinished_ once it is written.
  struct Planned {
    std::size_t place = 0;  // in the group
    KnownTransaction known;
  };

  // What apply() knows of the transaction that a change is for.
  struct Current {
    KnownTransaction known;
    std::string key;  // of its state
  };

  explicit DiskStore(const RocksdbOptions& options) : options_(options), environment_(options) {}

  // disk_store.cpp
  Result<Done> read_index();
  // Raises `next_id` to what stands under the key, if anything does.
  Result<Done> read_next_id(const std::string& key, std::int64_t& next_id) const;
  // Puts the change into the batch and notes it in planned_, or refuses it in `outcome`. False: reading failed.
  bool plan(std::size_t place, const Change& change, ChangeOutcome& outcome);
  bool plan_create(std::size_t place, const Change& change, ChangeOutcome& outcome);
  bool plan_change(std::size_t place, const Change& change, ChangeOutcome& outcome);
  void put_definition(std::string_view key, std::int64_t id, const Definition& definition);
  void put_state(const std::string& key, const Change& change, const KnownTransaction& known,
                 std::vector<BranchState> first_run);
  // The registrations, and all runs but the first.
  void put_parts(std::int64_t id, const Change& change);
  void note_applied(std::span<const Change> group, std::span<ChangeOutcome> outcomes);
  // Nothing: there is none, or it is damaged. An error: reading failed.
  Result<std::optional<Current>> find_current(const std::string& gid);
  ::rocksdb::Status get(std::string_view key, ::rocksdb::PinnableSlice& value) const;
  ::rocksdb::Status write(::rocksdb::WriteBatch& batch);
  Error failure(const ::rocksdb::Status& status) const { return database_error(options_.path, status); }
  Result<Done> check_open() const;

  // disk_store_read.cpp
  Result<Done> scan_part(const ScanFilter& filter, std::size_t limit, std::int64_t& below, ScanPage& page);

  // disk_store_key_values.cpp
  // `stored` is what the change is made of; it is there where the change removes.
  void put_key_value(::rocksdb::WriteBatch& batch, const KeyValueChange& change, const std::optional<KeyValue>& stored);

  // disk_store_purge.cpp
  Result<Done> forget_some(PurgePass& pass);
  Result<Done> purge_some(PurgePass& pass);
  Result<Done> write_purge(::rocksdb::WriteBatch& batch);
  void lower_purge_start(std::int64_t id);

  const RocksdbOptions options_;
  DatabaseEnvironment environment_;
  std::unique_ptr<Folder> folder_;

  mutable std::shared_mutex database_mutex_;
  std::unique_ptr<::rocksdb::DB> database_;  // null, or read-only, while a repair has not succeeded

  UnfinishedIndex unfinished_;
  std::atomic<std::int64_t> next_id_ = 1;  // purge() reads it
  std::int64_t next_key_value_id_ = 1;
  std::atomic<bool> broken_ = false;  // set by whoever failed to write, cleared by repair()
  ::rocksdb::WriteBatch batch_;
  std::vector<Planned> planned_;

  std::mutex purge_mutex_;
  std::atomic<std::int64_t> purge_start_ = 0;  // no finished transaction with a smaller id is known to be worth a look

  std::atomic<std::uint64_t> syncs_ = 0;
  std::atomic<std::uint64_t> bytes_written_ = 0;
};

// RocksDB's view of some bytes and ours.
inline ::rocksdb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
inline std::string_view view(const ::rocksdb::Slice& bytes) { return {bytes.data(), bytes.size()}; }

// The bounds of all keys of one kind, for an iterator.
class KindRange {
 public:
  explicit KindRange(KeyKind kind) : low_(static_cast<char>(kind)), high_(static_cast<char>(low_ + 1)) {}
  KindRange(const KindRange&) = delete;
  KindRange& operator=(const KindRange&) = delete;
  // Options that keep an iterator in the range; they point into this object.
  ::rocksdb::ReadOptions read_options() const {
    ::rocksdb::ReadOptions options;
    options.total_order_seek = true;
    options.iterate_lower_bound = &low_slice_;
    options.iterate_upper_bound = &high_slice_;
    return options;
  }

 private:
  char low_;
  char high_;
  ::rocksdb::Slice low_slice_{&low_, 1};
  ::rocksdb::Slice high_slice_{&high_, 1};
};

}  // namespace settle
