#include "transports/grpc/target.hpp"

#include <algorithm>
#include <utility>

namespace settle::rpc {
namespace {

enum class Reach : std::uint8_t { connected, open, broken };

// Asking makes an idle channel connect.
Reach reach_of(const Endpoint& endpoint) {
  switch (endpoint.channel->GetState(true)) {
    case GRPC_CHANNEL_READY:
      return Reach::connected;
    case GRPC_CHANNEL_IDLE:
    case GRPC_CHANNEL_CONNECTING:
      return Reach::open;
    case GRPC_CHANNEL_TRANSIENT_FAILURE:
    case GRPC_CHANNEL_SHUTDOWN:
      break;
  }
  return Reach::broken;
}

}  // namespace

void Target::update(AddressList list, const MakeChannel& make_channel) {
  known_ = true;
  problem_ = std::move(list.problem);
  std::vector<std::shared_ptr<Endpoint>> endpoints;
  endpoints.reserve(list.addresses.size());
  for (std::string& address : list.addresses) {
    const auto kept = std::find_if(endpoints_.begin(), endpoints_.end(),
                                   [&address](const auto& endpoint) { return endpoint->address == address; });
    if (kept != endpoints_.end()) {
      endpoints.push_back(*kept);
    } else {
      std::shared_ptr<grpc::Channel> channel = make_channel(address);
      endpoints.push_back(std::make_shared<Endpoint>(std::move(address), std::move(channel)));
    }
  }
  endpoints_ = std::move(endpoints);
  if (endpoints_.size() > 1) {
    for (const auto& endpoint : endpoints_) reach_of(*endpoint);  // all of them connect, so that all can share the work
  }
}

std::shared_ptr<Endpoint> Target::pick(const std::vector<std::shared_ptr<Endpoint>>& tried) {
  if (endpoints_.size() == 1 && tried.empty()) return endpoints_.front();
  std::shared_ptr<Endpoint> best;
  Reach best_reach = Reach::broken;
  const std::size_t begin = turn_++;
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    const std::shared_ptr<Endpoint>& endpoint = endpoints_[(begin + i) % endpoints_.size()];
    if (std::find(tried.begin(), tried.end(), endpoint) != tried.end()) continue;
    const Reach reach = reach_of(*endpoint);
    if (reach == Reach::connected) return endpoint;
    if (!best || reach < best_reach) {
      best = endpoint;
      best_reach = reach;
    }
  }
  return best;
}

bool Target::is_connected(const Endpoint& endpoint) { return reach_of(endpoint) == Reach::connected; }

}  // namespace settle::rpc
