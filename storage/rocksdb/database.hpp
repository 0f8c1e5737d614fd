// RocksDB as this store uses it: all the tuning, in one place.
#pragma once

#include <rocksdb/db.h>

#include <memory>
#include <string>

#include "settle/result.hpp"
#include "settle/storage/rocksdb.hpp"

namespace settle {

// The environment that RocksDB works in. Must outlive every database opened with it.
struct DatabaseEnvironment {
  explicit DatabaseEnvironment(const RocksdbOptions& options);
  ::rocksdb::FileSystem& file_system() const { return *file_system_shared; }

  std::shared_ptr<::rocksdb::FileSystem> file_system_shared;
  std::unique_ptr<::rocksdb::Env> env;
};

enum class OpenMode { read_write, read_only };

// Opens the database in options.path; read_write creates it where it is missing, and when it returns all that can be
// read is durable, while what an earlier process wrote in vain is gone for good. Clear errors; a damaged one says so.
Result<std::unique_ptr<::rocksdb::DB>> open_database(const RocksdbOptions& options,
                                                     const DatabaseEnvironment& environment, OpenMode mode);

// Removes the database's files.
Result<Done> destroy_database(const RocksdbOptions& options, const DatabaseEnvironment& environment);

// How a failed read or write is told.
Error database_error(const std::string& path, const ::rocksdb::Status& status);

}  // namespace settle
