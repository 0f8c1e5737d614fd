#include "tests/support/mariadb_server.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <thread>

#include "storage/mysql/connection.hpp"
#include "tests/support/free_port.hpp"

namespace settle {
namespace {

constexpr std::chrono::seconds kStartDeadline(120);
constexpr std::chrono::milliseconds kPollPause(20);

// Debian keeps servers off a user's PATH.
std::string program(const std::string& name) {
  for (const char* folder : {"/usr/sbin/", "/usr/bin/", "/usr/local/bin/"}) {
    if (std::filesystem::exists(folder + name)) return folder + name;
  }
  FAIL(name << " is not installed: run scripts/setup.sh");
  return name;
}

// Starts it with its output in the log; it ends with this process.
pid_t spawn(const std::vector<std::string>& arguments, const std::string& log_path) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t process = fork();
  REQUIRE(process >= 0);
  if (process > 0) return process;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int log = open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execv(argv.front(), argv.data());
  _exit(127);
}

// What both programs are started with. A server that starts removes the temporary files of all others from its folder
// for them: it gets its own.
std::vector<std::string> command(const std::string& name, const std::string& folder) {
  std::vector<std::string> made{"/usr/bin/env",  "TMPDIR=" + folder + "/temporary", program(name),
                                "--no-defaults", "--datadir=" + folder + "/data",   "--skip-name-resolve"};
  if (geteuid() == 0) made.emplace_back("--user=root");
  return made;
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

MariadbServer::MariadbServer(std::vector<std::string> arguments)
    : arguments_(std::move(arguments)), port_(free_port()) {
  REQUIRE(!folder_.path().empty());
  REQUIRE(port_ > 0);
  std::filesystem::create_directory(folder_.path() + "/temporary");
  install();
  start();
}

MariadbServer::~MariadbServer() { end(SIGKILL); }

MysqlOptions MariadbServer::options(const std::string& database) const {
  MysqlOptions options;
  options.host = "127.0.0.1";
  options.port = port_;
  options.database = database;
  return options;
}

std::string MariadbServer::execute(const std::vector<std::string>& statements) const {
  auto opened = mysql::Connection::open(options(""));
  const std::string why = opened ? "" : opened.error().message;
  REQUIRE_MESSAGE(opened, why);
  std::string first_cell;
  for (const std::string& statement : statements) {
    const bool has_result = statement.starts_with("SELECT") || statement.starts_with("SHOW");
    if (has_result) {
      auto rows = opened.value()->query(statement, {});
      const std::string error = rows ? "" : rows.error().message + ": " + statement;
      REQUIRE_MESSAGE(rows, error);
      first_cell = rows.value().cells.empty() ? "" : rows.value().cells.front().value_or("");
    } else {
      const auto done = opened.value()->execute(statement, {});
      const std::string error = done ? "" : done.error().message + ": " + statement;
      REQUIRE_MESSAGE(done, error);
      first_cell.clear();
    }
  }
  return first_cell;
}

void MariadbServer::install() const {
  const std::string log = folder_.path() + "/install.log";
  std::vector<std::string> arguments = command("mariadb-install-db", folder_.path());
  // --force: this machine may have no name that can be looked up.
  for (const char* argument : {"--auth-root-authentication-method=normal", "--skip-test-db", "--force"}) {
    arguments.emplace_back(argument);
  }
  const pid_t process = spawn(arguments, log);
  int status = 0;
  waitpid(process, &status, 0);
  const std::string output = status == 0 ? "" : text_of(log);
  REQUIRE_MESSAGE(status == 0, output);
}

void MariadbServer::start() {
  const std::string log = folder_.path() + "/server.log";
  std::vector<std::string> arguments = command("mariadbd", folder_.path());
  arguments.push_back("--socket=" + folder_.path() + "/mariadb.sock");
  arguments.push_back("--port=" + std::to_string(port_));
  arguments.emplace_back("--bind-address=127.0.0.1");
  // Nothing here outlives the machine, so nothing is flushed to the disk.
  arguments.emplace_back("--innodb-flush-log-at-trx-commit=2");
  arguments.emplace_back("--innodb-fast-shutdown=2");
  arguments.insert(arguments.end(), arguments_.begin(), arguments_.end());
  process_ = spawn(arguments, log);
  const auto end = std::chrono::steady_clock::now() + kStartDeadline;
  while (!mysql::Connection::open(options(""))) {
    int status = 0;
    const bool runs = waitpid(process_, &status, WNOHANG) == 0;
    const bool in_time = std::chrono::steady_clock::now() < end;
    const std::string output = runs && in_time ? "" : text_of(log);
    REQUIRE_MESSAGE(runs, output);
    REQUIRE_MESSAGE(in_time, output);
    std::this_thread::sleep_for(kPollPause);
  }
}

void MariadbServer::stop() { end(SIGTERM); }

void MariadbServer::kill() { end(SIGKILL); }

void MariadbServer::pause() const {
  ::kill(process_, SIGSTOP);
  int status = 0;
  REQUIRE(waitpid(process_, &status, WUNTRACED) == process_);
  REQUIRE(WIFSTOPPED(status));
}

void MariadbServer::resume() const { ::kill(process_, SIGCONT); }

void MariadbServer::end(int signal) {
  if (process_ == 0) return;
  ::kill(process_, SIGCONT);
  ::kill(process_, signal);
  waitpid(process_, nullptr, 0);
  process_ = 0;
}

MariadbServer& shared_mariadb() {
  static MariadbServer server;
  return server;
}

}  // namespace settle
