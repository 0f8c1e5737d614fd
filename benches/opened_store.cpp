#include "benches/opened_store.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "settle/storage/memory.hpp"
#include "settle/storage/mysql.hpp"

namespace settle::bench {
namespace {

constexpr std::array<std::string_view, 3> kKinds{"memory", "rocksdb", "mysql"};

}  // namespace

Result<std::unique_ptr<RocksdbStore>> open_rocksdb_below(const std::filesystem::path& folder) {
  RocksdbOptions options;
  options.path = (folder / "store").string();
  return open_rocksdb_store(options);
}

Result<std::unique_ptr<Store>> open_mysql_on(const MariadbProcess& mariadb) {
  MysqlOptions options;
  options.host = "127.0.0.1";
  options.port = mariadb.port();
  return open_mysql_store(options, {});
}

bool is_store_kind(std::string_view kind) { return std::find(kKinds.begin(), kKinds.end(), kind) != kKinds.end(); }

std::int64_t OpenedStore::store_cpu_us() const {
  return mariadb ? usage_of(mariadb->pid()).value_or(ProcessUsage{}).cpu_us : 0;
}

Result<Done> OpenedStore::reopen() {
  if (!folder) return Done{};
  store.reset();
  rocksdb = nullptr;
  if (mariadb) {
    Result<std::unique_ptr<Store>> opened = open_mysql_on(*mariadb);
    if (!opened) return opened.error();
    store = std::move(opened).value();
    return Done{};
  }
  Result<std::unique_ptr<RocksdbStore>> opened = open_rocksdb_below(folder->path());
  if (!opened) return opened.error();
  rocksdb = opened.value().get();
  store = std::move(opened).value();
  return Done{};
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
