#include <charconv>
#include <cstdint>
#include <string_view>
#include <utility>

#include "settle/resolver.hpp"

namespace settle {
namespace {

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, failed] = std::from_chars(text.data(), end, port);
  return failed == std::errc() && stopped == end && port > 0;
}

AddressList resolve(const std::string& target) {
  if (target.find("://") != std::string::npos) {
    return {{},
            "the target '" + target +
                "' names a registry, and none is switched on: set MicroService.Driver, or use host:port"};
  }
  const std::size_t colon = target.rfind(':');
  const std::string_view host = std::string_view(target).substr(0, colon);
  const bool is_host = host.starts_with('[') ? host.ends_with(']') : !host.empty() && host.find(':') == host.npos;
  if (colon == std::string::npos || !is_host || !is_port(std::string_view(target).substr(colon + 1))) {
    return {{}, "the target '" + target + "' should be host:port"};
  }
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
