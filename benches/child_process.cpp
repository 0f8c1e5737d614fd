#include "benches/child_process.hpp"

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
#include <string_view>
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

// As exec wants it; valid as long as the texts are.
std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// In the child, between fork and exec: only what is safe there.
[[noreturn]] void become(const char* folder, int log, char* const* arguments, char* const* environment) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  if (::chdir(folder) == 0) ::execve(arguments[0], arguments, environment);
  ::_exit(127);
}

}  // namespace

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(const ChildSetting& setting) {
  std::vector<std::string> words{setting.program.string()};
  words.insert(words.end(), setting.arguments.begin(), setting.arguments.end());
  std::vector<std::string> settings = environment_with(setting.environment);
  const std::vector<char*> arguments = pointers_to(words);
  const std::vector<char*> environment = pointers_to(settings);

  const std::string log_path = log_of(setting).string();
  const Socket log(::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!log.open()) return Error{Code::internal, log_path + ": " + std::generic_category().message(errno)};
  const pid_t pid = ::fork();
  if (pid < 0) return Error{Code::internal, "cannot fork: " + std::generic_category().message(errno)};
  if (pid == 0) become(setting.folder.c_str(), log.descriptor(), arguments.data(), environment.data());
  // By number: glibc 2.36 declares the function without C linkage.
  Socket handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!handle.open()) {
    const Error error{Code::internal, "no pidfd: " + std::generic_category().message(errno)};
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return error;
  }
  return std::unique_ptr<ChildProcess>(new ChildProcess(pid, std::move(handle), setting));
}

ChildProcess::~ChildProcess() { kill(); }

bool ChildProcess::wait_for_end(std::int64_t timeout_ms) {
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

Result<Done> ChildProcess::wait_until_ready(std::int64_t timeout_ms, const std::function<Result<Done>()>& is_ready) {
  constexpr std::int64_t kPollMs = 5;
  const std::int64_t end_ns = now_ns() + timeout_ms * 1'000'000;
  for (;;) {
    const Result<Done> ready = is_ready();
    if (ready) return Done{};
    if (wait_for_end(kPollMs)) return error("ended before it was ready");
    if (now_ns() > end_ns) return error("is not ready: " + ready.error().message);
  }
}

Result<Done> ChildProcess::finish(std::int64_t timeout_ms) {
  if (!wait_for_end(timeout_ms)) {
    kill();
    return error("did not end in time");
  }
  if (!WIFEXITED(exit_status_) || WEXITSTATUS(exit_status_) != 0) return error("ended with an error");
  return Done{};
}

Result<Done> ChildProcess::stop(std::int64_t timeout_ms) {
  if (!ended()) ::kill(pid_, SIGTERM);
  if (!wait_for_end(timeout_ms)) {
    kill();
    return error("did not stop in time");
  }
  // DTM has no handler for SIGTERM, so being ended by it counts as stopping.
  const bool fine = (WIFEXITED(exit_status_) && WEXITSTATUS(exit_status_) == 0) ||
                    (WIFSIGNALED(exit_status_) && WTERMSIG(exit_status_) == SIGTERM);
  if (!fine) return error("ended with an error");
  return Done{};
}

void ChildProcess::kill() {
  if (ended()) return;
  ::kill(pid_, SIGKILL);
  wait_for_end(-1);
}

Error ChildProcess::error(const std::string& what) const {
  constexpr std::size_t kShownBytes = 4096;
  std::ifstream file(log_);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.size() > kShownBytes) text.erase(0, text.size() - kShownBytes);
  return Error{Code::internal, "the " + name_ + " " + what + ":\n" + text};
}

}  // namespace settle::bench
