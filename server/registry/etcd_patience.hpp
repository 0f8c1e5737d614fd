// How long etcd may take for what, how long what it said is believed, and how much is asked of it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace settle::server {

// Tests hurry; everybody else takes what is here.
struct EtcdPatience {
  std::int64_t call_timeout_ms = 3'000;   // of one call, connecting included; then the next host is tried
  std::int64_t silence_ms = 10'000;       // a connection without a byte for so long is probed
  std::int64_t probe_timeout_ms = 3'000;  // and given up without an answer in this
  std::int64_t pause_ms_min = 200;        // after all hosts have failed once
  std::int64_t pause_ms_max = 2'000;      // however often they fail
  std::int64_t lease_seconds = 10;        // go-zero's
  std::int64_t retention_ms = 10'000;     // how long an address outlives the loss of etcd's data
  std::size_t watches_max = 10'000;       // targets followed at once; a further one is told as a problem
};

}  // namespace settle::server
