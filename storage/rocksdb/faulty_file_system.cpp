#include "storage/rocksdb/faulty_file_system.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace settle {

using ::rocksdb::IODebugContext;
using ::rocksdb::IOOptions;
using ::rocksdb::IOStatus;

namespace {

const IOOptions kPlain;

std::string folder_of(const std::string& name) { return std::filesystem::path(name).parent_path().string(); }

// RocksDB's own log for people: it promises nothing, and its errors are ignored.
bool is_beside_the_point(const std::string& name) {
  return std::filesystem::path(name).filename().string().starts_with("LOG");
}

}  // namespace

class FaultyFileSystem::File final : public ::rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(FaultyFileSystem& system, std::string name, std::unique_ptr<::rocksdb::FSWritableFile>&& target)
      : FSWritableFileOwnerWrapper(std::move(target)), system_(system), name_(std::move(name)) {}

  IOStatus Append(const ::rocksdb::Slice& data, const IOOptions& options, IODebugContext* debug) override {
    const IOStatus fault = system_.next_change();
    const ::rocksdb::Slice written = fault.ok() ? data : ::rocksdb::Slice(data.data(), data.size() / 2);
    const IOStatus status = FSWritableFileOwnerWrapper::Append(written, options, debug);
    if (status.ok()) system_.appended(name_, written.size());
    return fault.ok() ? status : fault;
  }
  IOStatus Append(const ::rocksdb::Slice& data, const IOOptions& options,
                  const ::rocksdb::DataVerificationInfo& /*verification*/, IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    IOStatus fault = system_.next_change();
    if (fault.ok()) {
      system_.synced(name_);
    } else {
      system_.sync_failed(name_);
    }
    return fault;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override { return Sync(options, debug); }

 private:
  FaultyFileSystem& system_;
  const std::string name_;
};

class FaultyFileSystem::Directory final : public ::rocksdb::FSDirectoryWrapper {
 public:
  Directory(FaultyFileSystem& system, std::string name, std::unique_ptr<::rocksdb::FSDirectory>&& target)
      : FSDirectoryWrapper(std::move(target)), system_(system), name_(std::move(name)) {}

  IOStatus Fsync(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    IOStatus fault = system_.next_change();
    if (fault.ok()) system_.directory_synced(name_);
    return fault;
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const ::rocksdb::DirFsyncOptions& /*more*/) override {
    return Fsync(options, debug);
  }

 private:
  FaultyFileSystem& system_;
  const std::string name_;
};

void FaultyFileSystem::fail_from(std::int64_t n, Fault fault, std::int64_t count) {
  const std::lock_guard lock(mutex_);
  fail_first_ = changes_ + n;
  fail_last_ = count == INT64_MAX ? INT64_MAX : fail_first_ + count - 1;
  fault_ = fault;
  has_failed_ = false;
}

void FaultyFileSystem::heal() {
  const std::lock_guard lock(mutex_);
  fail_first_ = INT64_MAX;
  fail_last_ = INT64_MAX;
}

bool FaultyFileSystem::has_failed() const {
  const std::lock_guard lock(mutex_);
  return has_failed_;
}

IOStatus FaultyFileSystem::next_change() {
  const std::lock_guard lock(mutex_);
  ++changes_;
  if (changes_ < fail_first_ || changes_ > fail_last_) return IOStatus::OK();
  has_failed_ = true;
  return fault_ == Fault::no_space ? IOStatus::NoSpace("the test's disk is full") : IOStatus::IOError("a test's fault");
}

void FaultyFileSystem::appended(const std::string& name, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  contents_[name].size += bytes;
}

void FaultyFileSystem::synced(const std::string& name) {
  const std::lock_guard lock(mutex_);
  Content& content = contents_[name];
  if (!content.dropped) content.synced = content.size;
}

void FaultyFileSystem::sync_failed(const std::string& name) {
  const std::lock_guard lock(mutex_);
  contents_[name].dropped = true;
}

void FaultyFileSystem::directory_synced(const std::string& folder) {
  const std::lock_guard lock(mutex_);
  std::erase_if(new_names_, [&folder](const NewName& fresh) { return folder_of(fresh.name) == folder; });
}

void FaultyFileSystem::lose(Loss loss) {
  const std::lock_guard lock(mutex_);
  if (loss == Loss::nothing) return;
  std::error_code ignored;
  for (auto& [name, content] : contents_) {
    const std::uint64_t kept =
        loss == Loss::all_unsynced ? content.synced : content.synced + (content.size - content.synced) / 2;
    if (kept < content.size) {
      const std::uintmax_t length = std::filesystem::file_size(name, ignored);
      std::filesystem::resize_file(name, kept, ignored);
      // A log that was filled with zeros ahead keeps its length.
      if (length > content.size) std::filesystem::resize_file(name, length, ignored);
    }
    content = {kept, kept, false};
  }
  if (loss == Loss::half_of_unsynced) return;
  for (auto fresh = new_names_.rbegin(); fresh != new_names_.rend(); ++fresh) {
    if (fresh->renamed_from) {
      std::filesystem::rename(fresh->name, *fresh->renamed_from, ignored);
      contents_[*fresh->renamed_from] = contents_[fresh->name];
    }
    std::filesystem::remove(fresh->name, ignored);
    contents_.erase(fresh->name);
    if (fresh->replaced) {
      ::rocksdb::WriteStringToFile(target(), *fresh->replaced, fresh->name).PermitUncheckedError();
      contents_[fresh->name] = {fresh->replaced->size(), fresh->replaced->size(), false};
    }
  }
  new_names_.clear();
}

IOStatus FaultyFileSystem::NewWritableFile(const std::string& name, const ::rocksdb::FileOptions& options,
                                           std::unique_ptr<::rocksdb::FSWritableFile>* result, IODebugContext* debug) {
  if (is_beside_the_point(name)) return FileSystemWrapper::NewWritableFile(name, options, result, debug);
  if (IOStatus fault = next_change(); !fault.ok()) return fault;
  std::unique_ptr<::rocksdb::FSWritableFile> file;
  const bool is_new = FileExists(name, kPlain, debug).IsNotFound();
  IOStatus status = FileSystemWrapper::NewWritableFile(name, options, &file, debug);
  if (!status.ok()) return status;
  {
    const std::lock_guard lock(mutex_);
    contents_[name] = {};
    if (is_new) new_names_.push_back({name, std::nullopt, std::nullopt});
  }
  *result = std::make_unique<File>(*this, name, std::move(file));
  return status;
}

IOStatus FaultyFileSystem::NewDirectory(const std::string& name, const IOOptions& options,
                                        std::unique_ptr<::rocksdb::FSDirectory>* result, IODebugContext* debug) {
  std::unique_ptr<::rocksdb::FSDirectory> directory;
  IOStatus status = FileSystemWrapper::NewDirectory(name, options, &directory, debug);
  if (status.ok()) *result = std::make_unique<Directory>(*this, name, std::move(directory));
  return status;
}

IOStatus FaultyFileSystem::RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                                      IODebugContext* debug) {
  if (is_beside_the_point(from)) return FileSystemWrapper::RenameFile(from, to, options, debug);
  if (IOStatus fault = next_change(); !fault.ok()) return fault;
  std::optional<std::string> replaced;
  if (std::string old; ::rocksdb::ReadFileToString(target(), to, &old).ok()) replaced = std::move(old);
  IOStatus status = FileSystemWrapper::RenameFile(from, to, options, debug);
  if (!status.ok()) return status;
  const std::lock_guard lock(mutex_);
  contents_[to] = contents_[from];
  contents_.erase(from);
  new_names_.push_back({to, from, std::move(replaced)});
  return status;
}

IOStatus FaultyFileSystem::DeleteFile(const std::string& name, const IOOptions& options, IODebugContext* debug) {
  if (IOStatus fault = next_change(); !fault.ok()) return fault;
  IOStatus status = FileSystemWrapper::DeleteFile(name, options, debug);
  const std::lock_guard lock(mutex_);
  contents_.erase(name);
  std::erase_if(new_names_, [&name](const NewName& fresh) { return fresh.name == name && !fresh.replaced; });
  return status;
}

}  // namespace settle
