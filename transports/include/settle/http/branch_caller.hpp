// Calls branches over HTTP and HTTPS (protocol.md §2, §8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "settle/branch_caller.hpp"
#include "settle/engine.hpp"

namespace settle::http {

struct CallerOptions {
  std::size_t connections_per_host_max =
      1'024;                               // of one shard; further calls wait for a free one, within their deadline
  std::int64_t idle_timeout_ms = 30'000;   // an idle connection is closed after this
  std::size_t answer_bytes_max = 1 << 20;  // a longer answer is `unknown`
  bool verify_certificates = true;
  std::string ca_file;  // PEM; empty: the system's
};

// The port for `http` and `https`. Every shard must be an AsioExecutor (settle/asio_executor.hpp); each gets
// connections of its own. Keep-alive is used; a kept connection that the participant closed before a byte of the answer
// came is tried once more on a fresh one within the same deadline, for the participant must tolerate repeats anyway.
// Redirects are followed within that deadline, as Go's HTTP client does it; what the last one leads to is the answer.
CallerPort caller_port(CallerOptions options = {});

// What an answer means, in protocol.md §2's order. `status` 0: there was none.
CallResult classify(unsigned status, std::string_view body);

// The url with gid, trans_type, branch_id and op added to its query, percent-encoded; what is there already stays in
// front.
std::string branch_target(const BranchCall& call);

}  // namespace settle::http
