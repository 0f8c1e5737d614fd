// One claim while it is under way, over as many attempts as it takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "settle/result.hpp"
#include "settle/store.hpp"
#include "storage/mysql/connection.hpp"
#include "storage/mysql/wall_time.hpp"

namespace settle::mysql {

// So long a DTM server that touched a transaction is taken to be at work on it.
inline constexpr std::int64_t kDtmAtWorkMs = 10'000;

// Threads: one at a time. Its methods do one attempt each, and go on with what earlier attempts may have taken.
class ClaimAttempt {
 public:
  // `request` must outlive it.
  ClaimAttempt(const WallTime& times, const ClaimRequest& request);

  // Takes what is due, at most `limit` with what earlier attempts have taken; how many that are. Nothing is taken until
  // COMMIT was answered; where it was not, read() tells.
  SqlResult<std::size_t> take_due(Connection& connection, std::size_t limit);

  // Takes this one where it is free.
  SqlResult<Result<ClaimResult>> take_one(Connection& connection, const std::string& gid);

  struct Read {
    std::int64_t id = 0;
    Result<StoredTransaction> transaction;  // as it was stored before it was taken
  };
  // Of all that was, or may have been, taken: those that are ours, due longest first.
  SqlResult<std::vector<Read>> read(Connection& connection) const;

  // Gives back one that is ours but damaged, as it was, but for the time from which on it may be taken again.
  SqlResult<Done> put_off(Connection& connection, std::int64_t id) const;

 private:
  // What a transaction had before it was taken.
  struct Before {
    Cell owner;
    Cell next_cron_time;
  };

  SqlResult<std::size_t> count_ours(Connection& connection) const;
  SqlResult<Done> take(Connection& connection, std::span<const std::int64_t> ids) const;
  SqlResult<std::vector<Read>> read_part(Connection& connection, const std::vector<std::int64_t>& ids) const;
  bool is_free(const Cell& owner, const Cell& next_cron_time, const Cell& update_time) const;

  const WallTime& times_;
  const ClaimRequest& request_;
  std::string now_;
  std::string lease_until_;
  std::map<std::int64_t, Before> before_;  // by id
};

}  // namespace settle::mysql
