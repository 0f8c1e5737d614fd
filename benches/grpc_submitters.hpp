// Clients that run transactions over gRPC, each one at a time.
#pragma once

#include <grpcpp/completion_queue.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "benches/grpc_request.hpp"
#include "benches/socket.hpp"
#include "benches/transaction_source.hpp"
#include "settle/result.hpp"

namespace settle::bench {

// Threads: the one that takes tags from the queue. The queue, the request and the source must outlive it.
class GrpcSubmitters {
 public:
  // Connects `channels` to each server, and has each client send its first request. The clients share the channels
  // evenly, the servers by turns; each channel is a connection of its own. The queue holds GrpcTags.
  static Result<std::unique_ptr<GrpcSubmitters>> start(grpc::CompletionQueue& queue, GrpcRequest& request,
                                                       TransactionSource& source, const std::vector<Address>& servers,
                                                       std::size_t clients, std::size_t channels);
  ~GrpcSubmitters();
  // Cancels all calls. Their tags are still to come from the queue, and must not be completed.
  void cancel();
  // How many wait for an answer.
  std::size_t busy() const { return busy_; }
  // Has idle clients look again, as long as one finds something to do.
  void wake();

 private:
  class Client;
  GrpcSubmitters(grpc::CompletionQueue& queue, GrpcRequest& request, TransactionSource& source);

  grpc::CompletionQueue& queue_;
  GrpcRequest& request_;
  TransactionSource& source_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<Client*> idle_;
  std::size_t busy_ = 0;
};

}  // namespace settle::bench
