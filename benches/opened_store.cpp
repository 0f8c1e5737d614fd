#include "benches/opened_store.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "settle/storage/memory.hpp"
#include "settle/storage/mysql.hpp"

namespace settle::bench {
namespace {

constexpr std::array<std::string_view, 3> kKinds{"memory", "rocksdb", "mysql"};

Result<Done> open_rocksdb(OpenedStore& opened) {
  RocksdbOptions options;
  options.path = (opened.folder->path() / "store").string();
  Result<std::unique_ptr<RocksdbStore>> store = open_rocksdb_store(options);
  if (!store) return store.error();
  opened.rocksdb = store.value().get();
  opened.store = std::move(store).value();
  return Done{};
}

Result<Done> open_mysql(OpenedStore& opened) {
  MysqlOptions options;
  options.host = "127.0.0.1";
  options.port = opened.mariadb->port();
  Result<std::unique_ptr<Store>> store = open_mysql_store(options, {});
  if (!store) return store.error();
  opened.store = std::move(store).value();
  return Done{};
}

}  // namespace

bool is_store_kind(std::string_view kind) { return std::find(kKinds.begin(), kKinds.end(), kind) != kKinds.end(); }

std::int64_t OpenedStore::store_cpu_us() const {
  return mariadb ? usage_of(mariadb->pid()).value_or(ProcessUsage{}).cpu_us : 0;
}

Result<Done> OpenedStore::reopen() {
  if (!folder) return Done{};
  store.reset();
  rocksdb = nullptr;
  return mariadb ? open_mysql(*this) : open_rocksdb(*this);
}

Result<OpenedStore> open_empty_store(const std::string& kind, const std::string& parent) {
  OpenedStore opened;
  if (kind == "memory") {
    opened.store = make_memory_store();
    return opened;
  }
  Result<TemporaryFolder> folder = TemporaryFolder::make(parent);
  if (!folder) return folder.error();
  opened.folder.emplace(std::move(folder).value());
  Result<FileSystem> file_system = file_system_of(opened.folder->path());
  if (!file_system) return file_system.error();
  opened.file_system = file_system.value();
  if (kind == "mysql") {
    if (const Result<Done> found = MariadbProcess::find(); !found) return found.error();
    Result<std::unique_ptr<MariadbProcess>> mariadb = MariadbProcess::start(opened.folder->path(), {});
    if (!mariadb) return mariadb.error();
    opened.mariadb = std::move(mariadb).value();
  }
  if (const Result<Done> done = opened.reopen(); !done) return done.error();
  return opened;
}

}  // namespace settle::bench
