#include "server/open_store.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

#include "settle/storage/memory.hpp"
#include "settle/storage/mysql.hpp"
#include "settle/storage/rocksdb.hpp"

namespace settle::server {
namespace {

Result<std::unique_ptr<Store>> open_rocksdb(const Config& config, bool reset) {
  RocksdbOptions options;
  options.path = config.store_path;
  std::error_code unreadable;
  if (reset && std::filesystem::exists(options.path, unreadable)) {
    if (Result<Done> done = reset_rocksdb_store(options); !done) return std::move(done.error());
  }
  Result<std::unique_ptr<RocksdbStore>> opened = open_rocksdb_store(options);
  if (!opened) return std::move(opened.error());
  return std::unique_ptr<Store>(std::move(opened).value());
}

Result<std::unique_ptr<Store>> open_mysql(const Config& config, bool reset, const Log& log) {
  if (reset) {
    if (Result<Done> done = reset_mysql_store(config.mysql); !done) return std::move(done.error());
  }
  return open_mysql_store(config.mysql, log);
}

}  // namespace

Result<std::unique_ptr<Store>> open_store(const Config& config, bool reset, const Log& log) {
  switch (config.store_driver) {
    case StoreDriver::memory:
      return make_memory_store();
    case StoreDriver::mysql:
      return open_mysql(config, reset, log);
    case StoreDriver::rocksdb:
      break;
  }
  return open_rocksdb(config, reset);
}

}  // namespace settle::server
