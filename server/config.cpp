#include "server/config.hpp"

#include <yaml-cpp/yaml.h>

#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <string_view>
#include <utility>

#include "engine/json/json_text.hpp"
#include "server/config_keys.hpp"

namespace settle::server {
namespace {

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
    } else if (key->use == KeyUse::never) {
      loaded_.warnings.push_back(at(name) + path + ": is not used by this version");
    }
  }

  std::string path_;
  LoadedConfig& loaded_;
  Complaint complaint_;  // the first one
};

// What is told of a configuration is one line that can be read, whatever values it quotes.
std::string one_line(std::string_view text) {
  std::string line = dtm::told_message(dtm::valid_utf8(text));
  for (char& character : line) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20 || byte == 0x7f) character = '?';
  }
  return line;
}

Error refused(std::string_view complaint) { return {Code::invalid, one_line(complaint)}; }

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

// What the store makes of keys, which may stand before and behind its name.
void apply_store(LoadedConfig& loaded) {
  if (loaded.config.store_driver == StoreDriver::mysql) {
    // A database that DTM filled holds years: nobody but its owner decides that they go.
    if (!loaded.places.contains("Store.FinishedDataExpire")) loaded.config.finished_data_expire_s = 0;
    return;
  }
  for (const Key& key : keys()) {
    const auto place = loaded.places.find(key.path);
    if (key.use != KeyUse::mysql || place == loaded.places.end()) continue;
    loaded.warnings.push_back(place->second + "is used with the store mysql alone");
  }
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
  for (const Key& key : keys()) {
    const std::string name = environment_name(key.path);
    const char* const value = environment(name.c_str());
    if (value == nullptr || *value == '\0') continue;
    const std::string place = "environment variable " + name + ": ";
    loaded.places[std::string(key.path)] = place;
    if (const Complaint wrong = key.take(loaded.config, value)) {
      return refused(place + *wrong);
    }
    if (key.use == KeyUse::never) {
      loaded.warnings.push_back(place + "is not used by this version");
    }
  }
  if (path) {
    if (const Complaint wrong = FileReader(*path, loaded).read()) return refused(*wrong);
  }
  apply_store(loaded);
  if (const Complaint wrong = check_registry(loaded)) return refused(*wrong);
  for (std::string& warning : loaded.warnings) warning = one_line(warning);
  return loaded;
}

}  // namespace settle::server
