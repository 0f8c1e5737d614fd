#include "benches/mariadb_process.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include "benches/program_path.hpp"
#include "benches/socket.hpp"

namespace settle::bench {
namespace {

constexpr std::int64_t kInstallTimeoutMs = 120'000;
constexpr std::int64_t kReadyTimeoutMs = 60'000;

Result<std::filesystem::path> find_program(const std::string& name) {
  return program_path(name, "Debian: mariadb-server-core", "the store mysql");
}

// What its programs are told alike.
std::vector<std::string> common_arguments(const std::filesystem::path& folder) {
  std::vector<std::string> arguments{"--no-defaults", "--datadir=" + (folder / "mariadb").string(),
                                     "--skip-name-resolve"};
  if (::getuid() == 0) arguments.emplace_back("--user=root");
  return arguments;
}

// Its folder, with a user `root` who needs no password.
Result<Done> install(const std::filesystem::path& folder) {
  const Result<std::filesystem::path> program = find_program("mariadb-install-db");
  if (!program) return program.error();
  std::vector<std::string> arguments = common_arguments(folder);
  // --force: this machine may have no name that can be looked up.
  arguments.insert(arguments.end(), {"--auth-root-authentication-method=normal", "--skip-test-db", "--force"});
  Result<std::unique_ptr<ChildProcess>> process = ChildProcess::start(
      {.program = program.value(), .arguments = arguments, .folder = folder, .name = "mariadb-install-db"});
  if (!process) return process.error();
  return process.value()->finish(kInstallTimeoutMs);
}

}  // namespace

Result<Done> MariadbProcess::find() {
  for (const char* name : {"mariadbd", "mariadb-install-db"}) {
    const Result<std::filesystem::path> found = find_program(name);
    if (!found) return found.error();
  }
  return Done{};
}

Result<std::unique_ptr<MariadbProcess>> MariadbProcess::start(const std::filesystem::path& folder,
                                                              const std::filesystem::path& tables) {
  const Result<std::filesystem::path> program = find_program("mariadbd");
  if (!program) return program.error();
  if (Result<Done> installed = install(folder); !installed) return installed.error();
  // A server that starts removes the temporary files of all others from its folder for them: it gets its own.
  const std::filesystem::path temporary = folder / "mariadb-temporary";
  std::error_code failure;
  if (!std::filesystem::create_directory(temporary, failure)) {
    return Error{Code::internal, temporary.string() + ": " + failure.message()};
  }
  std::uint16_t port = 0;
  {
    const Result<Listener> free = listen_on_loopback();
    if (!free) return free.error();
    port = free.value().port;
  }
  std::vector<std::string> arguments = common_arguments(folder);
  // DTM opens up to 500 connections.
  arguments.insert(arguments.end(), {"--socket=" + (folder / "mariadb.sock").string(), "--port=" + std::to_string(port),
                                     "--bind-address=127.0.0.1", "--tmpdir=" + temporary.string(),
                                     "--innodb-flush-log-at-trx-commit=1", "--max-connections=2000"});
  if (!tables.empty()) arguments.push_back("--init-file=" + std::filesystem::absolute(tables).string());
  Result<std::unique_ptr<ChildProcess>> process =
      ChildProcess::start({.program = program.value(), .arguments = arguments, .folder = folder, .name = "mariadbd"});
  if (!process) return process.error();
  std::unique_ptr<MariadbProcess> mariadb(new MariadbProcess(std::move(process).value(), port));
  const Result<Done> ready = mariadb->process_->wait_until_ready(kReadyTimeoutMs, [&] { return mariadb->greet(); });
  if (!ready) return ready.error();
  return mariadb;
}

std::vector<std::string> MariadbProcess::environment() const {
  return {"STORE_HOST=127.0.0.1", "STORE_PORT=" + std::to_string(port_), "STORE_USER=root",
          "STORE_PASSWORD=", "STORE_DB=dtm"};
}

// A server that takes connections speaks first: the length of its greeting, a number, and the protocol's version.
Result<Done> MariadbProcess::greet() const {
  constexpr std::size_t kGreetingBytes = 5;
  constexpr char kProtocolVersion = 10;
  const Result<Socket> socket = connect_to({"127.0.0.1", port_}, kReadyTimeoutMs);
  if (!socket) return socket.error();
  char greeting[kGreetingBytes];
  const ssize_t count = ::recv(socket.value().descriptor(), greeting, sizeof greeting, MSG_WAITALL);
  if (count == static_cast<ssize_t>(sizeof greeting) && greeting[kGreetingBytes - 1] == kProtocolVersion) return Done{};
  return Error{Code::unavailable, "it takes no connection"};
}

}  // namespace settle::bench
