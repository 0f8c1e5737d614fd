#include "server/registry/address_list.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace settle::server {
namespace {

const std::string kWhere = "'orders' in etcd at h1:2379,h2:2379";

TEST_CASE("registry/address_list: addresses -> the same, no problem; what is none is left out") {
  CHECK(make_address_list({"a:1", "b:2"}, kWhere) == AddressList{{"a:1", "b:2"}, ""});
  CHECK(make_address_list({"", "a:1", "b", "http://c:3"}, kWhere) == AddressList{{"a:1"}, ""});
}

TEST_CASE("registry/address_list: nothing, or nothing that can be called -> a problem that says so in one line") {
  CHECK(make_address_list({}, kWhere) ==
        AddressList{{}, "no service is registered under 'orders' in etcd at h1:2379,h2:2379"});
  CHECK(make_address_list({"sho\np\xff:1", "secret"}, kWhere) ==
        AddressList{{},
                    "what is registered under 'orders' in etcd at h1:2379,h2:2379 is no address, which is host:port"});
}

}  // namespace
}  // namespace settle::server
