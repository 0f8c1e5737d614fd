// Stands in for the resolver of plain addresses in builds without the gRPC transport.
#include <string>

#include "server/registry/host_port.hpp"
#include "settle/resolver.hpp"

namespace settle {
namespace {

class Settled final : public Following {};

class PlainResolver final : public Resolver {
 public:
  std::unique_ptr<Following> follow(const std::string& target, AddressListener listener) override {
    if (server::is_host_port(target)) {
      listener({{target}, ""});
    } else {
      listener({{}, "'" + target + "' is not host:port"});
    }
    return std::make_unique<Settled>();
  }
};

}  // namespace

std::unique_ptr<Resolver> make_plain_resolver() { return std::make_unique<PlainResolver>(); }

}  // namespace settle
