// What each method of dtmgimp.Dtm does.
#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <string_view>

#include "settle/engine.hpp"
#include "settle/function.hpp"
#include "settle/result.hpp"

namespace settle::rpc {

// The answer to one request: a message, or why there is none. Invoked once, from any thread.
using Answer = UniqueFunction<void(Result<grpc::ByteBuffer>)>;

struct Method {
  std::string_view name;  // as metrics tell it
  void (*run)(Engine& engine, const grpc::ByteBuffer& message, Answer answer);
};

extern const Method kNewGid;
extern const Method kSubmit;
extern const Method kPrepare;
extern const Method kAbort;
extern const Method kRegisterBranch;
extern const Method kPrepareWorkflow;
extern const Method kSubscribe;
extern const Method kUnsubscribe;
extern const Method kDeleteTopic;

}  // namespace settle::rpc
