// A store in a folder of this machine, on RocksDB: one process at a time, durable by group commit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "settle/result.hpp"
#include "settle/store.hpp"

namespace rocksdb {
class FileSystem;
}

namespace settle {

struct RocksdbOptions {
  std::string path = "settle-data";           // created where it is missing
  std::size_t cache_bytes = 8 << 20;          // block cache
  std::size_t write_buffer_bytes = 16 << 20;  // memtable
  // Null: the machine's. Tests put faults here; its files are where the machine has them, by the same names.
  std::shared_ptr<::rocksdb::FileSystem> file_system;
};

// What a benchmark wants to know.
struct RocksdbStatistics {
  std::uint64_t syncs = 0;          // of the write-ahead log
  std::uint64_t bytes_written = 0;  // to it
};

class RocksdbStore : public Store {
 public:
  virtual RocksdbStatistics statistics() const = 0;
};

// Opens or creates the store. Clear errors, naming the folder and what to do: another process holds it; it is not a
// folder or cannot be written; it holds files that are not ours, or of a newer format version, or a damaged database.
Result<std::unique_ptr<RocksdbStore>> open_rocksdb_store(const RocksdbOptions& options);

// Removes every transaction in the folder (`settled -r`). The folder must be a store of ours and not be open.
Result<Done> reset_rocksdb_store(const RocksdbOptions& options);

}  // namespace settle
