// Addresses of the form "host:port".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "settle/result.hpp"

namespace settle::server {

// A name, an IPv4 address, or an IPv6 address in brackets, then a port of 1 to 65535: "shop-1:9000", "[::1]:9000".
bool is_host_port(std::string_view text);

// "h1:2379,h2:2379", in the order given, each once; blanks around a comma are left out. Code::invalid names the part
// that is no host:port.
Result<std::vector<std::string>> parse_host_list(std::string_view text);

// The same the other way round.
std::string join_hosts(const std::vector<std::string>& hosts);

}  // namespace settle::server
