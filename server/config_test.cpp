#include "server/config.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>

namespace settle::server {
namespace {

using Variables = std::map<std::string, std::string>;

// A file that is there as long as this.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text)
      : path_((std::filesystem::temp_directory_path() / ("settle-config-test-" + std::to_string(getpid()) + ".yml"))
                  .string()) {
    std::ofstream(path_) << text;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Environment environment(const Variables& variables) {
  return [variables](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

Result<LoadedConfig> load(const std::string& text, const Variables& variables = {}) {
  const TemporaryFile file(text);
  return load_config(file.path(), environment(variables));
}

TEST_CASE("server/config: nothing given -> defaults") {
  const Result<LoadedConfig> loaded = load_config(std::nullopt, environment({}));
  REQUIRE(loaded);
  CHECK(loaded.value().config.store_driver == StoreDriver::rocksdb);
  CHECK(loaded.value().config.store_path == "settle-data");
  CHECK(loaded.value().config.http_port == 36789);
  CHECK(loaded.value().config.retry_interval_max_s == 3600);
  CHECK(!loaded.value().config.json_rpc_port);
  CHECK(loaded.value().config.alert_retry_limit == 3);
  CHECK(loaded.value().config.alert_web_hook.empty());
  CHECK(loaded.value().warnings.empty());
}

TEST_CASE("server/config: every key that is used -> its place") {
  const Result<LoadedConfig> loaded = load(
      "Store:\n  Driver: memory\n  Path: /var/lib/settle\n  DataExpire: 1\n  FinishedDataExpire: 0\n"
      "TimeoutToFail: 2\nRetryInterval: '3'\nRetryIntervalMax: 4\nRequestTimeout: 5\nHttpAddress: 127.0.0.1\n"
      "HttpPort: 0\nJsonRpcPort: 7\nAlertRetryLimit: 8\nAlertWebHook: 'https://h/x?token=1'\nShards: 6\nLogLevel: "
      "warn\nLog:\n  Outputs: 'stderr, /tmp/a b.log'\n");
  REQUIRE_MESSAGE(loaded, loaded.error().message);
  const Config& config = loaded.value().config;
  CHECK(config.store_driver == StoreDriver::memory);
  CHECK(config.store_path == "/var/lib/settle");
  CHECK(config.data_expire_s == 1);
  CHECK(config.finished_data_expire_s == 0);
  CHECK(config.timeout_to_fail_s == 2);
  CHECK(config.retry_interval_s == 3);
  CHECK(config.retry_interval_max_s == 4);
  CHECK(config.request_timeout_s == 5);
  CHECK(config.http_address == "127.0.0.1");
  CHECK(config.http_port == 0);
  CHECK(config.json_rpc_port == 7);
  CHECK(config.alert_retry_limit == 8);
  CHECK(config.alert_web_hook == "https://h/x?token=1");
  CHECK(config.shards == 6);
  CHECK(config.log_level == LogLevel::warn);
  CHECK(config.log_outputs == std::vector<std::string>{"stderr", "/tmp/a b.log"});
  CHECK(loaded.value().warnings.empty());
}

TEST_CASE("server/config: names of the embedded store -> RocksDB") {
  for (const char* driver : {"rocksdb", "boltdb", "embedded", "''", ""}) {
    CAPTURE(driver);
    const Result<LoadedConfig> loaded = load(std::string("Store: {Driver: ") + driver + "}\n");
    REQUIRE(loaded);
    CHECK(loaded.value().config.store_driver == StoreDriver::rocksdb);
  }
}

TEST_CASE("server/config: an empty hook, a scheme in capitals, port 0, limit 0 -> taken") {
  const Result<LoadedConfig> loaded = load("AlertWebHook: ''\nJsonRpcPort: 0\nAlertRetryLimit: 0\n");
  REQUIRE(loaded);
  CHECK(loaded.value().config.alert_web_hook.empty());
  CHECK(loaded.value().config.json_rpc_port == 0);
  CHECK(loaded.value().config.alert_retry_limit == 0);
  CHECK(load("AlertWebHook: HTTP://h").value().config.alert_web_hook == "HTTP://h");
}

TEST_CASE("server/config: file over environment over default") {
  const Variables variables{
      {"HTTP_PORT", "1001"}, {"RETRY_INTERVAL", "7"}, {"STORE_PATH", ""}, {"STORE_DRIVER", "memory"}};
  const Result<LoadedConfig> loaded = load("HttpPort: 1002\nRetryInterval:\nStore:\n", variables);
  REQUIRE(loaded);
  CHECK(loaded.value().config.http_port == 1002);
  CHECK(loaded.value().config.retry_interval_s == 7);
  CHECK(loaded.value().config.store_path == "settle-data");
  CHECK(loaded.value().config.store_driver == StoreDriver::memory);
}

TEST_CASE("server/config: keys -> names of variables") {
  CHECK(environment_name("HttpPort") == "HTTP_PORT");
  CHECK(environment_name("MicroService.EndPoint") == "MICRO_SERVICE_END_POINT");
  CHECK(environment_name("Store.MaxOpenConns") == "STORE_MAX_OPEN_CONNS");
  CHECK(environment_name("JsonRpcPort") == "JSON_RPC_PORT");
  CHECK(environment_name("Log.RotationConfigJSON") == "LOG_ROTATION_CONFIG_JSON");
  CHECK(environment_name("UpdateBranchAsyncGoroutineNum") == "UPDATE_BRANCH_ASYNC_GOROUTINE_NUM");
}

TEST_CASE("server/config: a file of DTM's, every key given -> loads, with a warning for each key that is not used") {
  const Result<LoadedConfig> loaded = load(R"(# of the old server
Store:
  Driver: 'boltdb'
  Host: 'localhost'
  User: 'root'
  Password: ''
  Port: '3306'
  Db: 'dtm'
  Schema: 'public'
  MaxOpenConns: 500
  MaxIdleConns: 500
  ConnMaxLifeTime: 5
  DataExpire: 604800
  FinishedDataExpire: 86400
  RedisPrefix: '{a}'
MicroService:
  Driver: 'dtm-driver-gozero'
  Target: 'etcd://localhost:2379/dtmservice'
  EndPoint: 'localhost:36790'
HttpMicroService:
  Driver: 'dtm-driver-http'
  RegistryOptions: '{}'
TransCronInterval: 3
TimeoutToFail: 35
RetryInterval: 10
RequestTimeout: 3
LogLevel: 'info'
Log:
   Outputs: 'stderr'
   RotationEnable: 0
   RotationConfigJSON: '{"maxsize": 100}'
HttpPort: 36789
GrpcPort: 36790
JsonRpcPort: 36791
UpdateBranchSync: 1
UpdateBranchAsyncGoroutineNum: 1
TimeZoneOffset: +8
AdminBasePath: ''
ConfigUpdateInterval: 10
AlertRetryLimit: 3
AlertWebHook: ''
)");
  REQUIRE_MESSAGE(loaded, loaded.error().message);
  CHECK(loaded.value().warnings.size() == 20);
  CHECK(loaded.value().config.finished_data_expire_s == 86'400);
  CHECK(loaded.value().config.registry.driver == "dtm-driver-gozero");
  CHECK(loaded.value().config.registry.target == "etcd://localhost:2379/dtmservice");
  CHECK(loaded.value().config.registry.endpoint == "localhost:36790");
  CHECK(loaded.value().config.grpc_port == 36790);
  for (const std::string& warning : loaded.value().warnings) {
    CAPTURE(warning);
    const bool told = warning.find("is not used by this version") != std::string::npos ||
                      warning.find("is used with the store mysql alone") != std::string::npos;
    CHECK(told);
  }
  CHECK(loaded.value().warnings.front().ends_with(".yml:9: Store.Schema: is not used by this version"));
  CHECK(loaded.value().warnings.back().ends_with(": TimeZoneOffset: is used with the store mysql alone"));
}

TEST_CASE("server/config: mysql by each of its names -> where the database is, and nothing is purged") {
  for (const char* driver : {"mysql", "mariadb", "tidb"}) {
    CAPTURE(driver);
    const Result<LoadedConfig> loaded = load("Store: {Driver: " + std::string(driver) + "}\n");
    REQUIRE_MESSAGE(loaded, loaded.error().message);
    const Config& config = loaded.value().config;
    CHECK(config.store_driver == StoreDriver::mysql);
    CHECK(config.mysql.host == "localhost");
    CHECK(config.mysql.port == 3306);
    CHECK(config.mysql.user == "root");
    CHECK(config.mysql.database == "dtm");
    CHECK(config.mysql.connections_max == 500);
    CHECK(config.mysql.connection_lifetime_ms == 300'000);
    CHECK(!config.mysql.time_zone_offset_s);
    CHECK(config.finished_data_expire_s == 0);
    CHECK(config.update_branch_sync);
    CHECK(config.trans_cron_interval_s == 3);
    CHECK(config.config_update_interval_s == 3);
    CHECK(loaded.value().warnings.empty());
  }
}

TEST_CASE("server/config: mysql with every key of it -> its place") {
  const Result<LoadedConfig> loaded = load(
      "TransCronInterval: 1\nConfigUpdateInterval: 2\nUpdateBranchSync: 0\nTimeZoneOffset: +8\nStore:\n  Host: db1\n"
      "  Port: '3307'\n  User: dtm\n  Password: 'a: b'\n  Db: transactions\n  MaxOpenConns: 0\n  MaxIdleConns: 5\n"
      "  ConnMaxLifeTime: 7\n  FinishedDataExpire: 60\n  Driver: mysql\n");
  REQUIRE_MESSAGE(loaded, loaded.error().message);
  const Config& config = loaded.value().config;
  CHECK(config.mysql.host == "db1");
  CHECK(config.mysql.port == 3307);
  CHECK(config.mysql.user == "dtm");
  CHECK(config.mysql.password == "a: b");
  CHECK(config.mysql.database == "transactions");
  CHECK(config.mysql.connections_max == 100'000);
  CHECK(config.mysql.connections_idle_max == 5);
  CHECK(config.mysql.connection_lifetime_ms == 420'000);
  CHECK(config.mysql.time_zone_offset_s == 28'800);
  CHECK(!config.update_branch_sync);
  CHECK(config.trans_cron_interval_s == 1);
  CHECK(config.config_update_interval_s == 2);
  CHECK(config.finished_data_expire_s == 60);
  CHECK(loaded.value().warnings.empty());
}

TEST_CASE("server/config: mysql, with purging asked for by the environment -> it is done") {
  const Result<LoadedConfig> loaded = load("Store: {Driver: mysql}", {{"STORE_FINISHED_DATA_EXPIRE", "86400"}});
  REQUIRE(loaded);
  CHECK(loaded.value().config.finished_data_expire_s == 86'400);
}

TEST_CASE("server/config: TimeZoneOffset in DTM's form and with minutes -> seconds east of UTC") {
  const auto offset = [](const char* text) {
    const Result<LoadedConfig> loaded = load(std::string("Store: {Driver: mysql}\nTimeZoneOffset: '") + text + "'\n");
    REQUIRE(loaded);
    return loaded.value().config.mysql.time_zone_offset_s;
  };
  CHECK(offset("8") == 28'800);
  CHECK(offset("+8") == 28'800);
  CHECK(offset("+08:00") == 28'800);
  CHECK(offset("-3") == -10'800);
  CHECK(offset("-03:30") == -12'600);
  CHECK(offset("0") == 0);
  CHECK(offset("14") == 50'400);
  CHECK(!offset(""));
}

TEST_CASE("server/config: unknown keys -> one warning each, the rest is taken") {
  const Result<LoadedConfig> loaded =
      load("Colour: blue\nStore:\n  Shape: {a: [1, 2]}\n  Path: p\nhttpport: 5\nHttpPort: 6\n");
  REQUIRE(loaded);
  CHECK(loaded.value().config.store_path == "p");
  CHECK(loaded.value().config.http_port == 6);
  REQUIRE(loaded.value().warnings.size() == 3);
  CHECK(loaded.value().warnings[0].ends_with(":1: Colour: is not known"));
  CHECK(loaded.value().warnings[1].ends_with(":3: Store.Shape: is not known"));
  CHECK(loaded.value().warnings[2].ends_with(":5: httpport: is not known"));
}

TEST_CASE("server/config: a file with nothing but comments -> nothing given") {
  CHECK(load("# Store:\n#   Driver: 'mysql'\n"));
  CHECK(load(""));
}

TEST_CASE("server/config: bad files -> one line with file, line and key") {
  struct Row {
    const char* text;
    const char* message;  // behind the file's name
  };
  const std::array rows{
      Row{"HttpPort: many", ":1: HttpPort: must be a whole number, is 'many'"},
      Row{"\n\nHttpPort: 65536", ":3: HttpPort: must be from 0 to 65535, is 65536"},
      Row{"HttpPort: -1", ":1: HttpPort: must be from 0 to 65535, is -1"},
      Row{"HttpPort: 1.5", ":1: HttpPort: must be a whole number, is '1.5'"},
      Row{"HttpPort: ''", ":1: HttpPort: must be a whole number, is ''"},
      Row{"HttpPort: [1]", ":1: HttpPort: must be a single value"},
      Row{"HttpPort: 1\nHttpPort: 2", ":2: HttpPort: is given twice"},
      Row{"RetryInterval: 0", ":1: RetryInterval: must be from 1 to 3153600000, is 0"},
      Row{"RetryInterval: 99999999999999999999",
          ":1: RetryInterval: must be a whole number, is '99999999999999999999'"},
      Row{"JsonRpcPort: 65536", ":1: JsonRpcPort: must be from 0 to 65535, is 65536"},
      Row{"AlertRetryLimit: -1", ":1: AlertRetryLimit: must be from 0 to 4294967295, is -1"},
      Row{"AlertWebHook: h/x", ":1: AlertWebHook: malformed url 'h/x': no scheme"},
      Row{"AlertWebHook: 'ftp://h/'",
          ":1: AlertWebHook: malformed url 'ftp://h/': the scheme is neither http nor https"},
      Row{"GrpcPort: none", ":1: GrpcPort: must be a whole number, is 'none'"},
      Row{"GrpcPort: 65536", ":1: GrpcPort: must be from 0 to 65535, is 65536"},
      Row{"GrpcAddress: ''", ":1: GrpcAddress: must not be empty"},
      Row{"Store: here", ":1: Store: must hold keys with values"},
      Row{"Store:\n  Path: ''", ":2: Store.Path: must not be empty"},
      Row{"Store:\n  Driver: postgres\n",
          ":2: Store.Driver: 'postgres' is not supported by this version, only rocksdb, memory and mysql are"},
      Row{"Store:\n  Port: 0\n", ":2: Store.Port: must be from 1 to 65535, is 0"},
      Row{"Store:\n  Host: ''\n", ":2: Store.Host: must not be empty"},
      Row{"Store:\n  MaxOpenConns: -1\n", ":2: Store.MaxOpenConns: must be from 0 to 100000, is -1"},
      Row{"TransCronInterval: 0", ":1: TransCronInterval: must be from 1 to 3153600000, is 0"},
      Row{"UpdateBranchSync: yes", ":1: UpdateBranchSync: must be a whole number, is 'yes'"},
      Row{"TimeZoneOffset: Asia/Shanghai",
          ":1: TimeZoneOffset: must be hours east of UTC, as +8, -3 or +05:30, up to 14, is 'Asia/Shanghai'"},
      Row{"TimeZoneOffset: '+'",
          ":1: TimeZoneOffset: must be hours east of UTC, as +8, -3 or +05:30, up to 14, is '+'"},
      Row{"TimeZoneOffset: '+8:3'",
          ":1: TimeZoneOffset: must be hours east of UTC, as +8, -3 or +05:30, up to 14, is '+8:3'"},
      Row{"TimeZoneOffset: '14:01'",
          ":1: TimeZoneOffset: must be hours east of UTC, as +8, -3 or +05:30, up to 14, is '14:01'"},
      Row{"LogLevel: loud", ":1: LogLevel: must be debug, info, warn or error, is 'loud'"},
      Row{"Log:\n  Outputs: 'stderr,,a'",
          ":2: Log.Outputs: must be stderr, stdout or files, with commas between, is "
          "'stderr,,a'"},
      Row{"HttpPort: \"a\\nb\\x7f\"", ":1: HttpPort: must be a whole number, is 'a?b?'"},
      Row{"[1, 2]", ":1: must hold keys with values"},
      Row{"just text", ":1: must hold keys with values"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const Result<LoadedConfig> loaded = load(row.text);
    REQUIRE(!loaded);
    CHECK_MESSAGE(loaded.error().message.ends_with(row.message), loaded.error().message);
  }
  const Result<LoadedConfig> broken = load("Store:\n  Path: [1\nHttpPort: 1\n");
  REQUIRE(!broken);
  CHECK(broken.error().message.find(": is not YAML: ") != std::string::npos);
  const Result<LoadedConfig> missing = load_config("/nowhere/conf.yml", environment({}));
  REQUIRE(!missing);
  CHECK(missing.error().message == "/nowhere/conf.yml: cannot be read: No such file or directory");
}

TEST_CASE("server/config: bad variables -> the variable's name and what is wrong") {
  const Result<LoadedConfig> bad = load_config(std::nullopt, environment({{"STORE_DRIVER", "redis"}}));
  REQUIRE(!bad);
  CHECK(bad.error().message ==
        "environment variable STORE_DRIVER: 'redis' is not supported by this version, only rocksdb, memory and mysql "
        "are");
  const Result<LoadedConfig> number = load_config(std::nullopt, environment({{"HTTP_PORT", "x"}}));
  REQUIRE(!number);
  CHECK(number.error().message == "environment variable HTTP_PORT: must be a whole number, is 'x'");
  const Result<LoadedConfig> unused = load_config(std::nullopt, environment({{"STORE_SCHEMA", "public"}}));
  REQUIRE(unused);
  CHECK(unused.value().warnings ==
        std::vector<std::string>{"environment variable STORE_SCHEMA: is not used by this version"});
  const Result<LoadedConfig> other = load_config(std::nullopt, environment({{"TRANS_CRON_INTERVAL", "3"}}));
  REQUIRE(other);
  CHECK(other.value().warnings ==
        std::vector<std::string>{"environment variable TRANS_CRON_INTERVAL: is used with the store mysql alone"});
}

TEST_CASE("server/config: MicroService that cannot work -> where the wrong key stands, wherever it was given") {
  const auto message = [](const std::string& text, const Variables& variables) {
    const Result<LoadedConfig> loaded = load(text, variables);
    return loaded ? "loaded" : loaded.error().message;
  };
  const std::string driver = message("HttpPort: 1\nMicroService:\n  Driver: dtm-driver-kratos\n", {});
  CHECK_MESSAGE(driver.find(".yml:3: MicroService.Driver: ") != std::string::npos, driver);
  CHECK_MESSAGE(driver.find("dtm-driver-gozero") != std::string::npos, driver);
  const std::string target =
      message("MicroService:\n  Driver: dtm-driver-gozero\n  EndPoint: h:1\n", {{"MICRO_SERVICE_TARGET", "etcd://"}});
  CHECK_MESSAGE(target.starts_with("environment variable MICRO_SERVICE_TARGET: "), target);
  const std::string endpoint =
      message("MicroService:\n  Driver: dtm-driver-gozero\n  Target: etcd://h:2379/dtmservice\n", {});
  CHECK_MESSAGE(endpoint.starts_with("MicroService.EndPoint: "), endpoint);
}

}  // namespace
}  // namespace settle::server
