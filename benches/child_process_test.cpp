#include "benches/child_process.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "benches/machine.hpp"
#include "benches/redis_process.hpp"

using namespace settle;
using namespace settle::bench;

namespace {

constexpr std::int64_t kTimeoutMs = 20'000;

// A folder, and shell scripts that run in it.
struct Shell {
  TemporaryFolder folder = TemporaryFolder::make(".").value();

  std::unique_ptr<ChildProcess> run(const std::string& script) const {
    return ChildProcess::start({.program = "/bin/sh",
                                .arguments = {"-c", script},
                                .environment = {"SETTLE_BENCH_WORD=hello", "PATH=/usr/bin:/bin"},
                                .folder = folder.path(),
                                .name = "script"})
        .value();
  }
  // Ready when the script has made the file.
  auto made(const std::string& name) const {
    return [path = folder.path() / name]() -> Result<Done> {
      if (std::filesystem::exists(path)) return Done{};
      return Error{Code::unavailable, "no " + path.filename().string() + " yet"};
    };
  }
};

// PATH as the test wants it, and as it was afterwards.
class Path {
 public:
  explicit Path(const std::string& folder) { ::setenv("PATH", folder.c_str(), 1); }
  ~Path() { ::setenv("PATH", before_.c_str(), 1); }

 private:
  std::string before_ = std::getenv("PATH");
};

}  // namespace

TEST_CASE("bench/child process: started -> ready in its folder with its environment, and stops when asked to") {
  const Shell shell;
  const auto child = shell.run("echo $SETTLE_BENCH_WORD > word; : > ready; exec sleep 1000");
  REQUIRE(child->wait_until_ready(kTimeoutMs, shell.made("ready")));
  std::string word;
  std::ifstream(shell.folder.path() / "word") >> word;
  CHECK(word == "hello");
  CHECK_FALSE(child->ended());
  CHECK(child->stop(kTimeoutMs));
  CHECK(child->ended());
}

TEST_CASE("bench/child process: ends before it is ready -> an error with the end of its log") {
  const Shell shell;
  const auto child = shell.run("echo something is missing >&2; exit 3");
  const Result<Done> ready = child->wait_until_ready(kTimeoutMs, shell.made("ready"));
  REQUIRE_FALSE(ready);
  CHECK(ready.error().message == "the script ended before it was ready:\nsomething is missing\n");
  const Result<Done> stopped = child->stop(kTimeoutMs);
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().message == "the script ended with an error:\nsomething is missing\n");
}

TEST_CASE("bench/child process: is not ready in time -> an error that says why") {
  const Shell shell;
  const auto child = shell.run("exec sleep 1000");
  const Result<Done> ready = child->wait_until_ready(1, shell.made("ready"));
  REQUIRE_FALSE(ready);
  CHECK(ready.error().message.find("the script is not ready: no ready yet") == 0);
}

TEST_CASE("bench/child process: does not stop in time -> it is killed") {
  const Shell shell;
  const auto child = shell.run("trap '' TERM; : > ready; while :; do sleep 1000 & wait; done");
  REQUIRE(child->wait_until_ready(kTimeoutMs, shell.made("ready")));
  const Result<Done> stopped = child->stop(1);
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().message.find("the script did not stop in time") == 0);
  CHECK(child->ended());
}

TEST_CASE("bench/child process: does its work -> finished; with an error, or not in time -> an error") {
  const Shell shell;
  CHECK(shell.run("exit 0")->finish(kTimeoutMs));
  const Result<Done> failed = shell.run("echo no room; exit 1")->finish(kTimeoutMs);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message == "the script ended with an error:\nno room\n");
  const auto endless = shell.run("exec sleep 1000");
  const Result<Done> late = endless->finish(1);
  REQUIRE_FALSE(late);
  CHECK(late.error().message.find("the script did not end in time") == 0);
  CHECK(endless->ended());
}

TEST_CASE("bench/redis process: no redis-server, or one that does not come up -> what to do") {
  const Shell shell;
  const Path path(shell.folder.path().string());
  const auto missing = RedisProcess::start(shell.folder.path());
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message.find("no redis-server in PATH: install it") != std::string::npos);

  const std::filesystem::path program = shell.folder.path() / "redis-server";
  std::ofstream(program) << "#!/bin/sh\necho out of memory\nexit 1\n";
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  const auto broken = RedisProcess::start(shell.folder.path());
  REQUIRE_FALSE(broken);
  CHECK(broken.error().message == "the redis-server ended before it was ready:\nout of memory\n");
}
