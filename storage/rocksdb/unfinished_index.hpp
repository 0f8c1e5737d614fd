// What the store keeps in memory of every unfinished transaction (about 250 bytes each), so that a change is checked
// without reading and a listing finds the unfinished ones without walking over what the finished left behind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "settle/store.hpp"

namespace settle {

struct KnownTransaction {
  std::int64_t id = 0;
  std::int64_t create_time_ms = 0;
  std::uint32_t branch_count = 0;  // of the definition
  std::uint32_t registration_count = 0;
  TransType type = TransType::saga;
  GlobalStatus status = GlobalStatus::prepared;
  bool first_run_stored = false;  // otherwise every row of it is a default BranchState
};

// Threads: clear(), put() and erase() come from one thread at a time, which calls find() without waiting for anyone.
// The writers hold a Writing, so that readers see a whole group or nothing of it.
class UnfinishedIndex {
 public:
  using Writing = std::unique_lock<std::shared_mutex>;
  Writing begin_writing() { return Writing(mutex_); }

  void clear(const Writing& writing);
  // Adds the transaction, or replaces what is known of that gid.
  void put(const Writing& writing, std::string_view gid, const KnownTransaction& transaction);
  void erase(const Writing& writing, std::string_view gid);

  // Only for the thread that writes. Null where the gid is not unfinished; valid until the next write.
  const KnownTransaction* find(std::string_view gid) const;

  // The ids of at most `limit` that match and are smaller than `below`, largest first. Any thread.
  std::vector<std::int64_t> newest(const ScanFilter& filter, std::int64_t below, std::size_t limit) const;

 private:
  struct Entry {
    std::string gid;
    KnownTransaction known;
  };
  using Entries = std::map<std::int64_t, Entry>;

  mutable std::shared_mutex mutex_;
  Entries by_id_;
  std::unordered_map<std::string_view, Entries::iterator> by_gid_;  // keys point into by_id_, whose nodes stay put
};

}  // namespace settle
