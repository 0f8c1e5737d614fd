#include <utility>

#include "settle/resolver.hpp"
#include "transports/grpc/host_port.hpp"

namespace settle {
namespace {

AddressList resolve(const std::string& target) {
  if (target.find("://") != std::string::npos) {
    return {{},
            "the target '" + target +
                "' names a registry, and none is switched on: set MicroService.Driver, or use host:port"};
  }
  if (!is_host_port(target)) return {{}, "the target '" + target + "' should be host:port"};
  return {{target}, ""};
}

class PlainResolver final : public Resolver {
 public:
  std::unique_ptr<Following> follow(const std::string& target, AddressListener listener) override {
    listener(resolve(target));
    return std::make_unique<Following>();  // it never changes
  }
};

}  // namespace

std::unique_ptr<Resolver> make_plain_resolver() { return std::make_unique<PlainResolver>(); }

}  // namespace settle
