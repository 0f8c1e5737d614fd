#include "benches/server_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <iterator>
#include <system_error>

#include "benches/machine.hpp"

namespace settle::bench {
namespace {

// The environment of this process, with these settings instead of its own of the same names.
std::vector<std::string> environment_with(const std::vector<std::string>& settings) {
  std::vector<std::string> environment = settings;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('=') + 1);
    const bool replaced = std::any_of(settings.begin(), settings.end(),
                                      [name](const std::string& setting) { return setting.starts_with(name); });
    if (!replaced) environment.emplace_back(text);
  }
  return environment;
}

// In the child, between fork and exec: only what is safe there.
[[noreturn]] void become(const char* program, const char* folder, int log, char* const* environment) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  char* const arguments[] = {const_cast<char*>(program), nullptr};
  if (::chdir(folder) == 0) ::execve(program, arguments, environment);
  ::_exit(127);
}

}  // namespace

Result<ServerSetting> make_setting(std::filesystem::path program, std::string store, std::filesystem::path folder) {
  std::error_code failure;
  program = std::filesystem::canonical(program, failure);
  if (failure) return Error{Code::invalid, "no such program: " + program.string() + ": " + failure.message()};
  // Both are held at once, so that they differ.
  Result<Listener> http = listen_on_loopback();
  if (!http) return http.error();
  Result<Listener> grpc = listen_on_loopback();
  if (!grpc) return grpc.error();
  return ServerSetting{.program = std::move(program),
                       .store = std::move(store),
                       .folder = std::move(folder),
                       .http_port = http.value().port,
                       .grpc_port = grpc.value().port};
}

Result<std::unique_ptr<ServerProcess>> ServerProcess::start(const ServerSetting& setting) {
  std::vector<std::string> environment = environment_with({
      "HTTP_PORT=" + std::to_string(setting.http_port),
      "GRPC_PORT=" + std::to_string(setting.grpc_port),
      "STORE_DRIVER=" + setting.store,
      "STORE_PATH=" + (setting.folder / "store").string(),
      "LOG_LEVEL=error",
  });
  std::vector<char*> pointers;
  pointers.reserve(environment.size() + 1);
  for (std::string& entry : environment) pointers.push_back(entry.data());
  pointers.push_back(nullptr);

  const std::string log_path = (setting.folder / "server.log").string();
  const Socket log(::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!log.open()) return Error{Code::internal, log_path + ": " + std::generic_category().message(errno)};
  const pid_t pid = ::fork();
  if (pid < 0) return Error{Code::internal, "cannot fork: " + std::generic_category().message(errno)};
  if (pid == 0) become(setting.program.c_str(), setting.folder.c_str(), log.descriptor(), pointers.data());
  // By number: glibc 2.36 declares the function without C linkage.
  Socket handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!handle.open()) {
    const Error error{Code::internal, "no pidfd: " + std::generic_category().message(errno)};
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return error;
  }
  return std::unique_ptr<ServerProcess>(new ServerProcess(pid, std::move(handle), setting));
}

ServerProcess::~ServerProcess() { kill(); }

bool ServerProcess::wait_for_end(std::int64_t timeout_ms) {
  if (ended_) return true;
  pollfd waiting{.fd = handle_.descriptor(), .events = POLLIN, .revents = 0};
  int ready = 0;
  do {
    ready = ::poll(&waiting, 1, static_cast<int>(timeout_ms));
  } while (ready < 0 && errno == EINTR);
  if (ready != 1) return false;
  ::waitpid(pid_, &exit_status_, 0);
  ended_ = true;
  return true;
}

bool ServerProcess::ended() { return wait_for_end(0); }

Result<Done> ServerProcess::wait_until_ready(std::int64_t timeout_ms) {
  constexpr std::int64_t kPollMs = 5;
  const std::int64_t end_ns = now_ns() + timeout_ms * 1'000'000;
  for (;;) {
    const Result<Answer> answer = get(address(), "/api/ping", timeout_ms);
    if (answer && answer.value().status == 200) return Done{};
    const std::string why = answer ? "answers " + std::to_string(answer.value().status) : answer.error().message;
    if (wait_for_end(kPollMs)) return Error{Code::internal, "the server ended before it was ready:\n" + log_end()};
    if (now_ns() > end_ns) return Error{Code::internal, "the server is not ready: " + why + "\n" + log_end()};
  }
}

Result<Done> ServerProcess::stop(std::int64_t timeout_ms) {
  if (!ended()) ::kill(pid_, SIGTERM);
  if (!wait_for_end(timeout_ms)) {
    kill();
    return Error{Code::internal, "the server did not stop in time:\n" + log_end()};
  }
  // DTM has no handler for SIGTERM, so being ended by it counts as stopping.
  const bool fine = (WIFEXITED(exit_status_) && WEXITSTATUS(exit_status_) == 0) ||
                    (WIFSIGNALED(exit_status_) && WTERMSIG(exit_status_) == SIGTERM);
  if (!fine) return Error{Code::internal, "the server ended with an error:\n" + log_end()};
  return Done{};
}

void ServerProcess::kill() {
  if (ended()) return;
  ::kill(pid_, SIGKILL);
  wait_for_end(-1);
}

std::string ServerProcess::log_end() const {
  constexpr std::size_t kShownBytes = 4096;
  std::ifstream file(log_);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.size() > kShownBytes) text.erase(0, text.size() - kShownBytes);
  return text;
}

}  // namespace settle::bench
