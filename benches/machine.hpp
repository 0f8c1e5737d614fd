// What the machine can tell about a run: CPU time, memory, the file system under a folder.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "settle/result.hpp"

namespace settle::bench {

// A monotonic time.
std::int64_t now_ns();

// CPU time that this process has used, user and system, all threads.
std::int64_t own_cpu_us();

// What a process has used since its start, in the kernel's own grain (10 ms for CPU).
struct ProcessUsage {
  std::int64_t cpu_us = 0;
  std::int64_t resident_bytes = 0;
};
// Nothing where there is no such process.
std::optional<ProcessUsage> usage_of(pid_t pid);

// Processors, memory and kernel, for a person.
std::string describe_machine();

// How long it takes to write 4 KiB to a file in this folder and have them on the disk: the median of some.
Result<double> synced_write_ms(const std::filesystem::path& folder);

struct FileSystem {
  std::string name;        // "ext4", "tmpfs"; its magic number in hex where it has no name here
  bool in_memory = false;  // what is written does not survive a power cut, synced or not
};
// Of an existing folder.
Result<FileSystem> file_system_of(const std::filesystem::path& folder);

// A fresh folder that goes away with this object, with all that is in it.
class TemporaryFolder {
 public:
  // Made in `parent`, which must exist.
  static Result<TemporaryFolder> make(const std::filesystem::path& parent);
  TemporaryFolder(TemporaryFolder&& other) noexcept;
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace settle::bench
