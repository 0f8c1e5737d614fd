// A call on its way to a participant.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "settle/branch_caller.hpp"
#include "transports/http/branch_request.hpp"

namespace settle::http {

class CallerConnection;
struct Host;
struct OutboundCall;

// Calls by when they must have ended, on the steady clock.
using Deadlines = std::multimap<std::int64_t, std::shared_ptr<OutboundCall>>;

// How an answer is read: by the words of the protocol, by these and then as JSON-RPC, or by its status alone.
enum class AnswerForm : std::uint8_t { branch, json_rpc, plain };

// One request and its answer. Where that is a redirect, another one takes over the completion and the deadline: a part
// of this one may still be on its way.
struct OutboundCall {
  OutboundRequest request;
  AnswerForm form = AnswerForm::branch;
  std::string head;            // of the request, and its body where that is short
  std::size_t head_bytes = 0;  // without the body
  std::string payload;         // the body, where it is too long to stand behind the head
  std::int64_t timeout_ms = 0;
  Host* host = nullptr;                          // stays while one of its calls has not ended
  BranchCompletion completion;                   // empty once the call has ended
  Deadlines::iterator deadline;                  // valid until it has ended
  std::shared_ptr<CallerConnection> connection;  // the one that it is using; null while it waits for a free one
  bool retried = false;
};

}  // namespace settle::http
