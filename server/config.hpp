// What settled can be told: by a YAML file, by the environment, or by nobody (protocol.md §10).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "server/registry/registry.hpp"
#include "settle/engine.hpp"
#include "settle/result.hpp"
#include "settle/storage/mysql.hpp"

namespace settle::server {

enum class StoreDriver : std::uint8_t { rocksdb, memory, mysql };

struct Config {
  StoreDriver store_driver = StoreDriver::rocksdb;
  std::string store_path = "settle-data";  // relative to the working folder
  std::int64_t data_expire_s = 604'800;
  std::int64_t finished_data_expire_s = 86'400;  // 0: never; so on mysql, unless it is given
  MysqlOptions mysql;
  bool update_branch_sync = true;             // mysql: nothing runs ahead of what the tables say
  std::int64_t trans_cron_interval_s = 3;     // mysql: between looks for what others left behind
  std::int64_t config_update_interval_s = 3;  // mysql: between looks for topics that others changed
  std::int64_t timeout_to_fail_s = 35;
  std::int64_t retry_interval_s = 10;
  std::int64_t retry_interval_max_s = 3'600;
  std::int64_t request_timeout_s = 3;
  std::string http_address = "0.0.0.0";
  std::int64_t http_port = 36'789;  // 0: any free one
  std::string grpc_address = "0.0.0.0";
  std::int64_t grpc_port = 36'790;            // 0: any free one
  std::optional<std::int64_t> json_rpc_port;  // one more, for JSON-RPC alone; 0: any free one
  std::int64_t alert_retry_limit = 3;         // errors in a row from which on each is told to the hook; 0: as 1
  std::string alert_web_hook;                 // empty: nobody is told
  RegistryOptions registry;                   // MicroService
  std::int64_t shards = 0;                    // 0: one for each core, at most 4
  LogLevel log_level = LogLevel::info;
  std::vector<std::string> log_outputs = {"stderr"};
};

struct LoadedConfig {
  Config config;
  // One line each: keys that nobody knows, keys of DTM's that are not used, and those of
  // another store.
  std::vector<std::string> warnings;
  // By key, what stands in front of a complaint about its value: `FILE:LINE: KEY: `, or the variable's name.
  std::map<std::string, std::string, std::less<>> places;
};

// The value of a variable; null where it is not set. A variable that is empty counts as not set.
using Environment = std::function<const char*(const char* name)>;

// The file, where one is given, over the environment over the defaults. An error is one line: `FILE:LINE: KEY: what is
// wrong`, or the variable's name and what is wrong with it.
Result<LoadedConfig> load_config(const std::optional<std::string>& path, const Environment& environment);

// The variable of a key: `MicroService.EndPoint` is MICRO_SERVICE_END_POINT.
std::string environment_name(std::string_view key);

}  // namespace settle::server
