#include "server/registry/address_list.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "server/registry/host_port.hpp"

namespace settle::server {
namespace {

constexpr std::size_t kShownBytesMax = 100;

// A value may be anything: fit for one line of text.
std::string shown(const std::string& value) {
  std::string text = value.substr(0, kShownBytesMax);
  std::replace_if(
      text.begin(), text.end(), [](char character) { return static_cast<unsigned char>(character) - 0x20U >= 0x5fU; },
      '?');
  return text;
}

}  // namespace

AddressList make_address_list(const std::vector<std::string>& values, const std::string& where) {
  AddressList list;
  std::copy_if(values.begin(), values.end(), std::back_inserter(list.addresses), is_host_port);
  if (!list.addresses.empty()) return list;
  list.problem = values.empty() ? "no service is registered under " + where
                                : "what is registered under " + where + " is no address: '" + shown(values.front()) +
                                      "', which should be host:port";
  return list;
}

}  // namespace settle::server
