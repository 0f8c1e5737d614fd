#include "benches/measured_server.hpp"

#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include <boost/program_options/value_semantic.hpp>

#include "benches/opened_store.hpp"
#include "benches/parked_sagas.hpp"

namespace settle::bench {
namespace {

constexpr std::string_view kRedis = "redis";

// The process of the store, where there is one, and what it has the servers told.
Result<std::vector<std::string>> start_store(const ServerChoice& choice, MeasuredServer& measured) {
  if (choice.store == kRedis) {
    Result<std::unique_ptr<RedisProcess>> redis = RedisProcess::start(measured.folder.path());
    if (!redis) return redis.error();
    measured.redis = std::move(redis).value();
    return measured.redis->environment();
  }
  if (!kept_in_mariadb(choice.store)) return std::vector<std::string>{};
  Result<std::unique_ptr<MariadbProcess>> mariadb = MariadbProcess::start(measured.folder.path(), choice.mysql_tables);
  if (!mariadb) return mariadb.error();
  measured.mariadb = std::move(mariadb).value();
  std::vector<std::string> environment = measured.mariadb->environment();
  environment.push_back("UPDATE_BRANCH_SYNC=" + choice.update_branch_sync);
  return environment;
}

Result<Done> store_unfinished(const ServerChoice& choice, const MeasuredServer& measured,
                              const ServerSetting& setting) {
  if (kept_in_mariadb(choice.store)) {
    const Result<std::unique_ptr<Store>> store = open_mysql_on(*measured.mariadb);
    return store ? store_parked_sagas(*store.value(), choice.unfinished) : store.error();
  }
  const Result<std::unique_ptr<RocksdbStore>> store = open_rocksdb_below(setting.folder);
  return store ? store_parked_sagas(*store.value(), choice.unfinished) : store.error();
}

// The first is ready before the second is started: it makes the tables.
Result<StartedServer> start_one(const ServerChoice& choice, const MeasuredServer& measured,
                                const std::vector<std::string>& environment, std::size_t number) {
  const std::filesystem::path folder = measured.folder.path() / ("server-" + std::to_string(number));
  std::error_code failure;
  if (!std::filesystem::create_directory(folder, failure)) {
    return Error{Code::internal, folder.string() + ": " + failure.message()};
  }
  Result<ServerSetting> setting = make_setting(choice.program, choice.store, folder);
  if (!setting) return setting.error();
  setting.value().store_environment = environment;
  if (number == 1 && choice.unfinished > 0) {
    const Result<Done> stored = store_unfinished(choice, measured, setting.value());
    if (!stored) return stored.error();
  }
  const std::int64_t begin_ns = now_ns();
  Result<std::unique_ptr<ServerProcess>> process = ServerProcess::start(setting.value());
  if (!process) return process.error();
  const Result<Done> ready = process.value()->wait_until_ready(kServerReadyTimeoutMs);
  if (!ready) return ready.error();
  return StartedServer{.setting = std::move(setting).value(),
                       .process = std::move(process).value(),
                       .start_seconds = static_cast<double>(now_ns() - begin_ns) / 1e9};
}

}  // namespace

void add_server_options(boost::program_options::options_description& options, ServerChoice& choice) {
  namespace po = boost::program_options;
  // clang-format off
  options.add_options()
      ("server", po::value(&choice.program), "a server program to start and to stop: settled, or DTM's")
      ("store", po::value(&choice.store)->default_value("rocksdb"),
       "its STORE_DRIVER; redis, or MariaDB for mysql, is started with it")
      ("path", po::value(&choice.path)->default_value("."), "where its temporary folder is made")
      ("mysql-tables", po::value(&choice.mysql_tables), "statements that make DTM's tables, for DTM makes none itself")
      ("update-branch-sync", po::value(&choice.update_branch_sync)->default_value("1"),
       "on mysql: 1 or 0, whether progress is written before the next step; of every server");
  // clang-format on
}

Result<Done> check(const ServerChoice& choice) {
  std::error_code failure;
  for (const std::string& file : {choice.program, choice.mysql_tables}) {
    if (!file.empty() && !std::filesystem::exists(file, failure)) {
      return Error{Code::invalid, (file == choice.program ? "no such program: " : "no such file: ") + file};
    }
  }
  if (choice.servers > 1 && !kept_in_mariadb(choice.store)) {
    return Error{Code::invalid, "only on mysql may there be more than one server"};
  }
  if (choice.unfinished > 0 && choice.store != "rocksdb" && !kept_in_mariadb(choice.store)) {
    return Error{Code::invalid, "--unfinished is for settled on rocksdb or mysql"};
  }
  if (choice.store == kRedis) {
    const Result<std::filesystem::path> redis = RedisProcess::find();
    if (!redis) return redis.error();
  }
  if (kept_in_mariadb(choice.store)) return MariadbProcess::find();
  return Done{};
}

pid_t MeasuredServer::store_pid() const {
  if (redis != nullptr) return redis->pid();
  return mariadb != nullptr ? mariadb->pid() : 0;
}

Result<MeasuredServer> start_server(const ServerChoice& choice) {
  Result<TemporaryFolder> folder = TemporaryFolder::make(choice.path);
  if (!folder) return folder.error();
  Result<FileSystem> file_system = file_system_of(folder.value().path());
  if (!file_system) return file_system.error();
  MeasuredServer measured{.folder = std::move(folder).value(),
                          .file_system = file_system.value(),
                          .durable = kept_in_folder(choice.store) && !file_system.value().in_memory};
  const Result<std::vector<std::string>> environment = start_store(choice, measured);
  if (!environment) return environment.error();
  for (std::size_t number = 1; number <= choice.servers; ++number) {
    Result<StartedServer> started = start_one(choice, measured, environment.value(), number);
    if (!started) return started.error();
    measured.servers.push_back(std::move(started).value());
  }
  return measured;
}

bool kept_in_folder(const std::string& store) {
  return store == "rocksdb" || store == "boltdb" || kept_in_mariadb(store);
}

bool kept_in_mariadb(const std::string& store) { return store == "mysql" || store == "mariadb"; }

}  // namespace settle::bench
