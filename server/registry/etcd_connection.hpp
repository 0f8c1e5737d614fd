// A connection to one host of an etcd, and the calls that we make on it.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "proto/etcd.grpc.pb.h"
#include "server/registry/call_group.hpp"
#include "server/registry/etcd_patience.hpp"
#include "server/registry/etcd_stream.hpp"
#include "server/registry/etcd_target.hpp"
#include "server/registry/unary_call.hpp"
#include "settle/result.hpp"

namespace settle::server {

namespace etcd = etcdserverpb;

// "UNAVAILABLE: connection refused": one line for logs, of up to 300 bytes.
std::string describe(const grpc::Status& status);

// Threads: the executor's of the group. gRPC connects by itself with the first call; where the connection breaks, calls
// and streams end with UNAVAILABLE.
class EtcdConnection {
 public:
  // Code::invalid names the certificate or key file that cannot be read.
  static Result<std::shared_ptr<EtcdConnection>> open(std::shared_ptr<CallGroup> group, const std::string& host,
                                                      const EtcdTls& tls, const EtcdPatience& patience);

  const std::string& host() const { return host_; }
  // Carried by every call from here on.
  void set_token(std::string token) { settings_.token = std::move(token); }

  std::unique_ptr<PendingCall> authenticate(etcd::AuthenticateRequest request,
                                            CallCompletion<etcd::AuthenticateResponse> completion);
  std::unique_ptr<PendingCall> range(etcd::RangeRequest request, CallCompletion<etcd::RangeResponse> completion);
  std::unique_ptr<PendingCall> put(etcd::PutRequest request, CallCompletion<etcd::PutResponse> completion);
  std::unique_ptr<PendingCall> grant(etcd::LeaseGrantRequest request,
                                     CallCompletion<etcd::LeaseGrantResponse> completion);
  std::unique_ptr<PendingCall> revoke(etcd::LeaseRevokeRequest request,
                                      CallCompletion<etcd::LeaseRevokeResponse> completion);
  std::unique_ptr<OpenStream<etcd::WatchRequest>> watch(etcd::WatchRequest first,
                                                        StreamHandlers<etcd::WatchResponse> handlers);
  std::unique_ptr<OpenStream<etcd::LeaseKeepAliveRequest>> keep_alive(
      etcd::LeaseKeepAliveRequest first, StreamHandlers<etcd::LeaseKeepAliveResponse> handlers);

 private:
  EtcdConnection(std::shared_ptr<CallGroup> group, std::string host, const EtcdPatience& patience,
                 const std::shared_ptr<grpc::Channel>& channel);

  const std::shared_ptr<CallGroup> group_;
  const std::string host_;
  CallSettings settings_;
  const std::unique_ptr<etcd::Auth::Stub> auth_;
  const std::unique_ptr<etcd::KV::Stub> key_values_;
  const std::unique_ptr<etcd::Lease::Stub> leases_;
  const std::unique_ptr<etcd::Watch::Stub> watches_;
};

}  // namespace settle::server
