#include "storage/rocksdb/folder.hpp"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace settle {
namespace {

constexpr std::string_view kIdentity = "SETTLE";
constexpr std::string_view kNewIdentity = "SETTLE.new";
constexpr std::string_view kLock = "SETTLE.lock";
constexpr std::string_view kProbe = "SETTLE.probe";

constexpr std::string_view kIdentityStart = "settle store, format ";
constexpr std::string_view kBeingEmptied = ", being emptied";

// Enough that a disk with next to nothing left is not taken for one that can be written.
constexpr std::size_t kProbeBytes = 1 << 20;

const ::rocksdb::IOOptions kPlain;

std::string in(const std::string& path, std::string_view name) { return path + "/" + std::string(name); }

bool is_nobodys(const std::string& name) {
  return name == "." || name == ".." || name == "lost+found" || name == kNewIdentity || name == kLock || name == kProbe;
}

::rocksdb::IOStatus sync_directory(::rocksdb::FileSystem& file_system, const std::string& path) {
  std::unique_ptr<::rocksdb::FSDirectory> directory;
  ::rocksdb::IOStatus status = file_system.NewDirectory(path, kPlain, &directory, nullptr);
  return status.ok() ? directory->Fsync(kPlain, nullptr) : status;
}

}  // namespace

Error Folder::error(const std::string& what) const { return {Code::internal, "store folder " + path_ + ": " + what}; }

Error Folder::error(const std::string& what, const ::rocksdb::Status& status) const {
  return error(what + ": " + status.ToString());
}

Result<std::unique_ptr<Folder>> Folder::claim(std::shared_ptr<::rocksdb::FileSystem> file_system,
                                              const std::string& path, Missing missing) {
  std::unique_ptr<Folder> folder(new Folder(std::move(file_system), path));
  std::error_code failure;
  const auto kind = std::filesystem::status(path, failure).type();
  if (kind == std::filesystem::file_type::not_found) {
    if (missing == Missing::refuse) return folder->error("is not there");
    std::filesystem::create_directories(path, failure);
    if (failure) return folder->error("cannot be created: " + failure.message());
    const auto parent = std::filesystem::absolute(path, failure).parent_path();
    if (const auto status = sync_directory(*folder->file_system_, parent.string()); !status.ok()) {
      return folder->error("cannot be made durable in " + parent.string(), status);
    }
  } else if (failure) {
    return folder->error("cannot be read: " + failure.message());
  } else if (kind != std::filesystem::file_type::directory) {
    return folder->error("is a file, not a folder; remove it or choose another folder");
  }

  const auto identity = folder->read_identity();
  if (!identity) return identity.error();
  if (!identity.value()) {
    if (const auto empty = folder->check_empty(); !empty) return empty.error();
    if (missing == Missing::refuse) return folder->error("holds no store");
  }
  if (auto locked = folder->lock(); !locked) return locked.error();
  // Read again under the lock: another process may have been creating it just now.
  const auto settled = folder->read_identity();
  if (!settled) return settled.error();
  if (!settled.value()) {
    if (auto written = folder->write_identity(); !written) return written.error();
  }
  return folder;
}

Folder::~Folder() {
  if (lock_ != nullptr) file_system_->UnlockFile(lock_, kPlain, nullptr).PermitUncheckedError();
}

Result<bool> Folder::read_identity() {
  const std::string name = in(path_, kIdentity);
  if (file_system_->FileExists(name, kPlain, nullptr).IsNotFound()) return false;
  std::string text;
  if (const auto status = ::rocksdb::ReadFileToString(file_system_.get(), name, &text); !status.ok()) {
    return error("cannot be read", status);
  }
  std::string_view rest = text;
  int format = 0;
  const bool ours = rest.starts_with(kIdentityStart);
  if (ours) rest.remove_prefix(kIdentityStart.size());
  const auto [stop, failure] = std::from_chars(rest.data(), rest.data() + rest.size(), format);
  if (!ours || failure != std::errc() || format < 1) {
    return error("its file " + std::string(kIdentity) + " is not what settle writes; this is no store of settle's");
  }
  if (format > kFolderFormat) {
    return error("has format " + std::to_string(format) + ", this program knows formats up to " +
                 std::to_string(kFolderFormat) + "; start a newer settled, or choose another folder");
  }
  rest.remove_prefix(static_cast<std::size_t>(stop - rest.data()));
  being_emptied_ = rest.starts_with(kBeingEmptied);
  return true;
}

Result<Done> Folder::write_identity() {
  const std::string fresh = in(path_, kNewIdentity);
  const std::string text = std::string(kIdentityStart) + std::to_string(kFolderFormat) +
                           std::string(being_emptied_ ? kBeingEmptied : "") + "\n";
  ::rocksdb::IOStatus status = ::rocksdb::WriteStringToFile(file_system_.get(), text, fresh, true);
  if (status.ok()) status = file_system_->RenameFile(fresh, in(path_, kIdentity), kPlain, nullptr);
  if (status.ok()) status = sync_directory(*file_system_, path_);
  if (!status.ok()) return error("cannot be written", status);
  return Done{};
}

Result<Done> Folder::set_being_emptied(bool being_emptied) {
  being_emptied_ = being_emptied;
  return write_identity();
}

Result<Done> Folder::check_empty() const {
  std::vector<std::string> names;
  if (const auto status = file_system_->GetChildren(path_, kPlain, &names, nullptr); !status.ok()) {
    return error("cannot be read", status);
  }
  std::sort(names.begin(), names.end());
  const auto foreign = std::find_if_not(names.begin(), names.end(), is_nobodys);
  if (foreign == names.end()) return Done{};
  return error("holds files that are not settle's (" + *foreign + "); choose an empty folder");
}

Result<Done> Folder::lock() {
  const auto status = file_system_->LockFile(in(path_, kLock), kPlain, &lock_, nullptr);
  if (status.ok()) return Done{};
  lock_ = nullptr;
  const std::string why = status.ToString();
  // RocksDB tells "someone has it" from "the file cannot be opened" in its text only.
  if (why.find("lock hold by current process") != std::string::npos ||
      why.find("While lock file") != std::string::npos) {
    Error held = error("is in use by another settled or embedded engine (it holds " + in(path_, kLock) +
                       "); stop that one, or choose another folder");
    held.code = Code::unavailable;
    return held;
  }
  return error("cannot be written", status);
}

Result<Done> Folder::probe() {
  const std::string name = in(path_, kProbe);
  const std::string bytes(kProbeBytes, 'p');
  const auto written = ::rocksdb::WriteStringToFile(file_system_.get(), bytes, name, true);
  file_system_->DeleteFile(name, kPlain, nullptr).PermitUncheckedError();
  if (!written.ok()) return error("cannot be written", written);
  return Done{};
}

}  // namespace settle
