#include "transports/grpc/target.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace settle::rpc {
namespace {

enum class Reach : std::uint8_t { connected, open, broken };

// Asking makes an idle channel connect, so that each address takes its share from its second turn on.
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
  std::unordered_map<std::string_view, std::shared_ptr<Endpoint>> before;
  for (const auto& endpoint : endpoints_) before.emplace(endpoint->address, endpoint);
  std::vector<std::shared_ptr<Endpoint>> endpoints;
  endpoints.reserve(list.addresses.size());
  for (std::string& address : list.addresses) {
    const auto kept = before.find(address);
    if (kept != before.end()) {
      endpoints.push_back(kept->second);
    } else {
      std::shared_ptr<grpc::Channel> channel = make_channel(address);
      endpoints.push_back(std::make_shared<Endpoint>(std::move(address), std::move(channel)));
    }
  }
  endpoints_ = std::move(endpoints);
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

}  // namespace settle::rpc
