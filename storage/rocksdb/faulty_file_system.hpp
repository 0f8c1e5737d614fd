// A file system for tests that can fail, fill up, and lose at a crash what was not synced, be it bytes of files or
// names in folders. It never really syncs: what it keeps over a "crash" is what it was told to sync.
#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace settle {

// Threads: any.
class FaultyFileSystem final : public ::rocksdb::FileSystemWrapper {
 public:
  enum class Fault { error, no_space };
  enum class Loss { all_unsynced, half_of_unsynced, nothing };

  FaultyFileSystem() : ::rocksdb::FileSystemWrapper(::rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FaultyFileSystem"; }

  // The n-th change from now on (1: the next) fails, and `count` - 1 after it. A failed append leaves half of its
  // bytes, and what a failed sync was to make durable never becomes so, as on a disk that dropped the pages.
  void fail_from(std::int64_t n, Fault fault, std::int64_t count = INT64_MAX);
  void heal();
  // Whether a fault was met since fail_from().
  bool has_failed() const;

  // What a crash of the machine does. No file may be open.
  void lose(Loss loss);

  ::rocksdb::IOStatus NewWritableFile(const std::string& name, const ::rocksdb::FileOptions& options,
                                      std::unique_ptr<::rocksdb::FSWritableFile>* result,
                                      ::rocksdb::IODebugContext* debug) override;
  ::rocksdb::IOStatus NewDirectory(const std::string& name, const ::rocksdb::IOOptions& options,
                                   std::unique_ptr<::rocksdb::FSDirectory>* result,
                                   ::rocksdb::IODebugContext* debug) override;
  ::rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const ::rocksdb::IOOptions& options,
                                 ::rocksdb::IODebugContext* debug) override;
  ::rocksdb::IOStatus DeleteFile(const std::string& name, const ::rocksdb::IOOptions& options,
                                 ::rocksdb::IODebugContext* debug) override;

 private:
  class File;
  class Directory;

  struct Content {
    std::uint64_t size = 0;
    std::uint64_t synced = 0;
    bool dropped = false;  // a sync failed: what was not synced by then never will be
  };
  // A name that a crash takes back. Where a rename put it over another file, what that one held.
  struct NewName {
    std::string name;
    std::optional<std::string> renamed_from;
    std::optional<std::string> replaced;
  };

  // Counts one change; the error that it is to end with, or OK.
  ::rocksdb::IOStatus next_change();
  void appended(const std::string& name, std::uint64_t bytes);
  void synced(const std::string& name);
  void sync_failed(const std::string& name);
  void directory_synced(const std::string& folder);

  mutable std::mutex mutex_;
  std::int64_t changes_ = 0;
  std::int64_t fail_first_ = INT64_MAX;
  std::int64_t fail_last_ = INT64_MAX;
  Fault fault_ = Fault::error;
  bool has_failed_ = false;
  std::map<std::string, Content> contents_;
  std::vector<NewName> new_names_;  // in the order in which they came
};

}  // namespace settle
