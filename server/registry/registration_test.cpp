#include "server/registry/registration.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>

#include "server/registry/fake_etcd.hpp"
#include "server/registry/registry_harness.hpp"
#include "transports/http/test_socket.hpp"

namespace settle::server {
namespace {

using Content = std::map<std::string, std::string>;

const grpc::Status kUnavailable(grpc::StatusCode::UNAVAILABLE, "away");

std::string target_at(const std::string& hosts, const std::string& query = "") {
  return "etcd://" + hosts + "/dtmservice" + query;
}

// The endpoint under the one lease that there is, and nothing else.
bool is_registered_once(const FakeEtcd& etcd) {
  const auto leases = etcd.leases();
  if (leases.empty()) return false;
  return etcd.content() == Content{{"dtmservice/" + std::to_string(leases.back()), "10.0.0.1:36790"}};
}

TEST_CASE("registry/registration: start -> key under the lease, kept alive; deregister -> gone, both logged once") {
  FakeEtcd etcd;
  EtcdPatience patience = hurried();
  patience.lease_seconds = 1;
  TestRegistry registry(target_at(etcd.host()), patience);
  CHECK(registry->statistics().registers);
  CHECK(!registry->statistics().registered);
  registry.start_and_wait();
  registry->start();
  CHECK(is_registered_once(etcd));
  CHECK(eventually([&] { return etcd.count("LeaseKeepAlive") >= 5; }));
  CHECK(etcd.count("LeaseGrant") == 1);
  CHECK(etcd.count("Put") == 1);
  registry.deregister();
  CHECK(!registry->statistics().registered);
  CHECK(etcd.content().empty());
  CHECK(etcd.leases().empty());
  const std::string where = "etcd at " + etcd.host() + " under 'dtmservice'";
  CHECK(registry.lines().all() ==
        std::vector<std::string>{"info 10.0.0.1:36790 is registered in " + where + " as dtmservice/7000000001",
                                 "info 10.0.0.1:36790 is registered no more in " + where});
}

TEST_CASE("registry/registration: nobody at first -> told once, with hosts and reason; registered when etcd is there") {
  std::optional<FakeEtcd> etcd(std::in_place);
  const std::uint16_t port = etcd->port();
  const std::string host = etcd->host();
  etcd.reset();
  TestRegistry registry(target_at(host));
  registry->start();
  CHECK(eventually([&] { return !registry.lines().all().empty(); }));
  etcd.emplace(port);
  CHECK(eventually([&] { return registry->statistics().registered; }));
  CHECK(is_registered_once(*etcd));
  const auto lines = registry.lines().all();
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].find("warn 10.0.0.1:36790 is not registered in etcd at " + host +
                      " under 'dtmservice', and is tried again until it is: UNAVAILABLE: ") == 0);
  CHECK(lines[1].find("info 10.0.0.1:36790 is registered in etcd at " + host) == 0);
}

TEST_CASE("registry/registration: etcd does not know the lease any more -> another one") {
  FakeEtcd etcd;
  EtcdPatience patience = hurried();
  patience.lease_seconds = 1;
  TestRegistry registry(target_at(etcd.host()), patience);
  registry.start_and_wait();
  etcd.lose_data();
  CHECK(eventually([&] { return etcd.count("LeaseGrant") == 2 && registry->statistics().registered; }));
  CHECK(is_registered_once(etcd));
  CHECK(registry.lines().with("etcd does not know the lease any more").size() == 1);
  CHECK(registry.lines().with("is registered in").size() == 2);
}

TEST_CASE("registry/registration: the stream breaks -> put again under the same lease") {
  FakeEtcd etcd;
  TestRegistry registry(target_at(etcd.host()));
  registry.start_and_wait();
  etcd.break_streams();
  CHECK(eventually([&] { return etcd.count("Put") == 2 && registry->statistics().registered; }));
  CHECK(etcd.count("LeaseGrant") == 1);
  CHECK(is_registered_once(etcd));
}

TEST_CASE("registry/registration: the stream breaks and the lease is lost meanwhile -> another lease") {
  FakeEtcd etcd;
  TestRegistry registry(target_at(etcd.host()));
  registry.start_and_wait();
  etcd.lose_data();
  etcd.break_streams();
  CHECK(eventually([&] { return etcd.count("LeaseGrant") == 2 && registry->statistics().registered; }));
  CHECK(is_registered_once(etcd));
}

TEST_CASE("registry/registration: the key is deleted while the lease lives -> it is there again with a keep-alive") {
  FakeEtcd etcd;
  EtcdPatience patience = hurried();
  patience.lease_seconds = 1;
  TestRegistry registry(target_at(etcd.host()), patience);
  registry.start_and_wait();
  etcd.erase("dtmservice/" + std::to_string(etcd.leases().back()));
  CHECK(eventually([&] { return is_registered_once(etcd); }));
  CHECK(etcd.count("LeaseGrant") == 1);
  CHECK(eventually([&] { return registry.lines().with("was gone from").size() == 1; }));
}

TEST_CASE("registry/registration: grant and put that fail, each in its way -> tried until both have worked") {
  FakeEtcd etcd;
  etcd.fail("LeaseGrant", kUnavailable);
  etcd.fail("LeaseGrant", {grpc::StatusCode::RESOURCE_EXHAUSTED, "etcdserver: too many requests"});
  etcd.lose_answer("LeaseGrant");  // one that nobody knows of
  etcd.fail("Put", kUnavailable);
  etcd.fail("Put", {grpc::StatusCode::NOT_FOUND, "etcdserver: requested lease not found"});
  etcd.lose_answer("Put");
  TestRegistry registry(target_at(etcd.host()));
  registry.start_and_wait();
  CHECK(is_registered_once(etcd));
  CHECK(etcd.count("LeaseGrant") == 5);
  CHECK(registry.lines().with("is not registered").size() == 1);
  CHECK(registry.lines().with("is registered in").size() == 1);
}

TEST_CASE("registry/registration: keep-alives that are not answered -> the lease is used anew") {
  FakeEtcd etcd;
  EtcdPatience patience = hurried();
  patience.lease_seconds = 1;
  TestRegistry registry(target_at(etcd.host()), patience);
  registry.start_and_wait();
  etcd.hang("LeaseKeepAlive");
  CHECK(eventually([&] { return !registry.lines().with("nothing was answered to a keep-alive in time").empty(); }));
  CHECK(!registry->statistics().registered);
  etcd.hang("LeaseKeepAlive", false);
  CHECK(eventually([&] { return registry->statistics().registered; }));
  CHECK(is_registered_once(etcd));
}

TEST_CASE("registry/registration: a key that cannot be looked at -> registered all the same while the lease lives") {
  FakeEtcd etcd;
  EtcdPatience patience = hurried();
  patience.lease_seconds = 1;
  for (int i = 0; i < 3; ++i) {
    etcd.fail("Range", {grpc::StatusCode::PERMISSION_DENIED, "etcdserver: permission denied"});
  }
  TestRegistry registry(target_at(etcd.host()), patience);
  registry.start_and_wait();
  CHECK(eventually([&] { return etcd.count("Range") >= 3; }));
  CHECK(registry->statistics().registered);
  CHECK(etcd.count("Put") == 1);
}

TEST_CASE("registry/registration: hosts that are away or silent -> the one that works, and nothing is logged of it") {
  FakeEtcd etcd;
  const http::TestListener silent;
  std::uint16_t closed_port = 0;
  {
    const http::TestListener closed;
    closed_port = closed.port();
  }
  EtcdPatience patience = hurried();
  patience.call_timeout_ms = 1'000;
  TestRegistry registry(target_at("127.0.0.1:" + std::to_string(silent.port()) +
                                  ",127.0.0.1:" + std::to_string(closed_port) + "," + etcd.host()),
                        patience);
  registry.start_and_wait();
  CHECK(is_registered_once(etcd));
  CHECK(registry.lines().with("is registered in").size() == 1);
}

TEST_CASE("registry/registration: etcd with a user -> a token, a new one when it has expired; no password in the log") {
  FakeEtcd etcd;
  etcd.require_user("ro@ot", "s&cret");
  EtcdPatience patience = hurried();
  patience.lease_seconds = 1;
  TestRegistry registry(target_at(etcd.host(), "?user=ro%40ot&password=s%26cret"), patience);
  registry.start_and_wait();
  CHECK(is_registered_once(etcd));
  CHECK(etcd.count("Authenticate") == 1);
  etcd.expire_tokens();
  CHECK(eventually([&] { return etcd.count("Authenticate") == 2 && registry->statistics().registered; }));
  CHECK(is_registered_once(etcd));
  registry.deregister();
  CHECK(etcd.content().empty());
  CHECK(registry.lines().with("cret").empty());
}

TEST_CASE("registry/registration: a wrong password -> told once, tried on, and taken when it has become right") {
  FakeEtcd etcd;
  etcd.require_user("root", "other");
  TestRegistry registry(target_at(etcd.host(), "?user=root&password=secret"));
  registry->start();
  CHECK(eventually([&] { return etcd.count("Authenticate") >= 5; }));
  etcd.require_user("root", "secret");
  CHECK(eventually([&] { return registry->statistics().registered; }));
  CHECK(registry.lines().with("authentication failed, invalid user ID or password").size() == 1);
  CHECK(registry.lines().with("secret").empty());
}

TEST_CASE("registry/registration: a user, but etcd asks for none -> registered") {
  FakeEtcd etcd;
  TestRegistry registry(target_at(etcd.host(), "?user=root&password=secret"));
  registry.start_and_wait();
  CHECK(is_registered_once(etcd));
}

TEST_CASE("registry/registration: a certificate that cannot be read -> told with its name, tried on") {
  TestRegistry registry(target_at("127.0.0.1:1", "?ca_file=/nonexistent/ca.pem"));
  registry->start();
  CHECK(eventually([&] { return !registry.lines().with("ca_file '/nonexistent/ca.pem' cannot be read: ").empty(); }));
}

TEST_CASE("registry/registration: files for TLS that are none, or are endless -> said so, and no harm") {
  for (const std::string path : {"/", "/dev/zero"}) {
    TestRegistry registry(target_at("127.0.0.1:1", "?ca_file=" + path));
    registry->start();
    CHECK(eventually(
        [&] { return !registry.lines().with("ca_file '" + path + "' cannot be read: it is not a file").empty(); }));
  }
}

TEST_CASE("registry/deregister: before start, before anything was granted, twice -> done each time") {
  FakeEtcd etcd;
  TestRegistry never(target_at(etcd.host()));
  never.deregister();
  never->start();
  never.deregister();
  CHECK(etcd.count("LeaseGrant") == 0);

  etcd.hang("LeaseGrant");
  TestRegistry early(target_at(etcd.host()));
  early->start();
  CHECK(eventually([&] { return etcd.count("LeaseGrant") == 1; }));
  early.deregister();
  early.deregister();
  CHECK(etcd.content().empty());
}

TEST_CASE("registry/deregister: etcd does not answer -> done after the timeout, and the log says how it ends") {
  FakeEtcd etcd;
  etcd.hang("LeaseRevoke");
  TestRegistry registry(target_at(etcd.host()));
  registry.start_and_wait();
  registry.deregister(50);
  CHECK(registry.lines().with("could not be taken back in time").size() == 1);
}

TEST_CASE("registry/deregister: a revocation that fails -> again; one of a lease that is gone -> done") {
  FakeEtcd etcd;
  etcd.fail("LeaseRevoke", kUnavailable);
  TestRegistry registry(target_at(etcd.host()));
  registry.start_and_wait();
  registry.deregister();
  CHECK(etcd.count("LeaseRevoke") == 2);
  CHECK(etcd.content().empty());

  TestRegistry second(target_at(etcd.host()));
  second.start_and_wait();
  etcd.forget_leases();
  second.deregister();
  CHECK(etcd.count("LeaseRevoke") == 3);
}

TEST_CASE("registry/deregister: the registry is destroyed meanwhile -> done is invoked, once") {
  FakeEtcd etcd;
  etcd.hang("LeaseRevoke");
  TestRegistry registry(target_at(etcd.host()));
  registry.start_and_wait();
  std::atomic<int> ended = 0;
  registry->deregister(3'600'000, [&ended] { ++ended; });
  CHECK(eventually([&] { return etcd.count("LeaseRevoke") == 1; }));
  CHECK(ended == 0);
  registry.destroy();
  CHECK(ended == 1);
}

TEST_CASE("registry: destroyed in the middle of anything -> at once, and the registration is left to its lease") {
  for (const char* method : {"LeaseGrant", "Put", "LeaseKeepAlive", "Range", "Watch"}) {
    FakeEtcd etcd;
    etcd.hang(method);
    TestRegistry registry(target_at(etcd.host()));
    registry->start();
    const TestFollower follower(*registry->resolver(), target_at(etcd.host()));
    CHECK(eventually([&] { return etcd.count(method) >= 1; }));
    registry.destroy();
    CHECK(etcd.count("LeaseRevoke") == 0);
  }
}

}  // namespace
}  // namespace settle::server
