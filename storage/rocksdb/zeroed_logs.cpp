#include "storage/rocksdb/zeroed_logs.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace settle {

using ::rocksdb::IODebugContext;
using ::rocksdb::IOOptions;
using ::rocksdb::IOStatus;
using ::rocksdb::Slice;

namespace {

class ZeroedLog final : public ::rocksdb::FSWritableFileOwnerWrapper {
 public:
  // `descriptor`: of the same file, and ours from now on.
  ZeroedLog(std::unique_ptr<::rocksdb::FSWritableFile>&& target, int descriptor, std::size_t piece_bytes)
      : FSWritableFileOwnerWrapper(std::move(target)), zeros_(piece_bytes, '\0'), descriptor_(descriptor) {}
  ~ZeroedLog() override { end(); }

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    make_room(data.size());
    return FSWritableFileOwnerWrapper::Append(data, options, debug);
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const ::rocksdb::DataVerificationInfo& verification,
                  IODebugContext* debug) override {
    make_room(data.size());
    return FSWritableFileOwnerWrapper::Append(data, options, verification, debug);
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    end();
    return FSWritableFileOwnerWrapper::Close(options, debug);
  }

 private:
  void make_room(std::size_t bytes) {
    written_ += bytes;
    if (written_ <= zeroed_ || descriptor_ < 0) return;
    const ssize_t count = ::pwrite(descriptor_, zeros_.data(), zeros_.size(), static_cast<off_t>(written_));
    zeroed_ = written_ + static_cast<std::size_t>(std::max<ssize_t>(count, 0));
  }

  void end() {
    if (descriptor_ < 0) return;
    // Zeros that stay do no harm.
    [[maybe_unused]] const int cut = ::ftruncate(descriptor_, static_cast<off_t>(written_));
    ::close(std::exchange(descriptor_, -1));
  }

  const std::string zeros_;
  int descriptor_;
  std::size_t written_ = 0;
  std::size_t zeroed_ = 0;  // up to here the file has its size
};

}  // namespace

IOStatus ZeroedLogs::NewWritableFile(const std::string& name, const ::rocksdb::FileOptions& options,
                                     std::unique_ptr<::rocksdb::FSWritableFile>* result, IODebugContext* debug) {
  IOStatus status = FileSystemWrapper::NewWritableFile(name, options, result, debug);
  if (!status.ok() || !name.ends_with(".log")) return status;
  const int descriptor = ::open(name.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor >= 0) *result = std::make_unique<ZeroedLog>(std::move(*result), descriptor, piece_bytes_);
  return status;
}

}  // namespace settle
