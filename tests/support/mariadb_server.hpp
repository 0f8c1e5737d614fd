// A MariaDB of its own for a test program: a new, empty database server on loopback, gone with the object.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "settle/storage/mysql.hpp"
#include "tests/conformance/temporary_folder.hpp"

namespace settle {

// Its methods may be called from one thread at a time. A test fails (doctest's REQUIRE) where one cannot do its work.
class MariadbServer {
 public:
  // Arguments of mariadbd: "--max-connections=5".
  explicit MariadbServer(std::vector<std::string> arguments = {});
  ~MariadbServer();
  MariadbServer(const MariadbServer&) = delete;
  MariadbServer& operator=(const MariadbServer&) = delete;

  // As root, who may do everything and has no password.
  MysqlOptions options(const std::string& database = "dtm") const;

  // Runs statements in a session of its own. The first cell of the last one's result; empty where there is none.
  std::string execute(const std::vector<std::string>& statements) const;

  // Starts it with what it held when it was stopped, and waits until it answers.
  void start();
  void stop();
  // As a crash of the process does.
  void kill();
  // Until it is resumed it holds all connections and answers nothing.
  void pause() const;
  void resume() const;

  std::uint16_t port() const { return port_; }

 private:
  void install() const;
  void end(int signal);

  TemporaryFolder folder_;
  std::vector<std::string> arguments_;
  std::uint16_t port_ = 0;
  pid_t process_ = 0;
};

// One for the whole program, started where it is first asked for.
MariadbServer& shared_mariadb();

}  // namespace settle
