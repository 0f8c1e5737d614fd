// A store of this process that a subcommand measures, empty and in a folder of its own.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "benches/machine.hpp"
#include "benches/mariadb_process.hpp"
#include "settle/result.hpp"
#include "settle/storage/rocksdb.hpp"
#include "settle/store.hpp"

namespace settle::bench {

// "memory", "rocksdb" or "mysql".
bool is_store_kind(std::string_view kind);

// In "store" below this folder, as a server has it.
Result<std::unique_ptr<RocksdbStore>> open_rocksdb_below(const std::filesystem::path& folder);
Result<std::unique_ptr<Store>> open_mysql_on(const MariadbProcess& mariadb);

// What is kept goes away with it.
struct OpenedStore {
  std::optional<TemporaryFolder> folder;
  FileSystem file_system{"memory", true};
  std::unique_ptr<MariadbProcess> mariadb;  // of mysql
  std::unique_ptr<Store> store;
  RocksdbStore* rocksdb = nullptr;  // the store, where it is one

  bool durable() const { return !file_system.in_memory; }
  // What is lost with the machine, though it should be durable.
  bool is_volatile() const { return folder && file_system.in_memory; }
  // CPU time of the process that keeps what is stored; 0 where there is none.
  std::int64_t store_cpu_us() const;
  RocksdbStatistics statistics() const { return rocksdb != nullptr ? rocksdb->statistics() : RocksdbStatistics{}; }

  // Closes the store and opens it again: what it has in memory is lost. `memory` stays as it is.
  Result<Done> reopen();
};

// `parent`: where the folder is made.
Result<OpenedStore> open_empty_store(const std::string& kind, const std::string& parent);

}  // namespace settle::bench
