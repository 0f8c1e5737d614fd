// Write-ahead logs that are as long as they will be before anything is written to them.
//
// A sync of bytes by which a file has grown is two writes for most file systems, one behind the other: the bytes, and
// the file's new size. So a log is filled with zeros a piece ahead, and only every so many syncs has a new size to
// tell. RocksDB takes zeros for the end of a log; when a log is closed it is cut to what was written.
//
// Where zeros cannot be written nothing fails: the log grows as it would have. They are written by name, behind the
// back of the file system below, which therefore has to keep its files where the machine does.
#pragma once

#include <rocksdb/file_system.h>

#include <cstddef>
#include <memory>
#include <string>

namespace settle {

// Threads: any; a log, as RocksDB uses it, by one at a time.
class ZeroedLogs final : public ::rocksdb::FileSystemWrapper {
 public:
  ZeroedLogs(const std::shared_ptr<::rocksdb::FileSystem>& target, std::size_t piece_bytes)
      : FileSystemWrapper(target), piece_bytes_(piece_bytes) {}
  const char* Name() const override { return "ZeroedLogs"; }

  ::rocksdb::IOStatus NewWritableFile(const std::string& name, const ::rocksdb::FileOptions& options,
                                      std::unique_ptr<::rocksdb::FSWritableFile>* result,
                                      ::rocksdb::IODebugContext* debug) override;

 private:
  const std::size_t piece_bytes_;
};

}  // namespace settle
