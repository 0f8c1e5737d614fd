// A server program that the bench starts, measures and ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "benches/socket.hpp"
#include "settle/result.hpp"

namespace settle::bench {

// Told to the program by its environment (protocol.md §10), so that DTM's can be started as well.
struct ServerSetting {
  std::filesystem::path program;
  std::string store;             // STORE_DRIVER
  std::filesystem::path folder;  // its working folder, and STORE_PATH below it; its output is in server.log there
  std::uint16_t http_port = 0;
  std::uint16_t grpc_port = 0;
};
// With free ports.
Result<ServerSetting> make_setting(std::filesystem::path program, std::string store, std::filesystem::path folder);

class ServerProcess {
 public:
  // Starts it; says nothing about whether it will come up. It is killed with this process and with this object.
  static Result<std::unique_ptr<ServerProcess>> start(const ServerSetting& setting);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  pid_t pid() const { return pid_; }
  Address address() const { return {"127.0.0.1", port_}; }

  // Until /api/ping is answered. An Error with the end of the log where the program ends before, or in timeout_ms.
  Result<Done> wait_until_ready(std::int64_t timeout_ms);
  // Whether it has ended by itself.
  bool ended();
  // Asks it to stop, and waits. An Error where it does not within timeout_ms (it is killed then) or ends with an error.
  Result<Done> stop(std::int64_t timeout_ms);
  // Ends it at once, like a crash.
  void kill();

 private:
  ServerProcess(pid_t pid, Socket handle, const ServerSetting& setting)
      : pid_(pid), handle_(std::move(handle)), port_(setting.http_port), log_(setting.folder / "server.log") {}
  bool wait_for_end(std::int64_t timeout_ms);
  std::string log_end() const;

  pid_t pid_;
  Socket handle_;  // a pidfd
  std::uint16_t port_;
  std::filesystem::path log_;
  bool ended_ = false;
  int exit_status_ = 0;  // as waitpid gives it
};

}  // namespace settle::bench
