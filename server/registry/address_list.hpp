// From values in etcd to addresses that can be called. Pure.
#pragma once

#include <string>
#include <vector>

#include "settle/resolver.hpp"

namespace settle::server {

// Those of the values that are host:port. Where there are none, the problem says what is there instead. `where` is
// "'orders' in etcd at h1:2379".
AddressList make_address_list(const std::vector<std::string>& values, const std::string& where);

}  // namespace settle::server
