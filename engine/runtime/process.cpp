#include "settle/process.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>

namespace settle {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The same for processes that see each other by the same pids, and for no others.
std::string place() {
  constexpr std::size_t kBootDigits = 16;  // of 32, all random but one
  std::string boot = read_file("/proc/sys/kernel/random/boot_id");
  std::erase_if(boot, [](unsigned char each) { return std::isxdigit(each) == 0; });
  std::array<char, 64> link{};  // pid:[4026531836]
  const ssize_t length = ::readlink("/proc/self/ns/pid", link.data(), link.size());
  if (boot.size() < kBootDigits || length <= 0) return {};
  std::string space(link.data(), static_cast<std::size_t>(length));
  std::erase_if(space, [](unsigned char each) { return std::isdigit(each) == 0; });
  return boot.substr(0, kBootDigits) + "." + space;
}

// In ticks since the machine started; nothing: it cannot be read.
std::optional<std::string> start_time(const std::string& pid) {
  constexpr int kFieldsBetween = 20;  // it is the 22nd, and the second one may hold anything but ends with the last ')'
  const std::string text = read_file("/proc/" + pid + "/stat");
  std::size_t begin = text.rfind(')');
  for (int field = 0; field < kFieldsBetween && begin != std::string::npos; ++field) begin = text.find(' ', begin + 1);
  if (begin == std::string::npos) return std::nullopt;
  const std::size_t end = text.find(' ', begin + 1);
  return text.substr(begin + 1, end - begin - 1);
}

bool has_ended(const std::string& here, std::string_view name) {
  const std::size_t after_place = name.find('-');
  const std::size_t after_pid = name.find('-', after_place + 1);
  if (after_pid == std::string_view::npos || name.substr(0, after_place) != here) return false;
  const std::string_view digits = name.substr(after_place + 1, after_pid - after_place - 1);
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), pid);
  if (error != std::errc() || end != digits.data() + digits.size() || pid <= 0) return false;
  if (::kill(pid, 0) != 0 && errno == ESRCH) return true;
  // Another one may have got its pid.
  const std::optional<std::string> started = start_time(std::string(digits));
  return started && *started != name.substr(after_pid + 1);
}

}  // namespace

ProcessPort this_process() {
  const std::string here = place();
  const std::string pid = std::to_string(::getpid());
  const std::optional<std::string> started = start_time(pid);
  if (here.empty() || !started) return {};
  return {here + "-" + pid + "-" + *started, [here](std::string_view name) { return has_ended(here, name); }};
}

}  // namespace settle
