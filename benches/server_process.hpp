// A server program that the bench starts, measures and ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "benches/child_process.hpp"
#include "benches/socket.hpp"
#include "settle/result.hpp"

namespace settle::bench {

// Told to the program by its environment (protocol.md §10), so that DTM's can be started as well. What is not said
// here, its log level too, is the program's own choice.
struct ServerSetting {
  std::filesystem::path program;
  std::string store;             // STORE_DRIVER
  std::filesystem::path folder;  // its working folder, and STORE_PATH below it; its output is in server.log there
  std::uint16_t http_port = 0;
  std::uint16_t grpc_port = 0;
  std::vector<std::string> store_environment;  // what else the store needs, as "NAME=value"
};
// With free ports.
Result<ServerSetting> make_setting(std::filesystem::path program, std::string store, std::filesystem::path folder);

class ServerProcess {
 public:
  // Starts it; says nothing about whether it will come up. It is killed with this process and with this object.
  static Result<std::unique_ptr<ServerProcess>> start(const ServerSetting& setting);

  pid_t pid() const { return process_->pid(); }
  Address address() const { return {"127.0.0.1", port_}; }

  // Until /api/ping is answered. An Error with the end of the log where the program ends before, or in timeout_ms.
  Result<Done> wait_until_ready(std::int64_t timeout_ms);
  // As ChildProcess has them.
  bool ended() { return process_->ended(); }
  Result<Done> stop(std::int64_t timeout_ms) { return process_->stop(timeout_ms); }
  void kill() { process_->kill(); }

 private:
  ServerProcess(std::unique_ptr<ChildProcess> process, std::uint16_t port)
      : process_(std::move(process)), port_(port) {}

  std::unique_ptr<ChildProcess> process_;
  std::uint16_t port_;
};

}  // namespace settle::bench
