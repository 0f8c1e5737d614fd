// Registration and watches against a real etcd, to which everything happens that may.
#define DOCTEST_CONFIG_IMPLEMENT
#include "server/registry/etcd_process.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "server/registry/registry_harness.hpp"

namespace settle::server {
namespace {

constexpr const char* kEndpoint = "10.0.0.1:36790";

std::string service_at(const EtcdProcess& etcd, const std::string& query = "") {
  return "etcd://" + etcd.host() + "/dtmservice" + query;
}
std::string orders_at(const EtcdProcess& etcd) { return "etcd://" + etcd.host() + "/orders"; }

std::string registered_in(const EtcdProcess& etcd) {
  return etcd.control("get --prefix dtmservice/ --print-value-only");
}

// Registered, as the registry and etcd say, and once.
bool comes_back(TestRegistry& registry, const EtcdProcess& etcd) {
  return eventually([&] { return registry->statistics().registered && registered_in(etcd) == kEndpoint; });
}

TEST_CASE("registry/etcd: register -> the key holds the lease's number; deregister -> key and lease are gone") {
  const EtcdProcess etcd;
  TestRegistry registry(service_at(etcd), EtcdPatience{});
  registry.start_and_wait();
  CHECK(registered_in(etcd) == kEndpoint);
  const std::string key = etcd.control("get --prefix dtmservice/ --keys-only");
  const std::string lease = etcd.control("lease list | tail -n 1");
  char decimal[32];
  std::snprintf(decimal, sizeof decimal, "%lld", std::strtoll(lease.c_str(), nullptr, 16));
  CHECK(key.find("dtmservice/" + std::string(decimal)) == 0);
  CHECK(etcd.control("lease timetolive " + lease).find("granted with TTL(10s)") != std::string::npos);
  registry.deregister();
  CHECK(registered_in(etcd).empty());
  CHECK(etcd.control("lease list").find("found 0 leases") == 0);
}

TEST_CASE("registry/etcd: killed, and back with its data; killed, and back with none -> registered again, once") {
  EtcdProcess etcd;
  TestRegistry registry(service_at(etcd), EtcdPatience{});
  registry.start_and_wait();
  for (const bool loses_data : {false, true, false, true}) {
    etcd.kill();
    CHECK(eventually([&] { return !registry->statistics().registered; }));
    if (loses_data) etcd.lose_data();
    etcd.start();
    CHECK(comes_back(registry, etcd));
  }
  registry.deregister();
  CHECK(registered_in(etcd).empty());
}

TEST_CASE("registry/etcd: stopped until the lease has ended, and going on -> noticed, and registered again") {
  EtcdProcess etcd;
  TestRegistry registry(service_at(etcd), EtcdPatience{});
  registry.start_and_wait();
  etcd.pause();
  CHECK(eventually([&] { return !registry->statistics().registered; }));
  etcd.resume();
  CHECK(comes_back(registry, etcd));
}

TEST_CASE("registry/etcd: the key is deleted while the lease lives -> it is there again") {
  EtcdProcess etcd;
  TestRegistry registry(service_at(etcd), EtcdPatience{});
  registry.start_and_wait();
  CHECK(etcd.control("del --prefix dtmservice/") == "1");
  CHECK(comes_back(registry, etcd));
}

TEST_CASE("registry/etcd: ten thousand followers -> one watch in etcd; none -> none") {
  EtcdProcess etcd;
  etcd.control("put orders/1 10.0.0.2:9000");
  TestRegistry registry("", EtcdPatience{});
  std::vector<std::unique_ptr<TestFollower>> followers;
  for (int i = 0; i < 10'000; ++i) {
    followers.push_back(std::make_unique<TestFollower>(*registry->resolver(), orders_at(etcd)));
  }
  for (const auto& follower : followers) CHECK(follower->comes_to({"10.0.0.2:9000"}));
  CHECK(eventually([&] { return etcd.metric("etcd_debugging_mvcc_watcher_total") == "1"; }));
  etcd.control("put orders/2 10.0.0.3:9000");
  for (const auto& follower : followers) CHECK(follower->comes_to({"10.0.0.2:9000", "10.0.0.3:9000"}));
  CHECK(etcd.metric("etcd_debugging_mvcc_watcher_total") == "1");
  followers.clear();
  CHECK(eventually([&] { return etcd.metric("etcd_debugging_mvcc_watcher_total") == "0"; }));
}

TEST_CASE("registry/etcd: killed and back, compacted, stopped -> the followers keep their list, and miss no change") {
  EtcdProcess etcd;
  etcd.control("put orders/1 10.0.0.2:9000");
  TestRegistry registry("", EtcdPatience{});
  const TestFollower follower(*registry->resolver(), orders_at(etcd));
  CHECK(follower.comes_to({"10.0.0.2:9000"}));
  etcd.kill();
  CHECK(eventually([&] { return registry.lines().with("cannot be followed").size() == 1; }));
  etcd.start();
  etcd.control("put orders/2 10.0.0.3:9000");
  CHECK(follower.comes_to({"10.0.0.2:9000", "10.0.0.3:9000"}));
  etcd.control("del orders/1");
  CHECK(follower.comes_to({"10.0.0.3:9000"}));
  for (const char* change : {"put orders/3 10.0.0.4:9000", "del orders/3"}) etcd.control(change);
  CHECK(etcd.control("compact 5 --physical").find("compacted revision 5") == 0);
  etcd.control("put orders/4 10.0.0.5:9000");
  CHECK(follower.comes_to({"10.0.0.3:9000", "10.0.0.5:9000"}));
  etcd.pause();
  CHECK(eventually([&] { return registry.lines().with("cannot be followed").size() == 2; }));
  etcd.resume();
  etcd.control("del orders/4");
  CHECK(follower.comes_to({"10.0.0.3:9000"}));
  for (const AddressList& list : follower.all()) CHECK(list.problem.empty());
}

TEST_CASE("registry/etcd: back without its data -> the addresses stay until the services are back, or for their time") {
  EtcdProcess etcd;
  etcd.control("put orders/1 10.0.0.2:9000");
  etcd.control("put orders/2 10.0.0.3:9000");
  TestRegistry registry("", EtcdPatience{});
  const TestFollower follower(*registry->resolver(), orders_at(etcd));
  CHECK(follower.comes_to({"10.0.0.2:9000", "10.0.0.3:9000"}));
  etcd.kill();
  etcd.lose_data();
  etcd.start();
  etcd.control("put orders/3 10.0.0.3:9000");
  CHECK(follower.comes_to({"10.0.0.3:9000"}));
  for (const AddressList& list : follower.all()) CHECK(list.problem.empty());
  etcd.control("del orders/3");
  CHECK(follower.comes_to_problem("no service is registered under 'orders' in etcd at " + etcd.host()));
}

TEST_CASE("registry/etcd: authentication -> registered and followed with the password alone, also after a restart") {
  EtcdProcess etcd;
  etcd.control("put orders/1 10.0.0.2:9000");
  etcd.control("user add root:s3cret");
  etcd.control("user grant-role root root");
  CHECK(etcd.control("auth enable") == "Authentication Enabled");
  TestRegistry registry(service_at(etcd, "?user=root&password=s3cret"), EtcdPatience{});
  registry.start_and_wait();
  const std::string as_root = "--user=root:s3cret ";
  CHECK(etcd.control(as_root + "get --prefix dtmservice/ --print-value-only") == kEndpoint);
  const TestFollower follower(*registry->resolver(), orders_at(etcd));
  CHECK(follower.comes_to({"10.0.0.2:9000"}));
  TestRegistry stranger("", EtcdPatience{});
  const TestFollower locked_out(*stranger->resolver(), orders_at(etcd));
  CHECK(locked_out.comes_to_problem("cannot be looked up: "));
  // A restart forgets every token.
  etcd.kill();
  CHECK(eventually([&] { return !registry->statistics().registered; }));
  etcd.start();
  CHECK(eventually([&] { return registry->statistics().registered; }));
  etcd.control(as_root + "put orders/2 10.0.0.3:9000");
  CHECK(follower.comes_to({"10.0.0.2:9000", "10.0.0.3:9000"}));
  CHECK(etcd.control(as_root + "get --prefix dtmservice/ --print-value-only") == kEndpoint);
  CHECK(registry.lines().with("s3cret").empty());
}

TEST_CASE(
    "registry/etcd: TLS with certificates on both sides -> registered; without them -> not, and the log says why") {
  EtcdProcess etcd(true);
  const std::string files =
      "?ca_file=" + etcd.certificate() + "&cert_file=" + etcd.certificate() + "&key_file=" + etcd.key();
  TestRegistry registry(service_at(etcd, files), EtcdPatience{});
  registry.start_and_wait();
  CHECK(registered_in(etcd) == kEndpoint);
  const TestFollower follower(*registry->resolver(), service_at(etcd));
  CHECK(follower.comes_to({kEndpoint}));
  registry.deregister();
  for (const std::string& query : {std::string(), std::string("?tls=true"), "?ca_file=" + etcd.certificate()}) {
    TestRegistry stranger(service_at(etcd, query), EtcdPatience{});
    stranger->start();
    CHECK(eventually([&] { return stranger.lines().with("is tried again until it is: UNAVAILABLE: ").size() == 1; }));
    CHECK(!stranger->statistics().registered);
  }
  CHECK(registered_in(etcd).empty());
}

}  // namespace
}  // namespace settle::server

int main(int argument_count, char** arguments) {
  constexpr int kSkipped = 77;
  const auto missing = settle::server::missing_programs();
  if (!missing.empty()) {
    for (const std::string& name : missing) std::fprintf(stderr, "not installed: %s\n", name.c_str());
    const char* const ci = std::getenv("CI");
    return ci != nullptr && std::string(ci) == "true" ? 1 : kSkipped;
  }
  return doctest::Context(argument_count, arguments).run();
}
