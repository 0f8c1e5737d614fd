// Addresses of the form "host:port".
#pragma once

#include <string_view>

namespace settle {

// A name, an IPv4 address, or an IPv6 address in brackets, then a port of 1 to 65535: "shop-1:9000", "[::1]:9000".
bool is_host_port(std::string_view text);

}  // namespace settle
