// A run of changes that a test cuts short anywhere, and what must then be found.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "settle/store.hpp"

namespace settle {

// Every change carries its number, in the state, in the branch states and in the registrations that it writes; so what
// is read tells which changes it is made of. A key-value's value tells its version.
class Scenario {
 public:
  // Makes the changes from where it stopped on, group by group, until the end or a group that failed. False: it failed.
  bool run(Store& store);
  bool at_end() const { return next_group_ == kGroups; }

  // Checks that everything acknowledged is there, and that all else is there whole or not at all. What is found counts
  // as acknowledged from then on.
  void check(Store& store);

  static constexpr int kGroups = 10;

 private:
  struct Write {
    std::uint32_t number = 0;
    GlobalStatus status = GlobalStatus::submitted;
    std::vector<std::uint32_t> runs;  // the first rows of those it writes
    std::size_t registrations = 0;    // how many it adds
  };
  struct Expected {
    std::size_t steps = 0;  // 0: a tcc
    std::vector<Write> sure;
    std::optional<Write> unsure;  // what failed: may have been made or not
    bool purged = false;
    bool purge_unsure = false;
  };

  std::vector<Change> make_group(int group);
  Change make(const std::string& gid, const Write& write);
  bool purge(Store& store);
  bool change_key_value(Store& store, int group);
  void check_key_values(Store& store);
  static void check_whole(const StoredTransaction& found, const Expected& expected, const std::vector<Write>& writes);

  int next_group_ = 0;
  std::uint32_t next_number_ = 1;
  std::map<std::string, Expected> expected_;
  std::map<std::string, Write> in_flight_;
  std::map<std::string, std::int64_t> key_values_;  // their versions; 0: removed, or not there yet
  std::optional<std::int64_t> unsure_version_;      // what a change that failed was to make of unsure_key_
  std::string unsure_key_;
};

}  // namespace settle
