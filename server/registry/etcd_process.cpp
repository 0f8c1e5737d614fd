#include "server/registry/etcd_process.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>

#include "server/registry/registry_harness.hpp"
#include "tests/support/free_port.hpp"
#include "transports/http/test_socket.hpp"

namespace settle::server {
namespace {

pid_t spawn(const std::vector<std::string>& arguments, const std::string& log_file) {
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
    posix_spawn_file_actions_addopen(&actions, descriptor, log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  }
  pid_t process = 0;
  const int failed = posix_spawnp(&process, pointers[0], &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return failed == 0 ? process : 0;
}

}  // namespace

std::string run_command(const std::string& command, bool* worked) {
  if (worked != nullptr) *worked = false;
  std::FILE* const output = ::popen((command + " 2>&1").c_str(), "r");
  if (output == nullptr) return "the shell cannot be run";
  std::string text;
  std::array<char, 4'096> piece;
  for (std::size_t read = 1; read != 0;) {
    read = std::fread(piece.data(), 1, piece.size(), output);
    text.append(piece.data(), read);
  }
  const bool has_worked = ::pclose(output) == 0;
  if (worked != nullptr) *worked = has_worked;
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

std::vector<std::string> missing_programs() {
  std::vector<std::string> missing;
  for (const char* name : {"etcd", "etcdctl", "openssl"}) {
    bool is_there = false;
    run_command("command -v " + std::string(name), &is_there);
    if (!is_there) missing.emplace_back(name);
  }
  return missing;
}

EtcdProcess::EtcdProcess(bool tls) : tls_(tls), client_port_(free_port()), peer_port_(free_port()) {
  REQUIRE(!folder_.path().empty());
  REQUIRE(client_port_ > 0);
  REQUIRE(peer_port_ > 0);
  if (tls_) {
    bool made = false;
    const std::string said = run_command(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=settle-test"
        " -addext subjectAltName=IP:127.0.0.1 -keyout " +
            key() + " -out " + certificate(),
        &made);
    REQUIRE_MESSAGE(made, said);
  }
  start();
}

EtcdProcess::~EtcdProcess() { kill(); }

std::string EtcdProcess::url(std::uint16_t port) const {
  const bool secure = tls_ && port == client_port_;
  return (secure ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port);
}

void EtcdProcess::start() {
  std::vector<std::string> arguments = {"etcd",
                                        "--name=test",
                                        "--data-dir=" + folder_.path() + "/data",
                                        "--listen-client-urls=" + url(client_port_),
                                        "--advertise-client-urls=" + url(client_port_),
                                        "--listen-peer-urls=" + url(peer_port_),
                                        "--initial-advertise-peer-urls=" + url(peer_port_),
                                        "--initial-cluster=test=" + url(peer_port_)};
  if (tls_) {
    arguments.push_back("--cert-file=" + certificate());
    arguments.push_back("--key-file=" + key());
    arguments.push_back("--client-cert-auth");
    arguments.push_back("--trusted-ca-file=" + certificate());
  }
  process_ = spawn(arguments, folder_.path() + "/etcd.log");
  REQUIRE(process_ != 0);
  const bool has_started = eventually([this] { return answers(); });
  REQUIRE_MESSAGE(has_started, run_command("tail -n 20 " + folder_.path() + "/etcd.log"));
}

void EtcdProcess::kill() {
  if (process_ == 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  process_ = 0;
}

void EtcdProcess::pause() { REQUIRE(::kill(process_, SIGSTOP) == 0); }

void EtcdProcess::resume() { REQUIRE(::kill(process_, SIGCONT) == 0); }

void EtcdProcess::lose_data() { std::filesystem::remove_all(folder_.path() + "/data"); }

bool EtcdProcess::answers() const {
  bool worked = false;
  const std::string said = run_command(control_command() + "get nothing", &worked);
  // Refusing somebody without a user is an answer, too.
  return worked || said.find("user name is empty") != std::string::npos;
}

std::string EtcdProcess::control_command() const {
  std::string command =
      "ETCDCTL_API=3 etcdctl --dial-timeout=2s --command-timeout=20s --endpoints=" + url(client_port_);
  if (tls_) command += " --cacert=" + certificate() + " --cert=" + certificate() + " --key=" + key();
  return command + " ";
}

std::string EtcdProcess::control(const std::string& arguments) const {
  return run_command(control_command() + arguments);
}

std::string EtcdProcess::metric(const std::string& name) const {
  http::TestSocket socket = http::TestSocket::connect_to(client_port_);
  socket.send("GET /metrics HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
  const std::string page = socket.receive_to_end();
  const std::string start = "\n" + name + " ";
  const std::size_t at = page.find(start);
  if (at == std::string::npos) return "none";
  const std::size_t value = at + start.size();
  return page.substr(value, page.find('\n', value) - value);
}

}  // namespace settle::server
