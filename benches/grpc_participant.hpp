// A service that takes part in transactions over gRPC: it answers every branch call at once.
#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "benches/transaction_source.hpp"
#include "settle/result.hpp"

namespace settle::bench {

// It answers OK, or UNAVAILABLE where the observer says that the call does not succeed. Any method is a branch; its
// message is not even read. Threads: the one that takes tags from the queue. The observer must outlive it.
class GrpcParticipant {
 public:
  // On a free port of the loopback address.
  static Result<std::unique_ptr<GrpcParticipant>> listen(CallObserver& observer);
  ~GrpcParticipant();
  std::uint16_t port() const { return port_; }
  // Calls that were no branch calls: something is wrong with the server or with this bench.
  std::uint64_t unreadable() const { return unreadable_; }
  // Holds GrpcTags; clients may use it, too. Valid until close().
  grpc::CompletionQueue& queue() { return *queue_; }
  // Ends the calls that are under way and takes what is left from the queue, without completing it. Clients that use
  // the queue have ended their calls or cancelled them. The destructor closes as well.
  void close();

 private:
  class Visit;
  explicit GrpcParticipant(CallObserver& observer);

  CallObserver& observer_;
  grpc::AsyncGenericService service_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::unique_ptr<grpc::Server> server_;
  std::vector<std::unique_ptr<Visit>> visits_;
  std::uint16_t port_ = 0;
  std::uint64_t unreadable_ = 0;
  bool closed_ = false;
};

}  // namespace settle::bench
