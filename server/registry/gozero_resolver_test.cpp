#include "server/registry/gozero_resolver.hpp"

#include <doctest/doctest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "server/registry/fake_etcd.hpp"
#include "server/registry/registry_harness.hpp"

namespace settle::server {
namespace {

AddressList told_at_once(const std::string& target) {
  TestRegistry registry("");
  const TestFollower follower(*registry->resolver(), target);
  REQUIRE(follower.all().size() == 1);
  CHECK(registry->statistics().watches == 0);
  return follower.newest();
}

TEST_CASE("registry/resolver: fixed addresses -> told inside follow(), sorted, each once") {
  CHECK(told_at_once("127.0.0.1:9000") == AddressList{{"127.0.0.1:9000"}, ""});
  CHECK(told_at_once("direct:///h2:9001,h1:9001,h2:9001") == AddressList{{"h1:9001", "h2:9001"}, ""});
  CHECK(told_at_once("direct://h2:9001,h1:9001/") == AddressList{{"h1:9001", "h2:9001"}, ""});
  CHECK(told_at_once("direct://h2:9001") == AddressList{{"h2:9001"}, ""});
}

TEST_CASE("registry/resolver: targets that will never have an address -> a problem inside follow()") {
  CHECK(told_at_once("direct:///h1").problem ==
        "of the target 'direct:///h1', 'h1' is not host:port; it should look like "
        "direct:///10.0.0.1:9001,10.0.0.2:9001");
  CHECK(told_at_once("consul://h1:8500/orders").problem ==
        "no targets of the kind 'consul://' are known; with MicroService.Driver dtm-driver-gozero there are etcd://, "
        "discov://, direct:// and host:port");
  CHECK(told_at_once("etcd://h1/orders")
            .problem.find("the target of the branch is malformed: of the hosts, 'h1' is not host:port") == 0);
  for (const char* target : {"etcd://h1:1/orders?ca_file=/tmp", "etcd://h1:1/orders?cert_file=/a&key_file=/b"}) {
    CHECK(told_at_once(target).problem.find("the target of a branch may not name files") == 0);
  }
  for (const char* target : {"", "direct://", "direct:///", "etcd://", "://", "orders"}) {
    const AddressList list = told_at_once(target);
    CHECK(list.addresses.empty());
    CHECK(!list.problem.empty());
  }
}

TEST_CASE("registry/resolver: the etcd of MicroService.Target, in any order -> its user and password are used") {
  FakeEtcd etcd;
  etcd.require_user("root", "secret");
  etcd.put("orders/1", "a:1");
  TestRegistry registry("etcd://127.0.0.1:1," + etcd.host() + "/dtmservice?user=root&password=secret");
  const TestFollower ours(*registry->resolver(), "etcd://" + etcd.host() + ",127.0.0.1:1/orders");
  CHECK(ours.comes_to({"a:1"}));
  const TestFollower another(*registry->resolver(), "etcd://" + etcd.host() + "/orders");
  CHECK(another.comes_to_problem("UNAUTHENTICATED: etcdserver: invalid auth token"));
  const TestFollower own_user(*registry->resolver(),
                              "etcd://" + etcd.host() + ",127.0.0.1:1/orders?user=root&password=wrong");
  CHECK(own_user.comes_to_problem("cannot be looked up: "));
  CHECK(own_user.newest().problem.find("wrong") == std::string::npos);
}

TEST_CASE("registry/resolver: more targets than are followed at once -> the further ones are told as a problem") {
  FakeEtcd etcd;
  etcd.put("orders/1", "a:1");
  etcd.put("stock/1", "b:1");
  EtcdPatience patience = hurried();
  patience.watches_max = 1;
  TestRegistry registry("", patience);
  TestFollower orders(*registry->resolver(), "etcd://" + etcd.host() + "/orders");
  CHECK(orders.comes_to({"a:1"}));
  TestFollower refused(*registry->resolver(), "etcd://" + etcd.host() + "/stock");
  CHECK(refused.comes_to_problem("too many targets are followed at once, 1: no further one is looked up"));
  const TestFollower same(*registry->resolver(), "etcd://" + etcd.host() + "/orders");
  CHECK(same.comes_to({"a:1"}));
  refused.stop();
  CHECK(registry->statistics().watches == 1);
}

TEST_CASE("registry/resolver: outlives its registry -> a problem for who comes late, silence for the others") {
  FakeEtcd etcd;
  etcd.put("orders/1", "a:1");
  TestRegistry registry("");
  const std::shared_ptr<Resolver> resolver = registry->resolver();
  TestFollower follower(*resolver, "etcd://" + etcd.host() + "/orders");
  CHECK(follower.comes_to({"a:1"}));
  registry.destroy();
  CHECK(eventually([&] { return etcd.watches() == 0; }));
  etcd.put("orders/2", "b:1");
  const TestFollower late(*resolver, "etcd://" + etcd.host() + "/orders");
  REQUIRE(late.all().size() == 1);
  CHECK(late.newest().problem == "nobody looks for services any more: the server is stopping");
  const TestFollower plain(*resolver, "h1:9001");
  CHECK(plain.newest() == AddressList{{"h1:9001"}, ""});
  CHECK(follower.all().size() == 1);
  follower.stop();
}

TEST_CASE("registry/resolver: followers come and go on many threads while the list changes -> none is called late") {
  FakeEtcd etcd;
  etcd.put("orders/1", "a:1");
  TestRegistry registry("");
  const std::string target = "etcd://" + etcd.host() + "/orders";
  const TestFollower steady(*registry->resolver(), target);
  std::vector<std::future<void>> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.push_back(std::async(std::launch::async, [&] {
      for (int round = 0; round < 200; ++round) {
        std::atomic<int> running = 0;
        {
          const auto following = registry->resolver()->follow(target, [&running](const AddressList&) { ++running; });
        }
        // `running` is gone after this: the sanitizers would see a late call.
      }
    }));
  }
  for (int i = 0; i < 50; ++i) etcd.put("orders/" + std::to_string(i), "a:" + std::to_string(1 + i));
  for (auto& thread : threads) thread.get();
  CHECK(eventually([&] { return steady.newest().addresses.size() == 50; }));
  CHECK(registry->statistics().watches == 1);
}

}  // namespace
}  // namespace settle::server
