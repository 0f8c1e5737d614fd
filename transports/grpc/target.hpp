// The addresses of one target, and which one is called next.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "settle/resolver.hpp"
#include "transports/grpc/outbound_call.hpp"

namespace settle::rpc {

// One address, with a channel that gRPC connects and connects again.
struct Endpoint {
  Endpoint(std::string address_name, std::shared_ptr<grpc::Channel> to)
      : address(std::move(address_name)), channel(std::move(to)), stub(channel) {}
  std::string address;
  std::shared_ptr<grpc::Channel> channel;
  grpc::GenericStub stub;
};

using MakeChannel = std::function<std::shared_ptr<grpc::Channel>(const std::string& address)>;

// Threads: the shard's only.
class Target {
 public:
  // Takes the addresses as they are now: those that stay keep their connections, the others get no call any more.
  void update(AddressList list, const MakeChannel& make_channel);

  bool known() const { return known_; }
  bool has_addresses() const { return !endpoints_.empty(); }
  // Where there are no addresses.
  const std::string& problem() const { return problem_; }

  // The next one by turns: one that is connected, else one that is not known to be out of reach, else any; never one of
  // `tried`. Null where there is none.
  std::shared_ptr<Endpoint> pick(const std::vector<std::shared_ptr<Endpoint>>& tried);

  std::unique_ptr<Following> following;
  std::deque<std::unique_ptr<OutboundCall>> waiting;  // for update(), or their own timers
  std::size_t calls_out = 0;
  bool used = true;  // since the caller last looked

 private:
  bool known_ = false;
  std::string problem_;
  std::vector<std::shared_ptr<Endpoint>> endpoints_;
  std::size_t turn_ = 0;
};

}  // namespace settle::rpc
