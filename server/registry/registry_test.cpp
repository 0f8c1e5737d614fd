#include "server/registry/registry.hpp"

#include <doctest/doctest.h>

#include <string>

#include "server/registry/registry_harness.hpp"

namespace settle::server {
namespace {

std::string refusal(const RegistryOptions& options) {
  const auto registry = Registry::open(options, {});
  REQUIRE(!registry);
  CHECK(registry.error().code == Code::invalid);
  CHECK(registry.error().message.find('\n') == std::string::npos);
  return registry.error().message;
}

TEST_CASE("registry: a driver that is not there -> one line with those that are") {
  for (const char* name : {"dtm-driver-kratos", "dtm-driver-ego", "dtm-driver-polaris", "dtm-driver-springcloud",
                           "dtm-driver-http", "dtm-driver-dapr", "Default"}) {
    CHECK(refusal({name, "", ""}) == "MicroService.Driver: there is no '" + std::string(name) +
                                         "' in this version; there are: default, dtm-driver-gozero");
  }
}

TEST_CASE("registry/default: registers nothing, resolves plain addresses, ends at once") {
  for (const char* name : {"", "default"}) {
    LoggedLines lines;
    auto registry = Registry::open({name, "", ""}, lines.log());
    REQUIRE(registry);
    registry.value()->start();
    CHECK(!registry.value()->statistics().registers);
    CHECK(!registry.value()->statistics().registered);
    const TestFollower plain(*registry.value()->resolver(), "127.0.0.1:9000");
    CHECK(plain.newest() == AddressList{{"127.0.0.1:9000"}, ""});
    const TestFollower in_etcd(*registry.value()->resolver(), "etcd://127.0.0.1:2379/orders");
    CHECK(in_etcd.newest().addresses.empty());
    CHECK(!in_etcd.newest().problem.empty());
    int ended = 0;
    registry.value()->deregister(1'000, [&ended] { ++ended; });
    CHECK(ended == 1);
    CHECK(lines.all().empty());
  }
}

TEST_CASE("registry/default: a target without a driver -> told that it has no effect") {
  LoggedLines lines;
  REQUIRE(Registry::open({"default", "etcd://h:2379/dtmservice", "h:36790"}, lines.log()));
  REQUIRE(lines.all().size() == 1);
  CHECK(lines.all()[0].find("warn MicroService.Target has no effect") == 0);
}

TEST_CASE("registry/gozero: a target or an endpoint that is wrong -> names the key, and tells no password") {
  const std::string target = "etcd://127.0.0.1:2379/dtmservice";
  CHECK(refusal({"dtm-driver-gozero", "consul://127.0.0.1:8500/dtm", "h:36790"})
            .find("MicroService.Target: it starts neither with etcd:// nor with discov://") == 0);
  CHECK(refusal({"dtm-driver-gozero", "etcd://h/k?user=u&password=secret", "h:36790"}).find("secret") ==
        std::string::npos);
  for (const char* endpoint : {"", "h", "h:", "h:0", "grpc://h:36790"}) {
    CHECK(refusal({"dtm-driver-gozero", target, endpoint})
              .find("MicroService.EndPoint: '" + std::string(endpoint) + "' is not host:port") == 0);
  }
}

TEST_CASE("registry/gozero: no target -> nothing is registered, whatever the endpoint, and the resolver works") {
  auto registry = Registry::open({"dtm-driver-gozero", "", ""}, {});
  REQUIRE(registry);
  registry.value()->start();
  CHECK(!registry.value()->statistics().registers);
  const TestFollower plain(*registry.value()->resolver(), "127.0.0.1:9000");
  CHECK(plain.newest() == AddressList{{"127.0.0.1:9000"}, ""});
  std::atomic<int> ended = 0;
  registry.value()->deregister(1'000, [&ended] { ++ended; });
  CHECK(eventually([&] { return ended == 1; }));
}

}  // namespace
}  // namespace settle::server
