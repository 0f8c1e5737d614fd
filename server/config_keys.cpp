#include "server/config_keys.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "transports/http/url.hpp"

namespace settle::server {
namespace {

constexpr std::int64_t kNumberMax = INT64_MAX;
constexpr std::int64_t kConnectionsMax = 100'000;
constexpr std::int64_t kMsPerMinute = 60'000;
constexpr std::int64_t kSecondsPerHour = 3'600;
constexpr std::int64_t kSecondsPerMinute = 60;
constexpr std::int64_t kZoneHoursMax = 14;

// ---- how values are read --------------------------------------------------------------------------------------------

Complaint parse_number(const std::string& text, std::int64_t least, std::int64_t most, std::int64_t& number) {
  const char* const end = text.data() + text.size();
  const auto [stopped, failed] = std::from_chars(text.data(), end, number);
  if (failed != std::errc() || stopped != end) return "must be a whole number, is '" + text + "'";
  if (number >= least && number <= most) return std::nullopt;
  return "must be from " + std::to_string(least) + " to " + std::to_string(most) + ", is " + text;
}

template <std::int64_t Config::*member, std::int64_t least, std::int64_t most>
Complaint take_number(Config& config, const std::string& text) {
  return parse_number(text, least, most, config.*member);
}

template <std::string Config::*member>
Complaint take_text(Config& config, const std::string& text) {
  if (text.empty()) return "must not be empty";
  config.*member = text;
  return std::nullopt;
}

constexpr std::array<std::pair<std::string_view, StoreDriver>, 8> kDrivers{{{"rocksdb", StoreDriver::rocksdb},
                                                                            {"boltdb", StoreDriver::rocksdb},
                                                                            {"embedded", StoreDriver::rocksdb},
                                                                            {"", StoreDriver::rocksdb},
                                                                            {"memory", StoreDriver::memory},
                                                                            {"mysql", StoreDriver::mysql},
                                                                            {"mariadb", StoreDriver::mysql},
                                                                            {"tidb", StoreDriver::mysql}}};
constexpr std::array<std::pair<std::string_view, LogLevel>, 4> kLogLevels{
    {{"debug", LogLevel::debug}, {"info", LogLevel::info}, {"warn", LogLevel::warn}, {"error", LogLevel::error}}};

Complaint take_store_driver(Config& config, const std::string& text) {
  for (const auto& [name, driver] : kDrivers) {
    if (name != text) continue;
    config.store_driver = driver;
    return std::nullopt;
  }
  return "'" + text + "' is not supported by this version, only rocksdb, memory and mysql are";
}

Complaint take_log_level(Config& config, const std::string& text) {
  for (const auto& [name, level] : kLogLevels) {
    if (name != text) continue;
    config.log_level = level;
    return std::nullopt;
  }
  return "must be debug, info, warn or error, is '" + text + "'";
}

Complaint take_log_outputs(Config& config, const std::string& text) {
  std::vector<std::string> outputs;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    std::string output = text.substr(at, end - at);
    output.erase(0, output.find_first_not_of(' '));
    output.erase(output.find_last_not_of(' ') + 1);
    if (output.empty()) return "must be stderr, stdout or files, with commas between, is '" + text + "'";
    outputs.push_back(std::move(output));
    at = end + 1;
  }
  config.log_outputs = std::move(outputs);
  return std::nullopt;
}

Complaint take_json_rpc_port(Config& config, const std::string& text) {
  std::int64_t port = 0;
  if (Complaint wrong = parse_number(text, 0, 65'535, port)) return wrong;
  config.json_rpc_port = port;
  return std::nullopt;
}

Complaint take_alert_web_hook(Config& config, const std::string& text) {
  if (!text.empty()) {
    if (const auto url = http::parse_url(text); !url) return url.error().message;
  }
  config.alert_web_hook = text;
  return std::nullopt;
}

template <std::string RegistryOptions::*member>
Complaint take_registry(Config& config, const std::string& text) {
  config.registry.*member = text;
  return std::nullopt;
}

// ---- the database ---------------------------------------------------------------------------------------------------

template <std::string MysqlOptions::*member>
Complaint take_mysql_text(Config& config, const std::string& text) {
  if (text.empty()) return "must not be empty";
  config.mysql.*member = text;
  return std::nullopt;
}

Complaint take_mysql_password(Config& config, const std::string& text) {
  config.mysql.password = text;
  return std::nullopt;
}

Complaint take_mysql_port(Config& config, const std::string& text) {
  std::int64_t port = 0;
  if (Complaint wrong = parse_number(text, 1, 65'535, port)) return wrong;
  config.mysql.port = static_cast<std::uint16_t>(port);
  return std::nullopt;
}

// For DTM, 0 is no bound.
Complaint take_connections_max(Config& config, const std::string& text) {
  std::int64_t count = 0;
  if (Complaint wrong = parse_number(text, 0, kConnectionsMax, count)) return wrong;
  config.mysql.connections_max = static_cast<std::size_t>(count == 0 ? kConnectionsMax : count);
  return std::nullopt;
}

Complaint take_connections_idle_max(Config& config, const std::string& text) {
  std::int64_t count = 0;
  if (Complaint wrong = parse_number(text, 0, kConnectionsMax, count)) return wrong;
  config.mysql.connections_idle_max = static_cast<std::size_t>(count);
  return std::nullopt;
}

Complaint take_connection_lifetime(Config& config, const std::string& text) {
  std::int64_t minutes = 0;
  if (Complaint wrong = parse_number(text, 0, kSecondsMax / kSecondsPerMinute, minutes)) return wrong;
  config.mysql.connection_lifetime_ms = minutes * kMsPerMinute;
  return std::nullopt;
}

// Anything but 0 is `true`, as it is for DTM.
Complaint take_update_branch_sync(Config& config, const std::string& text) {
  std::int64_t number = 0;
  if (Complaint wrong = parse_number(text, 0, kNumberMax, number)) return wrong;
  config.update_branch_sync = number != 0;
  return std::nullopt;
}

// DTM's form is a number of hours.
Complaint take_time_zone_offset(Config& config, const std::string& text) {
  if (text.empty()) return std::nullopt;
  const std::size_t begin = text[0] == '+' || text[0] == '-' ? 1 : 0;
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string minutes_text = colon < text.size() ? text.substr(colon + 1) : "00";
  std::int64_t hours = 0;
  std::int64_t minutes = 0;
  const bool readable = colon > begin && minutes_text.size() == 2 &&
                        !parse_number(text.substr(begin, colon - begin), 0, kZoneHoursMax, hours) &&
                        !parse_number(minutes_text, 0, 59, minutes);
  const std::int64_t offset_s = hours * kSecondsPerHour + minutes * kSecondsPerMinute;
  if (!readable || offset_s > kZoneHoursMax * kSecondsPerHour) {
    return "must be hours east of UTC, as +8, -3 or +05:30, up to 14, is '" + text + "'";
  }
  config.mysql.time_zone_offset_s = text[0] == '-' ? -offset_s : offset_s;
  return std::nullopt;
}

// ---- what is DTM's alone --------------------------------------------------------------------------------------------

Complaint pass_text(Config&, const std::string&) { return std::nullopt; }

Complaint pass_number(Config&, const std::string& text) {
  std::int64_t number = 0;
  return parse_number(text, 0, kNumberMax, number);
}

constexpr std::array kKeys{
    Key{"Store.Driver", take_store_driver},
    Key{"Store.Path", take_text<&Config::store_path>},
    Key{"Store.DataExpire", take_number<&Config::data_expire_s, 1, kSecondsMax>},
    Key{"Store.FinishedDataExpire", take_number<&Config::finished_data_expire_s, 0, kSecondsMax>},
    Key{"TimeoutToFail", take_number<&Config::timeout_to_fail_s, 1, kSecondsMax>},
    Key{"RetryInterval", take_number<&Config::retry_interval_s, 1, kSecondsMax>},
    Key{"RetryIntervalMax", take_number<&Config::retry_interval_max_s, 1, kSecondsMax>},
    Key{"RequestTimeout", take_number<&Config::request_timeout_s, 1, kSecondsMax>},
    Key{"HttpAddress", take_text<&Config::http_address>},
    Key{"HttpPort", take_number<&Config::http_port, 0, 65'535>},
    Key{"GrpcAddress", take_text<&Config::grpc_address>},
    Key{"GrpcPort", take_number<&Config::grpc_port, 0, 65'535>},
    Key{"JsonRpcPort", take_json_rpc_port},
    Key{"AlertRetryLimit", take_number<&Config::alert_retry_limit, 0, UINT32_MAX>},
    Key{"AlertWebHook", take_alert_web_hook},
    Key{"MicroService.Driver", take_registry<&RegistryOptions::driver>},
    Key{"MicroService.Target", take_registry<&RegistryOptions::target>},
    Key{"MicroService.EndPoint", take_registry<&RegistryOptions::endpoint>},
    Key{"Shards", take_number<&Config::shards, 0, 256>},
    Key{"LogLevel", take_log_level},
    Key{"Log.Outputs", take_log_outputs},

    Key{"Store.Host", take_mysql_text<&MysqlOptions::host>, KeyUse::mysql},
    Key{"Store.Port", take_mysql_port, KeyUse::mysql},
    Key{"Store.User", take_mysql_text<&MysqlOptions::user>, KeyUse::mysql},
    Key{"Store.Password", take_mysql_password, KeyUse::mysql},
    Key{"Store.Db", take_mysql_text<&MysqlOptions::database>, KeyUse::mysql},
    Key{"Store.MaxOpenConns", take_connections_max, KeyUse::mysql},
    Key{"Store.MaxIdleConns", take_connections_idle_max, KeyUse::mysql},
    Key{"Store.ConnMaxLifeTime", take_connection_lifetime, KeyUse::mysql},
    Key{"TransCronInterval", take_number<&Config::trans_cron_interval_s, 1, kSecondsMax>, KeyUse::mysql},
    Key{"ConfigUpdateInterval", take_number<&Config::config_update_interval_s, 1, kSecondsMax>, KeyUse::mysql},
    Key{"UpdateBranchSync", take_update_branch_sync, KeyUse::mysql},
    Key{"TimeZoneOffset", take_time_zone_offset, KeyUse::mysql},

    Key{"Store.Schema", pass_text, KeyUse::never},
    Key{"Store.RedisPrefix", pass_text, KeyUse::never},
    Key{"HttpMicroService.Driver", pass_text, KeyUse::never},
    Key{"HttpMicroService.RegistryType", pass_text, KeyUse::never},
    Key{"HttpMicroService.RegistryAddress", pass_text, KeyUse::never},
    Key{"HttpMicroService.RegistryOptions", pass_text, KeyUse::never},
    Key{"HttpMicroService.Target", pass_text, KeyUse::never},
    Key{"HttpMicroService.EndPoint", pass_text, KeyUse::never},
    Key{"UpdateBranchAsyncGoroutineNum", pass_number, KeyUse::never},
    Key{"Log.RotationEnable", pass_number, KeyUse::never},
    Key{"Log.RotationConfigJSON", pass_text, KeyUse::never},
    Key{"AdminBasePath", pass_text, KeyUse::never},
};

}  // namespace

std::span<const Key> keys() { return kKeys; }

const Key* find_key(std::string_view path) {
  const auto* const found =
      std::find_if(kKeys.begin(), kKeys.end(), [path](const Key& key) { return key.path == path; });
  return found == kKeys.end() ? nullptr : found;
}

bool is_section(std::string_view path) {
  return std::any_of(kKeys.begin(), kKeys.end(), [path](const Key& key) {
    return key.path.size() > path.size() && key.path.starts_with(path) && key.path[path.size()] == '.';
  });
}

}  // namespace settle::server
