// What an operator wants to know of a running engine, as a port: told as it happens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "settle/types.hpp"

namespace settle {

// Threads: called from the shards and the committer, at the same time. Must not block or throw.
class Telemetry {
 public:
  virtual ~Telemetry() = default;
  // A pass over a transaction has ended: with everything done (`ok`), or with a refusal, or to be tried again.
  virtual void pass_ended(TransType type, bool ok, std::int64_t age_ms) = 0;
  // A call of a branch was answered, or was given up.
  virtual void call_ended(TransType type, std::string_view branch_id, std::string_view operation, CallResult result,
                          std::int64_t duration_ms) = 0;
  // A group of changes was made durable, or was refused by the store.
  virtual void group_applied(std::size_t changes, bool ok, std::int64_t duration_us) = 0;
};

// Calls of a transaction failed again and again.
struct Alert {
  std::string gid;
  GlobalStatus status = GlobalStatus::prepared;
  std::string url;                // of the branch, or query_prepared
  std::string error;              // of the newest call
  std::uint32_t retry_count = 0;  // errors in a row
};

}  // namespace settle
