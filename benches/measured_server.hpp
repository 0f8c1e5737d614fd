// The server that a subcommand measures: one that runs already, or one that it starts.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <boost/program_options/options_description.hpp>

#include "benches/machine.hpp"
#include "benches/redis_process.hpp"
#include "benches/server_process.hpp"
#include "settle/result.hpp"

namespace settle::bench {

struct ServerChoice {
  std::string program;  // to be started
  std::string store;    // of it
  std::string path;     // where its temporary folder is made
};
// --server, --store and --path, kept in `choice`.
void add_server_options(boost::program_options::options_description& options, ServerChoice& choice);

// Whether the programs that it needs are there.
Result<Done> check(const ServerChoice& choice);

// A started server and its folder, which goes away after it.
struct MeasuredServer {
  TemporaryFolder folder;
  FileSystem file_system;  // of the folder
  bool durable = false;    // what it acknowledges is on a disk
  ServerSetting setting;
  std::unique_ptr<RedisProcess> redis;  // where the store is redis: in the same folder, ended after the server
  std::unique_ptr<ServerProcess> process;
};
// Started and ready, and its Redis before it where it wants one.
Result<MeasuredServer> start_server(const ServerChoice& choice);

// Whether a server keeps this store's files in its own folder, synced before it answers.
bool kept_in_folder(const std::string& store);

inline constexpr std::int64_t kServerReadyTimeoutMs = 30'000;
inline constexpr std::int64_t kServerStopTimeoutMs = 20'000;

}  // namespace settle::bench
