// The key-values of the store in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "settle/store.hpp"

namespace settle {

// As Store says of each. Threads: whoever holds the store's lock.
class KeyValues {
 public:
  ChangeResult apply(const KeyValueChange& change);
  std::optional<KeyValue> load(const std::string& category, const std::string& key) const;
  Result<KeyValuePage> scan(const std::string& category, const std::string& position, std::size_t limit) const;

 private:
  std::map<std::int64_t, KeyValue> by_id_;
  std::map<std::pair<std::string, std::string>, std::int64_t> ids_;  // by category and key
  std::int64_t next_id_ = 1;
};

}  // namespace settle
