// Lists of addresses of the form "host:port".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "settle/result.hpp"
#include "transports/grpc/host_port.hpp"

namespace settle::server {

// "h1:2379,h2:2379", in the order given, each once; blanks around a comma are left out. Code::invalid names the part
// that is no host:port.
Result<std::vector<std::string>> parse_host_list(std::string_view text);

// The same the other way round.
std::string join_hosts(const std::vector<std::string>& hosts);

}  // namespace settle::server
