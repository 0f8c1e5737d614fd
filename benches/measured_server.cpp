#include "benches/measured_server.hpp"

#include <string_view>
#include <utility>

#include <boost/program_options/value_semantic.hpp>

namespace settle::bench {
namespace {

constexpr std::string_view kRedis = "redis";

}  // namespace

void add_server_options(boost::program_options::options_description& options, ServerChoice& choice) {
  namespace po = boost::program_options;
  // clang-format off
  options.add_options()
      ("server", po::value(&choice.program), "a server program to start and to stop: settled, or DTM's")
      ("store", po::value(&choice.store)->default_value("rocksdb"), "its STORE_DRIVER; redis is started with it")
      ("path", po::value(&choice.path)->default_value("."), "where its temporary folder is made");
  // clang-format on
}

Result<Done> check(const ServerChoice& choice) {
  std::error_code failure;
  if (!std::filesystem::exists(choice.program, failure)) {
    return Error{Code::invalid, "no such program: " + choice.program};
  }
  if (choice.store == kRedis) {
    const Result<std::filesystem::path> redis = RedisProcess::find();
    if (!redis) return redis.error();
  }
  return Done{};
}

Result<MeasuredServer> start_server(const ServerChoice& choice) {
  Result<TemporaryFolder> folder = TemporaryFolder::make(choice.path);
  if (!folder) return folder.error();
  Result<FileSystem> file_system = file_system_of(folder.value().path());
  if (!file_system) return file_system.error();
  Result<ServerSetting> setting = make_setting(choice.program, choice.store, folder.value().path());
  if (!setting) return setting.error();
  std::unique_ptr<RedisProcess> redis;
  if (choice.store == kRedis) {
    Result<std::unique_ptr<RedisProcess>> started = RedisProcess::start(folder.value().path());
    if (!started) return started.error();
    redis = std::move(started).value();
    setting.value().store_environment = redis->environment();
  }
  Result<std::unique_ptr<ServerProcess>> process = ServerProcess::start(setting.value());
  if (!process) return process.error();
  Result<Done> ready = process.value()->wait_until_ready(kServerReadyTimeoutMs);
  if (!ready) return ready.error();
  return MeasuredServer{.folder = std::move(folder).value(),
                        .file_system = file_system.value(),
                        .durable = kept_in_folder(choice.store) && !file_system.value().in_memory,
                        .setting = std::move(setting).value(),
                        .redis = std::move(redis),
                        .process = std::move(process).value()};
}

bool kept_in_folder(const std::string& store) { return store == "rocksdb" || store == "boltdb"; }

}  // namespace settle::bench
