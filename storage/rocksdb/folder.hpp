// The folder of a store: whose it is, and who holds it. A small file SETTLE in it says that it is ours and in which
// format; SETTLE.lock is locked by the process that has it open.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "settle/result.hpp"

namespace rocksdb {
class FileLock;
class FileSystem;
class Status;
}  // namespace rocksdb

namespace settle {

// Grows when a program that knows only the old one could do harm in a folder of the new one.
inline constexpr int kFolderFormat = 1;

// Holds the lock as long as it lives. Threads: one at a time.
class Folder {
 public:
  enum class Missing { create, refuse };

  // Takes the folder. Missing::create: a missing or empty folder becomes ours, durably. Errors name the folder and what
  // to do: it is a file, cannot be read or written, holds files that are not ours, has a newer format, is not there
  // (Missing::refuse), or (Code::unavailable) another process holds it.
  static Result<std::unique_ptr<Folder>> claim(std::shared_ptr<::rocksdb::FileSystem> file_system,
                                               const std::string& path, Missing missing);
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  // The emptying of the store was begun and is not known to have ended: what is left of it must go.
  bool being_emptied() const { return being_emptied_; }
  // Notes durably that it begins or ended.
  Result<Done> set_being_emptied(bool being_emptied);

  // Whether a file can be written and synced here now; leaves nothing behind.
  Result<Done> probe();

 private:
  Folder(std::shared_ptr<::rocksdb::FileSystem> file_system, std::string path)
      : file_system_(std::move(file_system)), path_(std::move(path)) {}

  Result<bool> read_identity();  // false: there is none
  Result<Done> write_identity();
  Result<Done> check_empty() const;
  Result<Done> lock();
  Error error(const std::string& what) const;
  Error error(const std::string& what, const ::rocksdb::Status& status) const;

  std::shared_ptr<::rocksdb::FileSystem> file_system_;
  std::string path_;
  ::rocksdb::FileLock* lock_ = nullptr;
  bool being_emptied_ = false;
};

}  // namespace settle
