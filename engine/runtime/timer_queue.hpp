// The times at which transactions are to be woken.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace settle::runtime {

// Ordered by time, those of the same time by when they were added, so that a run can be repeated exactly.
class TimerQueue {
 public:
  using Key = std::pair<std::int64_t, std::uint64_t>;  // steady milliseconds, order of adding

  // The text must stay where it is until remove().
  Key add(std::int64_t at_ms, const std::string& gid) {
    const Key key{at_ms, ++added_};
    times_.emplace(key, &gid);
    return key;
  }
  void remove(const Key& key) { times_.erase(key); }

  bool empty() const { return times_.empty(); }
  std::int64_t first_ms() const { return times_.begin()->first.first; }
  const std::string& first_gid() const { return *times_.begin()->second; }
  std::size_t size() const { return times_.size(); }

  // How many come at this time or before; counts no further than count_max.
  std::size_t count_until(std::int64_t at_ms, std::size_t count_max) const {
    std::size_t count = 0;
    for (auto at = times_.begin(); at != times_.end() && at->first.first <= at_ms && count < count_max; ++at) ++count;
    return count;
  }

 private:
  std::map<Key, const std::string*> times_;
  std::uint64_t added_ = 0;
};

}  // namespace settle::runtime
