#include "server/registry/address_list.hpp"

#include <algorithm>
#include <iterator>

#include "server/registry/host_port.hpp"

namespace settle::server {

AddressList make_address_list(const std::vector<std::string>& values, const std::string& where) {
  AddressList list;
  std::copy_if(values.begin(), values.end(), std::back_inserter(list.addresses), is_host_port);
  if (!list.addresses.empty()) return list;
  // The value itself is not told: a client may name whatever key of etcd it likes.
  list.problem = values.empty() ? "no service is registered under " + where
                                : "what is registered under " + where + " is no address, which is host:port";
  return list;
}

}  // namespace settle::server
