// Store::apply and Store::repair: groups through faults of the database, and what is to be done where the outcome of a
// COMMIT stayed unknown.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "settle/store.hpp"
#include "storage/mysql/group_plan.hpp"
#include "storage/mysql/patience.hpp"
#include "storage/mysql/pool.hpp"
#include "storage/mysql/wall_time.hpp"

namespace settle::mysql {

// Threads: as Store says. A lane is known by its thread.
class Writes {
 public:
  Writes(Pool& pool, const WallTime& times, const MysqlOptions& options, const Log& log);

  void apply(std::span<const Change> group, std::span<ChangeOutcome> outcomes);
  Result<Done> repair();

  // A change of this key-value failed: this lane is broken, too, until repair() has read it.
  void note_failed(const std::string& category, const std::string& key);
  bool is_broken();

 private:
  // What may yet come back.
  struct Unknown {
    std::vector<std::string> gids;
    std::vector<std::pair<std::string, std::string>> key_values;
  };

  enum class Approach : std::uint8_t {
    hopeful,  // everything fits
    careful,  // look first
    single,   // look first, each change in a database transaction of its own
  };

  // False: the database does not do it; outcomes that are `failed` stay so.
  bool write(std::span<PlannedChange> plan, Patience& patience);
  bool write_singly(std::span<PlannedChange> plan, Patience& patience);
  // An attempt in one database transaction, up to and with its end.
  SqlResult<Done> attempt(Pool::Lease& lease, std::span<PlannedChange> plan, Approach approach);
  SqlResult<Done> commit(Pool::Lease& lease, std::span<const PlannedChange> plan);
  // What is left where a single change neither fits nor is refused.
  void give_up(PlannedChange& planned, const SqlError& error);
  void note_broken(Unknown unknown);

  Pool& pool_;
  const WallTime& times_;
  const std::int64_t patience_ms_;
  Log log_;
  TroubleLog trouble_;
  std::mutex mutex_;
  std::map<std::thread::id, std::uint64_t> broken_;  // lanes, and their newest failure
  std::uint64_t failures_ = 0;
  std::map<std::uint64_t, Unknown> unknown_;  // by failure
};

}  // namespace settle::mysql
