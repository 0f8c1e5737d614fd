#include "server/logger.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace settle::server {
namespace {

TEST_CASE("server/logger: text of an event -> one line, whatever is in it") {
  CHECK(log_text("", "ready") == R"(msg="ready")");
  CHECK(log_text("abc", "rolled back") == R"(gid=abc msg="rolled back")");
  CHECK(log_text("a b", "said \"no\"\nlevel=error\\") == R"(gid="a b" msg="said \"no\"\nlevel=error\\")");
  CHECK(log_text("a=b", std::string("\x1b[1m\0", 5)) == R"(gid="a=b" msg="\x1b[1m\x00")");
}

TEST_CASE("server/logger: a file -> the lines from its level on, in order, complete at the end") {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("settle-logger-test-" + std::to_string(getpid()) + ".log")).string();
  {
    const Result<std::unique_ptr<Logger>> logger = Logger::open(LogLevel::warn, {path});
    REQUIRE(logger);
    logger.value()->write(LogLevel::info, "g", "not this");
    for (int i = 0; i < 100; ++i) logger.value()->write(LogLevel::warn, "g", "line " + std::to_string(i));
    logger.value()->write(LogLevel::error, "", "last {}");
  }
  std::ifstream file(path);
  std::string line;
  for (int i = 0; i < 100; ++i) {
    REQUIRE(std::getline(file, line));
    CHECK(line.starts_with("time=20"));
    CHECK(line.ends_with(" level=warning gid=g msg=\"line " + std::to_string(i) + "\""));
  }
  REQUIRE(std::getline(file, line));
  CHECK(line.ends_with(R"( level=error msg="last {}")"));
  CHECK(!std::getline(file, line));
  std::filesystem::remove(path);
}

TEST_CASE("server/logger: a file that cannot be opened -> an error that names it") {
  const Result<std::unique_ptr<Logger>> logger = Logger::open(LogLevel::info, {"stderr", "/dev/null/x.log"});
  REQUIRE(!logger);
  CHECK(logger.error().message.find("/dev/null/x.log") != std::string::npos);
}

}  // namespace
}  // namespace settle::server
