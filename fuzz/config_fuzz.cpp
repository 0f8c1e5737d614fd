// The configuration: lines `NAME=value` of the environment, a NUL, and the file; or the file alone.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <string>

#include "fuzz/fuzzer.hpp"
#include "server/config.hpp"

namespace settle::fuzz {
namespace {

// A file without a place in a folder.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view text) : descriptor_(memfd_create("config", MFD_CLOEXEC)) {
    check(descriptor_ >= 0, "there is memory for a file");
    check(write(descriptor_, text.data(), text.size()) == static_cast<ssize_t>(text.size()), "it can be written");
  }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

bool is_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char character) { return static_cast<unsigned char>(character) < ' ' || character == 0x7f; });
}

bool is_between(std::int64_t number, std::int64_t least, std::int64_t most) {
  return number >= least && number <= most;
}

void check_config(const server::Config& config) {
  for (const std::int64_t seconds :
       {config.timeout_to_fail_s, config.retry_interval_s, config.retry_interval_max_s, config.request_timeout_s,
        config.data_expire_s, config.trans_cron_interval_s, config.config_update_interval_s}) {
    check(is_between(seconds, 1, kSecondsMax), "times are within their bounds");
  }
  check(is_between(config.finished_data_expire_s, 0, kSecondsMax), "times are within their bounds");
  for (const std::int64_t port : {config.http_port, config.grpc_port, config.json_rpc_port.value_or(0)}) {
    check(is_between(port, 0, 65'535), "ports are within their bounds");
  }
  check(is_between(config.shards, 0, 256), "shards are within their bounds");
  check(is_between(config.mysql.time_zone_offset_s.value_or(0), -14 * 3'600LL, 14 * 3'600LL),
        "zones are on this planet");
  check(!config.store_path.empty() && !config.http_address.empty() && !config.grpc_address.empty(),
        "what must be given is");
  check(!config.log_outputs.empty(), "there is a place for the log");
}

}  // namespace

void run(std::string_view bytes) {
  Input input(bytes);
  std::map<std::string, std::string> variables;
  if (bytes.find('\0') != std::string_view::npos) {
    Input environment(input.until('\0'));
    while (!environment.empty()) {
      Input line(environment.line());
      const std::string name(line.until('='));
      variables[name] = line.rest();
    }
  }
  const MemoryFile file(input.rest());
  const auto loaded = server::load_config(file.path(), [&variables](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
  if (!loaded) {
    check(loaded.error().code == Code::invalid, "what is wrong with a configuration is its author's fault");
    check(is_line(loaded.error().message), "an error is one line", loaded.error().message);
    check_error_text(loaded.error().message);
    return;
  }
  check_config(loaded.value().config);
  for (const std::string& warning : loaded.value().warnings) {
    check(is_line(warning), "a warning is one line", warning);
  }
}

}  // namespace settle::fuzz
