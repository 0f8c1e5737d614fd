// A MariaDB of the bench's own, for servers that keep their transactions there.
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

// mariadbd on a free port of the loopback address, with its files below its folder, flushed to the disk at each commit;
// all else is as Debian has it.
class MariadbProcess {
 public:
  // Whether the programs that it needs are there. An Error that tells what to do where they are not.
  static Result<Done> find();
  // Made anew, started and ready. `tables`: a file of statements that make the tables; empty: whoever comes makes them.
  static Result<std::unique_ptr<MariadbProcess>> start(const std::filesystem::path& folder,
                                                       const std::filesystem::path& tables);
  pid_t pid() const { return process_->pid(); }
  std::uint16_t port() const { return port_; }
  // What tells a server where it is, as "NAME=value".
  std::vector<std::string> environment() const;

 private:
  MariadbProcess(std::unique_ptr<ChildProcess> process, std::uint16_t port)
      : process_(std::move(process)), port_(port) {}
  Result<Done> greet() const;

  std::unique_ptr<ChildProcess> process_;
  std::uint16_t port_;
};

}  // namespace settle::bench
