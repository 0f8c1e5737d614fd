// Metrics by labels that come from outside: found without building the library's label map, and bounded in number.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace settle::server {

// What is in it stays, at its place. Threads: any.
template <class Value>
class LabelTable {
 public:
  explicit LabelTable(std::size_t size_max) : size_max_(size_max) {}

  // What belongs to these labels; make() makes it where they are new. Null where there is no room for more.
  template <class Make>
  const Value* find(std::initializer_list<std::string_view> labels, const Make& make) {
    thread_local std::string key;
    key.clear();
    for (const std::string_view label : labels) key.append(label).append(1, kSeparator);
    {
      const std::shared_lock lock(mutex_);
      const auto found = values_.find(key);
      if (found != values_.end()) return &found->second;
      if (values_.size() >= size_max_) return nullptr;
    }
    const std::unique_lock lock(mutex_);
    const auto found = values_.find(key);
    if (found != values_.end()) return &found->second;
    return values_.size() >= size_max_ ? nullptr : &values_.emplace(key, make()).first->second;
  }

 private:
  static constexpr char kSeparator = '\xff';  // in no UTF-8 text

  const std::size_t size_max_;
  std::shared_mutex mutex_;
  std::unordered_map<std::string, Value> values_;
};

}  // namespace settle::server
