// Where statuses of gRPC meet the engine's words, in both directions.
#pragma once

#include <grpcpp/support/status.h>

#include <string>
#include <string_view>

#include "settle/branch_caller.hpp"
#include "settle/result.hpp"

namespace settle::rpc {

// "ABORTED"; a number that is none of gRPC's as it is.
std::string status_name(int status);

// What a participant's answer comes to. `where`: the address that was called.
BranchReply reply_of(const grpc::Status& status, const std::string& where);

// What a client of ours is told of a refusal.
grpc::Status status_of(const Error& error);

}  // namespace settle::rpc
