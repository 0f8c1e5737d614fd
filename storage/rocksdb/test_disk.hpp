// Opening the store in a test's folder, and reaching behind its back.
#pragma once

#include <doctest/doctest.h>
#include <rocksdb/db.h>

#include <memory>
#include <string>
#include <vector>

#include "settle/storage/rocksdb.hpp"
#include "tests/conformance/temporary_folder.hpp"

namespace settle {

inline RocksdbOptions in(const TemporaryFolder& folder) {
  RocksdbOptions options;
  options.path = folder.path() + "/store";
  return options;
}

inline std::unique_ptr<RocksdbStore> must_open(const RocksdbOptions& options) {
  auto opened = open_rocksdb_store(options);
  const std::string why = opened ? "" : opened.error().message;
  REQUIRE_MESSAGE(opened, why);
  return std::move(opened.value());
}

inline bool says(const Error& error, const std::string& words) {
  INFO(error.message);
  return error.message.find(words) != std::string::npos;
}

// The database itself; the store must be closed.
inline std::unique_ptr<::rocksdb::DB> open_raw(const RocksdbOptions& options) {
  ::rocksdb::DB* database = nullptr;
  REQUIRE(::rocksdb::DB::Open(::rocksdb::Options(), options.path, &database).ok());
  return std::unique_ptr<::rocksdb::DB>(database);
}

inline void overwrite(const RocksdbOptions& options, const std::string& key, const std::string& value) {
  REQUIRE(open_raw(options)->Put(::rocksdb::WriteOptions(), key, value).ok());
}

inline void erase(const RocksdbOptions& options, const std::string& key) {
  REQUIRE(open_raw(options)->Delete(::rocksdb::WriteOptions(), key).ok());
}

// The first byte of every key.
inline std::string stored_kinds(const RocksdbOptions& options) {
  const auto database = open_raw(options);
  const std::unique_ptr<::rocksdb::Iterator> at(database->NewIterator(::rocksdb::ReadOptions()));
  std::string kinds;
  for (at->SeekToFirst(); at->Valid(); at->Next()) kinds += at->key().ToString().substr(0, 1);
  REQUIRE(at->status().ok());
  return kinds;
}

}  // namespace settle
