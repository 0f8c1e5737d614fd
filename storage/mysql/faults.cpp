#include "storage/mysql/faults.hpp"

#include <algorithm>
#include <array>

namespace settle::mysql {
namespace {

template <std::size_t size>
bool holds(const std::array<int, size>& sorted, int code) {
  return std::binary_search(sorted.begin(), sorted.end(), code);
}

constexpr std::array kLost{
    1053,                          // the server shuts down
    1152, 1158, 1159, 1160, 1161,  // trouble with the connection, as the server sees it
    1180, 1181,                    // an error during COMMIT or ROLLBACK
    1184,                          // a connection that was aborted
    1243,                          // it does not know the prepared statement: this is another session
    1317,                          // the statement was interrupted
    1927,                          // the connection was killed
    1969, 3024,                    // the server's own limit of time
    4031,                          // it was idle for too long
};

constexpr std::array kRetry{
    1020,                          // changed since it was read
    1205,                          // a lock that was waited for too long
    1213,                          // a deadlock; Galera: a conflict with another node
    1412,                          // the table was changed meanwhile
    1614,                          // a deadlock in XA
    1615,                          // the statement needs to be prepared again
    3572,                          // a lock that was not waited for
    8002, 8022, 8027, 8028, 9007,  // TiDB: a conflict of writes, or a changed schema
};

constexpr std::array kRefused{
    3,                             // the disk is full
    1021,                          // likewise
    1026, 1030,                    // it cannot write a file; an error of the storage engine, most often the disk
    1037, 1038,                    // out of memory
    1040,                          // too many connections
    1041,                          // out of memory
    1047,                          // Galera: this node is not ready
    1114,                          // the table is full; most often the disk
    1203, 1226,                    // the user has too many connections, or asked too often
    1290,                          // read-only
    1461,                          // too many prepared statements
    1637,                          // too many transactions
    1792, 1836,                    // read-only
    8175,                          // TiDB: out of memory
    9001, 9002, 9003, 9004, 9005,  // TiDB: its storage does not answer
};

constexpr std::array kBadValue{
    1048,        // NULL
    1153,        // larger than max_allowed_packet
    1264,        // out of range
    1292, 1300,  // a wrong time; text that is not in the character set
    1366,        // likewise
    1406,        // too long
    2020,        // larger than max_allowed_packet
    3988,        // text that the column's character set does not have
};

static_assert(std::is_sorted(kLost.begin(), kLost.end()) && std::is_sorted(kRetry.begin(), kRetry.end()));
static_assert(std::is_sorted(kRefused.begin(), kRefused.end()) && std::is_sorted(kBadValue.begin(), kBadValue.end()));

}  // namespace

Fault fault_of(int code) {
  if (code == 1062 || code == 1586) return Fault::duplicate;
  if (holds(kRetry, code)) return Fault::retry;
  if (holds(kRefused, code)) return Fault::refused;
  const bool clients_own = code >= 2000 && code < 3000 && !is_bad_value(code);
  return holds(kLost, code) || clients_own ? Fault::lost : Fault::other;
}

bool is_bad_value(int code) { return holds(kBadValue, code); }

bool rolled_back_at_commit(int code) { return code == 1213 || code == 8002 || code == 8022 || code == 9007; }

}  // namespace settle::mysql
