#include "server/config.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <set>
#include <string_view>
#include <utility>

#include "transports/http/url.hpp"

namespace settle::server {
namespace {

// What is wrong with a value; nothing where it was taken.
using Complaint = std::optional<std::string>;
using Take = Complaint (*)(Config& config, const std::string& text);

constexpr std::int64_t kNumberMax = INT64_MAX;

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

constexpr std::array<std::pair<std::string_view, StoreDriver>, 5> kDrivers{{{"rocksdb", StoreDriver::rocksdb},
                                                                            {"boltdb", StoreDriver::rocksdb},
                                                                            {"embedded", StoreDriver::rocksdb},
                                                                            {"", StoreDriver::rocksdb},
                                                                            {"memory", StoreDriver::memory}}};
constexpr std::array<std::pair<std::string_view, LogLevel>, 4> kLogLevels{
    {{"debug", LogLevel::debug}, {"info", LogLevel::info}, {"warn", LogLevel::warn}, {"error", LogLevel::error}}};

Complaint take_store_driver(Config& config, const std::string& text) {
  for (const auto& [name, driver] : kDrivers) {
    if (name != text) continue;
    config.store_driver = driver;
    return std::nullopt;
  }
  return "'" + text + "' is not supported by this version, only rocksdb and memory are";
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

Complaint pass_text(Config&, const std::string&) { return std::nullopt; }

Complaint pass_number(Config&, const std::string& text) {
  std::int64_t number = 0;
  return parse_number(text, 0, kNumberMax, number);
}

// ---- the keys -------------------------------------------------------------------------------------------------------

struct Key {
  std::string_view path;
  Take take;
  bool used = true;
};

// Those that are not used are DTM's, which its files may hold.
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

    Key{"Store.Host", pass_text, false},
    Key{"Store.Port", pass_number, false},
    Key{"Store.User", pass_text, false},
    Key{"Store.Password", pass_text, false},
    Key{"Store.Db", pass_text, false},
    Key{"Store.Schema", pass_text, false},
    Key{"Store.MaxOpenConns", pass_number, false},
    Key{"Store.MaxIdleConns", pass_number, false},
    Key{"Store.ConnMaxLifeTime", pass_number, false},
    Key{"Store.RedisPrefix", pass_text, false},
    Key{"HttpMicroService.Driver", pass_text, false},
    Key{"HttpMicroService.RegistryType", pass_text, false},
    Key{"HttpMicroService.RegistryAddress", pass_text, false},
    Key{"HttpMicroService.RegistryOptions", pass_text, false},
    Key{"HttpMicroService.Target", pass_text, false},
    Key{"HttpMicroService.EndPoint", pass_text, false},
    Key{"TransCronInterval", pass_number, false},
    Key{"UpdateBranchSync", pass_number, false},
    Key{"UpdateBranchAsyncGoroutineNum", pass_number, false},
    Key{"ConfigUpdateInterval", pass_number, false},
    Key{"Log.RotationEnable", pass_number, false},
    Key{"Log.RotationConfigJSON", pass_text, false},
    Key{"TimeZoneOffset", pass_text, false},
    Key{"AdminBasePath", pass_text, false},
};

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

// ---- the file -------------------------------------------------------------------------------------------------------

class FileReader {
 public:
  FileReader(std::string path, LoadedConfig& loaded) : path_(std::move(path)), loaded_(loaded) {}

  Complaint read() {
    std::ifstream file(path_);
    if (!file) return path_ + ": cannot be read: " + std::strerror(errno);  // NOLINT(concurrency-mt-unsafe)
    try {
      const YAML::Node root = YAML::Load(file);
      if (root.IsNull()) return std::nullopt;  // nothing but comments
      if (!root.IsMap()) return at(root) + "must hold keys with values";
      read_section(root, "");
    } catch (const YAML::Exception& error) {
      return path_ + ":" + std::to_string(error.mark.line + 1) + ": is not YAML: " + error.msg;
    }
    return complaint_;
  }

 private:
  std::string at(const YAML::Node& node) const { return path_ + ":" + std::to_string(node.Mark().line + 1) + ": "; }

  void complain(const YAML::Node& node, const std::string& key, const std::string& what) {
    if (!complaint_) complaint_ = at(node) + key + ": " + what;
  }

  void read_section(const YAML::Node& section, const std::string& prefix) {
    std::set<std::string> seen;
    for (const auto& member : section) {
      if (!member.first.IsScalar()) {
        complain(member.first, prefix.empty() ? "a key" : prefix, "must be a word");
        return;
      }
      const std::string path = prefix + member.first.Scalar();
      if (!seen.insert(path).second) complain(member.first, path, "is given twice");
      read_member(path, member.first, member.second);
    }
  }

  void read_member(const std::string& path, const YAML::Node& name, const YAML::Node& value) {
    const Key* const key = find_key(path);
    if (key == nullptr && !is_section(path)) {
      loaded_.warnings.push_back(at(name) + path + ": is not known");
      return;
    }
    if (value.IsNull()) return;  // a key without a value says nothing
    if (key == nullptr) {
      if (value.IsMap()) {
        read_section(value, path + ".");
      } else {
        complain(value, path, "must hold keys with values");
      }
      return;
    }
    loaded_.places[path] = at(value) + path + ": ";
    if (!value.IsScalar()) {
      complain(value, path, "must be a single value");
    } else if (const Complaint wrong = key->take(loaded_.config, value.Scalar())) {
      complain(value, path, *wrong);
    } else if (!key->used) {
      loaded_.warnings.push_back(at(name) + path + ": is not used by this version");
    }
  }

  std::string path_;
  LoadedConfig& loaded_;
  Complaint complaint_;  // the first one
};

// What the keys of MicroService come to together. The registry's own words begin with the key that is wrong.
Complaint check_registry(const LoadedConfig& loaded) {
  const Log no_log = [](LogLevel, std::string_view, std::string_view) {};
  const auto registry = Registry::open(loaded.config.registry, no_log);
  if (registry) return std::nullopt;
  const std::string& message = registry.error().message;
  const std::size_t key_end = message.find(": ");
  const auto place = loaded.places.find(message.substr(0, key_end));
  return place == loaded.places.end() ? message : place->second + message.substr(key_end + 2);
}

}  // namespace

std::string environment_name(std::string_view key) {
  const auto is_upper = [&](std::size_t i) { return i < key.size() && std::isupper(key[i]) != 0; };
  const auto is_lower = [&](std::size_t i) { return i < key.size() && std::islower(key[i]) != 0; };
  std::string name;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const bool new_word = i > 0 && is_upper(i) && (is_lower(i - 1) || (is_upper(i - 1) && is_lower(i + 1)));
    if (new_word) name += '_';
    name += key[i] == '.' ? '_' : static_cast<char>(std::toupper(key[i]));
  }
  return name;
}

Result<LoadedConfig> load_config(const std::optional<std::string>& path, const Environment& environment) {
  LoadedConfig loaded;
  for (const Key& key : kKeys) {
    const std::string name = environment_name(key.path);
    const char* const value = environment(name.c_str());
    if (value == nullptr || *value == '\0') continue;
    const std::string place = "environment variable " + name + ": ";
    loaded.places[std::string(key.path)] = place;
    if (const Complaint wrong = key.take(loaded.config, value)) {
      return Error{Code::invalid, place + *wrong};
    }
    if (!key.used) {
      loaded.warnings.push_back(place + "is not used by this version");
    }
  }
  if (path) {
    if (const Complaint wrong = FileReader(*path, loaded).read()) return Error{Code::invalid, *wrong};
  }
  if (const Complaint wrong = check_registry(loaded)) return Error{Code::invalid, *wrong};
  return loaded;
}

}  // namespace settle::server
