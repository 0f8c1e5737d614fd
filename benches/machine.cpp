#include "benches/machine.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "benches/socket.hpp"

namespace settle::bench {
namespace {

std::int64_t microseconds(const timeval& time) { return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_usec; }

struct KnownFileSystem {
  std::uint64_t magic;
  const char* name;
  bool in_memory;
};
constexpr std::uint64_t kXfsMagic = 0x58465342;
constexpr std::uint64_t kZfsMagic = 0x2fc12fc1;
constexpr KnownFileSystem kKnownFileSystems[] = {
    {EXT4_SUPER_MAGIC, "ext4", false}, {kXfsMagic, "xfs", false},    {BTRFS_SUPER_MAGIC, "btrfs", false},
    {F2FS_SUPER_MAGIC, "f2fs", false}, {kZfsMagic, "zfs", false},    {OVERLAYFS_SUPER_MAGIC, "overlayfs", false},
    {NFS_SUPER_MAGIC, "nfs", false},   {TMPFS_MAGIC, "tmpfs", true}, {RAMFS_MAGIC, "ramfs", true},
};

}  // namespace

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::int64_t own_cpu_us() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
}

std::optional<ProcessUsage> usage_of(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  std::ifstream stat(folder + "/stat");
  std::string line;
  if (!std::getline(stat, line)) return std::nullopt;
  // The second field is the program's name, which may hold spaces and parentheses: count from the last one.
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  std::int64_t user_ticks = 0;
  std::int64_t system_ticks = 0;
  fields >> user_ticks >> system_ticks;

  std::ifstream memory(folder + "/statm");
  std::int64_t total_pages = 0;
  std::int64_t resident_pages = 0;
  memory >> total_pages >> resident_pages;
  if (!fields || !memory) return std::nullopt;
  return ProcessUsage{.cpu_us = (user_ticks + system_ticks) * 1'000'000 / ::sysconf(_SC_CLK_TCK),
                      .resident_bytes = resident_pages * ::sysconf(_SC_PAGESIZE)};
}

std::string describe_machine() {
  std::string processor = "an unknown processor";
  std::ifstream about("/proc/cpuinfo");
  for (std::string line; std::getline(about, line);) {
    if (line.rfind("model name", 0) != 0) continue;
    processor = line.substr(line.find(':') + 2);
    break;
  }
  const double gibibytes =
      static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 30);
  utsname system{};
  ::uname(&system);
  const std::string release = system.release;  // without what its builder has put behind the numbers
  return fmt::format("{} threads of {}, {:.0f} GiB, {} {}", std::thread::hardware_concurrency(), processor, gibibytes,
                     system.sysname, release.substr(0, release.find('-')));
}

Result<double> synced_write_ms(const std::filesystem::path& folder) {
  constexpr int kWrites = 101;
  const std::filesystem::path path = folder / "synced-writes";
  const auto failure = [&path] {
    return Error{Code::internal, path.string() + ": " + std::generic_category().message(errno)};
  };
  const Socket file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!file.open()) return failure();
  const std::string block(4096, 'x');
  std::vector<std::int64_t> times_ns;
  for (int i = 0; i < kWrites; ++i) {
    const std::int64_t begin_ns = now_ns();
    // Over and over the same place, once it is there: a log that is used again.
    if (::pwrite(file.descriptor(), block.data(), block.size(), 0) < 0) return failure();
    if (::fdatasync(file.descriptor()) != 0) return failure();
    times_ns.push_back(now_ns() - begin_ns);
  }
  std::sort(times_ns.begin(), times_ns.end());
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  return static_cast<double>(times_ns[kWrites / 2]) / 1e6;
}

Result<FileSystem> file_system_of(const std::filesystem::path& folder) {
  struct statfs status {};
  if (::statfs(folder.c_str(), &status) != 0) {
    return Error{Code::internal, "cannot look at " + folder.string() + ": " + std::generic_category().message(errno)};
  }
  const auto magic = static_cast<std::uint64_t>(status.f_type);
  for (const KnownFileSystem& known : kKnownFileSystems) {
    if (known.magic == magic) return FileSystem{known.name, known.in_memory};
  }
  char text[32];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(magic));
  return FileSystem{text, false};
}

Result<TemporaryFolder> TemporaryFolder::make(const std::filesystem::path& parent) {
  std::error_code failure;
  const std::filesystem::path absolute = std::filesystem::absolute(parent, failure);
  std::string name = (absolute / "settle-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    return Error{Code::internal,
                 "cannot make a folder in " + absolute.string() + ": " + std::generic_category().message(errno)};
  }
  return TemporaryFolder(name);
}

TemporaryFolder::TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::move(other.path_)) {
  other.path_.clear();
}

TemporaryFolder::~TemporaryFolder() {
  if (path_.empty()) return;
  std::error_code ignored;  // what cannot be removed is left: there is nobody to tell
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace settle::bench
