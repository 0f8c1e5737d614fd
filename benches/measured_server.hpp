// The server that a subcommand measures: one that runs already, or one that it starts.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/program_options/options_description.hpp>

#include "benches/machine.hpp"
#include "benches/mariadb_process.hpp"
#include "benches/redis_process.hpp"
#include "benches/server_process.hpp"
#include "settle/result.hpp"

namespace settle::bench {

struct ServerChoice {
  std::string program;             // to be started
  std::string store;               // of it
  std::string path;                // where its temporary folder is made
  std::string mysql_tables;        // for mysql: a file of the statements that make the tables; empty: the server does
  std::string update_branch_sync;  // for mysql: UPDATE_BRANCH_SYNC
  std::size_t servers = 1;         // for mysql: of this program, on one database
  std::size_t unfinished = 0;      // for settled on rocksdb or mysql: waiting transactions that it finds at its start
};
// --server, --store, --path, --mysql-tables and --update-branch-sync, kept in `choice`.
void add_server_options(boost::program_options::options_description& options, ServerChoice& choice);

// Whether what is asked for makes sense, and the programs and files that it needs are there.
Result<Done> check(const ServerChoice& choice);

struct StartedServer {
  ServerSetting setting;
  std::unique_ptr<ServerProcess> process;
  double start_seconds = 0;  // until it was ready
};

// Started servers and their folder, which goes away after them.
struct MeasuredServer {
  TemporaryFolder folder;
  FileSystem file_system;  // of the folder
  bool durable = false;    // what they acknowledge is on a disk
  // Where the store is one of these: in the same folder, ended after the servers.
  std::unique_ptr<RedisProcess> redis;
  std::unique_ptr<MariadbProcess> mariadb;
  std::vector<StartedServer> servers;  // one or more

  pid_t store_pid() const;  // 0: there is no such process
};
// Started and ready, and the process of their store before them.
Result<MeasuredServer> start_server(const ServerChoice& choice);

// Whether what a server keeps in this store is in files below its folder, synced before it answers.
bool kept_in_folder(const std::string& store);
// Whether this store is a MariaDB of the bench's.
bool kept_in_mariadb(const std::string& store);

inline constexpr std::int64_t kServerReadyTimeoutMs = 30'000;
inline constexpr std::int64_t kServerStopTimeoutMs = 20'000;

}  // namespace settle::bench
