#include "storage/rocksdb/database.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/file_system.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <cstddef>

#include "storage/rocksdb/keys.hpp"
#include "storage/rocksdb/zeroed_logs.hpp"

namespace settle {
namespace {

// Of a log, ahead of what is written. A sync that follows takes a millisecond or two more.
constexpr std::size_t kZeroedBytes = 256 << 10;

// Puts the gid keys, and no others, into the filters: they alone are looked up where mostly nothing is (every create).
class GidsOnly final : public ::rocksdb::SliceTransform {
 public:
  // Stored in every table: one that was written under another name is read without its filter.
  const char* Name() const override { return "settle.gids-only.1"; }
  ::rocksdb::Slice Transform(const ::rocksdb::Slice& key) const override { return key; }
  bool InDomain(const ::rocksdb::Slice& key) const override {
    return !key.empty() && key[0] == static_cast<char>(KeyKind::gid);
  }
};

// Keys that carry an id are written in its order: each goes next to the one before it of its kind, without a search.
class OrderedKinds final : public ::rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "settle.ordered-kinds"; }
  ::rocksdb::Slice Transform(const ::rocksdb::Slice& key) const override { return {key.data(), 1}; }
  bool InDomain(const ::rocksdb::Slice& key) const override {
    return !key.empty() &&
           (key[0] == static_cast<char>(KeyKind::unfinished) || key[0] == static_cast<char>(KeyKind::finished));
  }
};

::rocksdb::BlockBasedTableOptions table_options(const RocksdbOptions& options) {
  ::rocksdb::BlockBasedTableOptions table;
  constexpr int kShardBits = 2;
  table.block_cache = ::rocksdb::NewLRUCache(options.cache_bytes, kShardBits);
  table.block_size = 8 << 10;
  // Filters and indexes are cut into pieces that live in the cache, so that memory stays within cache_bytes however
  // many transactions there are.
  constexpr double kFilterBitsPerKey = 10;
  table.filter_policy.reset(::rocksdb::NewBloomFilterPolicy(kFilterBitsPerKey));
  table.whole_key_filtering = false;
  table.partition_filters = true;
  table.index_type = ::rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_top_level_index_and_filter = true;
  table.format_version = 5;
  return table;
}

::rocksdb::Options database_options(const RocksdbOptions& options, const DatabaseEnvironment& environment) {
  ::rocksdb::Options tuned;
  tuned.env = environment.env.get();
  tuned.create_if_missing = true;
  tuned.paranoid_checks = true;

  // After a crash of the machine the end of the log may be torn, but nothing that was synced is behind the tear.
  tuned.wal_recovery_mode = ::rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // What is recovered from the log goes to tables, synced, before anyone sees it: it may not have been synced before.
  tuned.avoid_flush_during_recovery = false;
  // Only repair() brings the store back after an error: it alone knows what was promised.
  tuned.max_bgerror_resume_count = 0;

  // One thread writes, nearly always: what RocksDB has for many only costs.
  tuned.allow_concurrent_memtable_write = false;
  tuned.enable_write_thread_adaptive_yield = false;
  constexpr std::size_t kWriteBufferBytesMin = 64 << 10;
  tuned.write_buffer_size = std::max(kWriteBufferBytesMin, options.write_buffer_bytes);
  tuned.max_write_buffer_number = 3;
  tuned.arena_block_size = std::min<std::size_t>(256 << 10, tuned.write_buffer_size / 8);
  tuned.prefix_extractor = std::make_shared<GidsOnly>();
  tuned.memtable_prefix_bloom_size_ratio = 0.02;
  tuned.memtable_insert_with_hint_prefix_extractor = std::make_shared<OrderedKinds>();

  tuned.max_background_jobs = 2;
  tuned.max_open_files = 512;
  tuned.level_compaction_dynamic_level_bytes = true;
  tuned.target_file_size_base = 32 << 20;
  tuned.max_bytes_for_level_base = 128 << 20;
  tuned.bytes_per_sync = 1 << 20;
  // The young levels are rewritten soon; only what stays is worth the time to compress it.
  tuned.compression = ::rocksdb::kNoCompression;
  tuned.bottommost_compression = ::rocksdb::kLZ4Compression;
  tuned.table_factory.reset(::rocksdb::NewBlockBasedTableFactory(table_options(options)));
  tuned.skip_stats_update_on_db_open = true;

  tuned.max_manifest_file_size = 4 << 20;
  tuned.info_log_level = ::rocksdb::WARN_LEVEL;
  tuned.keep_log_file_num = 2;
  tuned.max_log_file_size = 1 << 20;
  tuned.stats_dump_period_sec = 0;
  tuned.stats_persist_period_sec = 0;
  return tuned;
}

}  // namespace

DatabaseEnvironment::DatabaseEnvironment(const RocksdbOptions& options)
    : file_system_shared(
          std::make_shared<ZeroedLogs>(options.file_system ? options.file_system : ::rocksdb::FileSystem::Default(),
                                       std::min(kZeroedBytes, options.write_buffer_bytes))),
      env(::rocksdb::NewCompositeEnv(file_system_shared)) {}

Error database_error(const std::string& path, const ::rocksdb::Status& status) {
  if (status.IsCorruption()) {
    return {Code::internal, "store folder " + path + ": the database is damaged (" + status.ToString() +
                                "); restore the folder from a copy, or choose another one"};
  }
  return {Code::unavailable, "store folder " + path + ": " + status.ToString()};
}

Result<std::unique_ptr<::rocksdb::DB>> open_database(const RocksdbOptions& options,
                                                     const DatabaseEnvironment& environment, OpenMode mode) {
  ::rocksdb::DB* database = nullptr;
  const ::rocksdb::Options tuned = database_options(options, environment);
  const ::rocksdb::Status status = mode == OpenMode::read_write
                                       ? ::rocksdb::DB::Open(tuned, options.path, &database)
                                       : ::rocksdb::DB::OpenForReadOnly(tuned, options.path, &database);
  if (!status.ok()) return database_error(options.path, status);
  return std::unique_ptr<::rocksdb::DB>(database);
}

Result<Done> destroy_database(const RocksdbOptions& options, const DatabaseEnvironment& environment) {
  const auto status = ::rocksdb::DestroyDB(options.path, database_options(options, environment));
  if (!status.ok()) return database_error(options.path, status);
  return Done{};
}

}  // namespace settle
