// Calling a participant, as a port: one implementation a protocol (HTTP with JSON-RPC, gRPC, in-process).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "settle/function.hpp"
#include "settle/types.hpp"

namespace settle {

// One call to make, of a branch or of query_prepared. Everything in it is the callee's own: it may keep or move from
// it.
struct BranchCall {
  std::string gid;
  TransType trans_type = TransType::saga;
  std::string branch_id;
  std::string operation = "action";                                   // of a workflow's query_prepared its name
  Protocol protocol = Protocol::http;                                 // of the transaction; the url may say otherwise
  std::string url;                                                    // never empty
  std::string payload;                                                // sent as it is; empty means "no body" (HTTP GET)
  std::shared_ptr<const std::map<std::string, std::string>> headers;  // branch_headers; null where there are none
  std::int64_t timeout_ms = 3000;  // of this call, counted from call(); real time, whatever a test clock says
};

struct BranchReply {
  CallResult result = CallResult::unknown;
  // What the participant said, or why there is no answer: shown in rollback_reason and as the last error.
  std::string text;
};

using BranchCompletion = UniqueFunction<void(BranchReply)>;

// Threads: call() comes from the shard's executor that the caller was made for. The completion may be invoked from any
// thread, inside call() too; exactly once, not later than timeout_ms after call() plus scheduling, also on a failure to
// connect and when the caller is destroyed (then with `unknown`). call() must not block and must not throw.
class BranchCaller {
 public:
  virtual ~BranchCaller() = default;
  virtual void call(BranchCall call, BranchCompletion completion) = 0;
};

}  // namespace settle
