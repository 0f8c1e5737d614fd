// A Redis of the bench's own, for servers that keep their transactions there.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "benches/child_process.hpp"
#include "settle/result.hpp"

namespace settle::bench {

// redis-server on a free port of the loopback address. It keeps everything in memory and writes nothing to its folder
// but a log: the fastest that it can be, and gone when it is killed.
class RedisProcess {
 public:
  // The redis-server in PATH. An Error that tells what to do where there is none.
  static Result<std::filesystem::path> find();
  // Started and ready.
  static Result<std::unique_ptr<RedisProcess>> start(const std::filesystem::path& folder);
  pid_t pid() const { return process_->pid(); }
  // What tells a server where it is, as "NAME=value".
  std::vector<std::string> environment() const;

 private:
  RedisProcess(std::unique_ptr<ChildProcess> process, std::uint16_t port) : process_(std::move(process)), port_(port) {}
  Result<Done> ping() const;

  std::unique_ptr<ChildProcess> process_;
  std::uint16_t port_;
};

}  // namespace settle::bench
