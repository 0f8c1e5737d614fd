// A program that the bench starts and ends, with its output in a file.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "benches/socket.hpp"
#include "settle/result.hpp"

namespace settle::bench {

struct ChildSetting {
  std::filesystem::path program;  // absolute
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  // "NAME=value", instead of this process's own of the same names
  std::filesystem::path folder;          // its working folder
  std::string name;                      // in errors; its output is in NAME.log in the folder
};

class ChildProcess {
 public:
  // Starts it; says nothing about whether it will come up. It is killed with the thread that started it and with this
  // object.
  static Result<std::unique_ptr<ChildProcess>> start(const ChildSetting& setting);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  // Asks `is_ready` again and again until it has no Error any more. An Error with the end of the log where the program
  // ends before, or in timeout_ms.
  Result<Done> wait_until_ready(std::int64_t timeout_ms, const std::function<Result<Done>()>& is_ready);
  // Whether it has ended by itself.
  bool ended() { return wait_for_end(0); }
  // Waits until it has done its work. An Error where it has not within timeout_ms (it is killed then) or ends with one.
  Result<Done> finish(std::int64_t timeout_ms);
  // Asks it to stop, and waits. An Error where it does not within timeout_ms (it is killed then) or ends with an error.
  Result<Done> stop(std::int64_t timeout_ms);
  // Ends it at once, like a crash.
  void kill();

 private:
  ChildProcess(pid_t pid, Socket handle, const ChildSetting& setting)
      : pid_(pid), handle_(std::move(handle)), name_(setting.name), log_(log_of(setting)) {}
  static std::filesystem::path log_of(const ChildSetting& setting) { return setting.folder / (setting.name + ".log"); }
  bool wait_for_end(std::int64_t timeout_ms);
  // "the NAME what", and the end of its log.
  Error error(const std::string& what) const;

  pid_t pid_;
  Socket handle_;  // a pidfd
  std::string name_;
  std::filesystem::path log_;
  bool ended_ = false;
  int exit_status_ = 0;  // as waitpid gives it
};

}  // namespace settle::bench
