// One call of a branch, from the shard to the participant and back.
#pragma once

#include <grpc/support/time.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/intrusive/list.hpp>

#include "settle/branch_caller.hpp"
#include "settle/executor.hpp"

namespace settle::rpc {

class Target;
struct Endpoint;

// In the list of those that are out while gRPC has it; that list is only for cancelling.
struct OutboundCall : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  OutboundCall(BranchCall branch_call, BranchCompletion on_answer)
      : branch(std::move(branch_call)), completion(std::move(on_answer)) {}

  BranchCall branch;
  BranchCompletion completion;
  std::string method;
  Target* target = nullptr;
  gpr_timespec deadline{};
  grpc::ByteBuffer request;

  std::optional<grpc::ClientContext> context;  // of this attempt: gRPC wants a fresh one for each
  grpc::ByteBuffer answer;
  grpc::Status status;
  std::shared_ptr<Endpoint> endpoint;            // of this attempt
  std::vector<std::shared_ptr<Endpoint>> tried;  // could not be connected to

  std::unique_ptr<Timer> waits;  // for the addresses to be known, until the deadline, or for one to be connected
  bool waited = false;           // for one to be connected, which is done once
};

using OutboundCalls = boost::intrusive::list<OutboundCall, boost::intrusive::constant_time_size<false>>;

}  // namespace settle::rpc
