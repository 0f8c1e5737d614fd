#include <doctest/doctest.h>

#include "settle/grpc/branch_caller.hpp"

namespace settle::rpc {
namespace {

TEST_CASE("grpc/url: each form -> target and method") {
  struct Row {
    const char* url;
    const char* target;
    const char* method;
  };
  for (const Row& row : {
           Row{"127.0.0.1:9000/shop.Order/Create", "127.0.0.1:9000", "/shop.Order/Create"},
           Row{"[::1]:9000/shop.Order/create_Order", "[::1]:9000", "/shop.Order/create_Order"},
           Row{"order:9000/Order/Create", "order:9000", "/Order/Create"},
           Row{"etcd://h1:2379,h2:2379/order.rpc/shop.Order/Create", "etcd://h1:2379,h2:2379/order.rpc",
               "/shop.Order/Create"},
           Row{"discov://h1:2379/order.rpc/shop.Order/Create", "discov://h1:2379/order.rpc", "/shop.Order/Create"},
           Row{"etcd:///h1:2379,h2:2379?key=order.rpc/shop.Order/Create", "etcd:///h1:2379,h2:2379?key=order.rpc",
               "/shop.Order/Create"},
           Row{"etcd:///h1:2379/shop.Order/Create?key=order.rpc", "etcd:///h1:2379?key=order.rpc",
               "/shop.Order/Create"},
           Row{"direct:///h1:9001,h2:9001/pb.Service/Method", "direct:///h1:9001,h2:9001", "/pb.Service/Method"},
       }) {
    CAPTURE(row.url);
    const Result<BranchAddress> address = parse_branch_url(row.url);
    REQUIRE(address);
    CHECK(address.value().target == row.target);
    CHECK(address.value().method == row.method);
  }
}

TEST_CASE("grpc/url: what has no target or no method -> refused, with an example") {
  for (const char* const url :
       {"", "/", "host:1", "host:1/", "host:1/a.B", "host:1/a.B/", "host:1//a", "/a.B/C", "etcd://h/key",
        "etcd://h/key/a.B", "etcd://", "etcd:///", "etcd://h", "host:1/a.B/C?x=1", "host:1/a.B/C?x=etcd://h/k/a.B/C",
        "host:1/a.B/C D", "host:1/a.B/\xC3\xA4", "host:1/a.B/C\x7F"}) {
    CAPTURE(url);
    const Result<BranchAddress> address = parse_branch_url(url);
    REQUIRE(!address);
    CHECK(address.error().code == Code::invalid);
    CHECK(address.error().message.find("host:port/package.Service/Method") != std::string::npos);
  }
}

}  // namespace
}  // namespace settle::rpc
