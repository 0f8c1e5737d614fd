// Branches that are called over JSON-RPC 2.0 (protocol.md §8): those of a transaction with that protocol whose url
// names a method in its query, `http://host/rpc?method=reserve`. Without one it is an ordinary call.
#pragma once

#include <string>
#include <string_view>

#include "settle/branch_caller.hpp"
#include "settle/result.hpp"

namespace settle::http {

bool is_json_rpc(const BranchCall& call);

// The request's body: the payload's members become params, as they are written there, and gid, trans_type, branch_id
// and op come behind them, in place of members of the same name. A payload that is neither empty nor a JSON object is
// Code::invalid, and a method that is not UTF-8.
Result<std::string> json_rpc_body(const BranchCall& call);

// What an answer means that is a success as far as HTTP goes: without an error (or with null) a success; -32901 and
// -32902 as their codes say; any other error decides nothing, and neither does what is no JSON object. The members
// `jsonrpc`, `id` and `result` are not asked for, as DTM does not.
CallResult classify_json_rpc(std::string_view body);

}  // namespace settle::http
