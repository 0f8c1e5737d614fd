#include "server/registry/address_watch.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/registry/fake_etcd.hpp"
#include "server/registry/registry_harness.hpp"
#include "transports/http/test_socket.hpp"

namespace settle::server {
namespace {

constexpr std::int64_t kForEverMs = 3'600'000;
const grpc::Status kUnavailable(grpc::StatusCode::UNAVAILABLE, "away");

std::string orders_at(const std::string& hosts, const std::string& query = "") {
  return "etcd://" + hosts + "/orders" + query;
}

EtcdPatience retaining(std::int64_t retention_ms) {
  EtcdPatience patience = hurried();
  patience.retention_ms = retention_ms;
  return patience;
}

// Two services under 'orders', and a follower who knows of both.
class TwoServices {
 public:
  explicit TwoServices(std::int64_t retention_ms = kForEverMs) : registry_("", retaining(retention_ms)) {
    etcd.put("orders/1", "a:1");
    etcd.put("orders/2", "b:1");
    follower.emplace(*registry_->resolver(), orders_at(etcd.host()));
    REQUIRE(follower->comes_to({"a:1", "b:1"}));
    REQUIRE(eventually([this] { return etcd.watches() == 1; }));
  }
  RegistryStatistics statistics() { return registry_->statistics(); }
  const LoggedLines& lines() const { return registry_.lines(); }

  FakeEtcd etcd;

 private:
  TestRegistry registry_;

 public:
  std::optional<TestFollower> follower;
};

TEST_CASE("registry/watch: what is there, then each change; other keys do not count") {
  TwoServices services;
  services.etcd.put("orders/3", "c:1");
  CHECK(services.follower->comes_to({"a:1", "b:1", "c:1"}));
  services.etcd.put("orders2/1", "x:1");
  services.etcd.put("orders", "y:1");
  services.etcd.erase("orders/1");
  CHECK(services.follower->comes_to({"b:1", "c:1"}));
  services.etcd.put("orders/2", "d:1");
  CHECK(services.follower->comes_to({"c:1", "d:1"}));
  services.etcd.put("orders/4", "c:1");
  services.etcd.erase("orders/2");
  CHECK(services.follower->comes_to({"c:1"}));
  services.etcd.erase("orders/3");
  services.etcd.put("orders/5", "e:1");
  CHECK(services.follower->comes_to({"c:1", "e:1"}));
  CHECK(services.statistics().addresses == 2);
  CHECK(services.etcd.count("Range") == 1);
  CHECK(services.etcd.watch_starts() == std::vector<std::int64_t>{4});
  CHECK(services.lines().all().empty());
}

TEST_CASE("registry/watch: nobody under the key, or nobody who can be called -> a problem; then somebody comes") {
  FakeEtcd etcd;
  TestRegistry registry("");
  const TestFollower follower(*registry->resolver(), orders_at(etcd.host()));
  CHECK(follower.comes_to_problem("no service is registered under 'orders' in etcd at " + etcd.host()));
  etcd.put("orders/1", "nonsense");
  CHECK(follower.comes_to_problem("is no address, which is host:port"));
  etcd.put("orders/2", "a:1");
  CHECK(follower.comes_to({"a:1"}));
  etcd.erase("orders/2");
  etcd.erase("orders/1");
  CHECK(follower.comes_to_problem("no service is registered under 'orders'"));
}

TEST_CASE("registry/watch: no host can be asked at first -> a problem with hosts and reason; then etcd is there") {
  std::optional<FakeEtcd> etcd(std::in_place);
  const std::uint16_t port = etcd->port();
  etcd.reset();
  std::uint16_t closed_port = 0;
  {
    const http::TestListener closed;
    closed_port = closed.port();
  }
  const std::string hosts = "127.0.0.1:" + std::to_string(port) + ",127.0.0.1:" + std::to_string(closed_port);
  TestRegistry registry("");
  const TestFollower follower(*registry->resolver(), orders_at(hosts));
  CHECK(follower.comes_to_problem("the services under 'orders' in etcd at " + hosts +
                                  " cannot be looked up: UNAVAILABLE: "));
  etcd.emplace(port);
  etcd->put("orders/1", "a:1");
  CHECK(follower.comes_to({"a:1"}));
  CHECK(eventually([&] { return registry.lines().with("are followed again").size() == 1; }));
  CHECK(registry.lines().with("cannot be followed").size() == 1);
}

TEST_CASE("registry/watch: one host is silent -> nobody is told of anything but the list of the other") {
  FakeEtcd etcd;
  etcd.put("orders/1", "a:1");
  const http::TestListener silent;
  EtcdPatience patience = hurried();
  patience.call_timeout_ms = 1'000;
  TestRegistry registry("", patience);
  const TestFollower follower(*registry->resolver(),
                              orders_at("127.0.0.1:" + std::to_string(silent.port()) + "," + etcd.host()));
  CHECK(follower.comes_to({"a:1"}));
  CHECK(follower.all().size() == 1);
}

TEST_CASE("registry/watch: many followers, every form of the target -> one watch, which ends with the last of them") {
  FakeEtcd etcd;
  etcd.put("orders/1", "a:1");
  TestRegistry registry("");
  std::vector<std::unique_ptr<TestFollower>> followers;
  for (int i = 0; i < 100; ++i) {
    const std::string target = i % 3 == 0   ? orders_at(etcd.host())
                               : i % 3 == 1 ? "discov://" + etcd.host() + "/orders"
                                            : "etcd:///" + etcd.host() + "?key=orders";
    followers.push_back(std::make_unique<TestFollower>(*registry->resolver(), target));
  }
  for (const auto& follower : followers) CHECK(follower->comes_to({"a:1"}));
  CHECK(registry->statistics().watches == 1);
  CHECK(registry->statistics().addresses == 1);
  CHECK(etcd.count("Range") == 1);
  CHECK(eventually([&] { return etcd.watches() == 1; }));
  followers.resize(1);
  etcd.put("orders/2", "b:1");
  CHECK(followers.front()->comes_to({"a:1", "b:1"}));
  const std::vector<AddressList> told = followers.front()->all();
  CHECK(told.size() == 2);
  followers.clear();
  CHECK(eventually([&] { return etcd.watches() == 0 && registry->statistics().watches == 0; }));
  CHECK(registry->statistics().addresses == 0);
  const TestFollower again(*registry->resolver(), orders_at(etcd.host()));
  CHECK(again.comes_to({"a:1", "b:1"}));
  CHECK(eventually([&] { return etcd.count("Watch") == 2; }));
}

TEST_CASE("registry/watch: two keys of one etcd -> two watches, and each has its own list") {
  FakeEtcd etcd;
  etcd.put("orders/1", "a:1");
  etcd.put("stock/1", "b:1");
  TestRegistry registry("");
  const TestFollower orders(*registry->resolver(), orders_at(etcd.host()));
  const TestFollower stock(*registry->resolver(), "etcd://" + etcd.host() + "/stock");
  CHECK(orders.comes_to({"a:1"}));
  CHECK(stock.comes_to({"b:1"}));
  CHECK(registry->statistics().watches == 2);
  CHECK(registry->statistics().addresses == 2);
}

TEST_CASE(
    "registry/watch: the stream breaks -> resumes behind what is known; what was deleted meanwhile goes at once") {
  TwoServices services;
  services.etcd.hang("Range");
  services.etcd.break_streams();
  CHECK(eventually([&] { return services.etcd.count("Range") == 2; }));
  services.etcd.erase("orders/1");
  services.etcd.put("orders/3", "c:1");
  services.etcd.hang("Range", false);
  CHECK(services.follower->comes_to({"b:1", "c:1"}));
  CHECK(services.etcd.count("Range") == 2);
  CHECK(services.etcd.watch_starts() == std::vector<std::int64_t>{4, 4});
  for (const AddressList& list : services.follower->all()) CHECK(!list.addresses.empty());
}

TEST_CASE("registry/watch: etcd is away -> the last list stays, nobody is told, and the log says so once") {
  TwoServices services;
  for (int i = 0; i < 20; ++i) services.etcd.fail("Range", kUnavailable);
  services.etcd.break_streams();
  CHECK(eventually([&] { return services.etcd.count("Range") >= 20; }));
  CHECK(services.follower->newest().addresses.size() == 2);
  CHECK(services.follower->all().size() == 1);
  CHECK(services.lines().with("cannot be followed, 2 addresses stay in use: ").size() == 1);
  services.etcd.put("orders/3", "c:1");
  CHECK(services.follower->comes_to({"a:1", "b:1", "c:1"}));
  CHECK(services.lines().with("are followed again").size() == 1);
}

TEST_CASE("registry/watch: compacted while it was away -> asked for everything; what is gone goes at once") {
  TwoServices services;
  services.etcd.hang("Range");
  services.etcd.break_streams();
  CHECK(eventually([&] { return services.etcd.count("Range") == 2; }));
  services.etcd.erase("orders/1");
  services.etcd.compact();
  services.etcd.hang("Range", false);
  CHECK(services.follower->comes_to({"b:1"}));
  CHECK(eventually([&] { return services.etcd.watch_starts() == std::vector<std::int64_t>{4, 5}; }));
}

TEST_CASE("registry/watch: canceled by compaction, or for another reason -> begun anew") {
  TwoServices services;
  services.etcd.cancel_watches(3, "");
  CHECK(eventually([&] { return services.etcd.count("Watch") == 2; }));
  services.etcd.put("orders/3", "c:1");
  CHECK(services.follower->comes_to({"a:1", "b:1", "c:1"}));
  services.etcd.cancel_watches(0, "etcdserver: permission denied");
  CHECK(eventually([&] { return services.etcd.count("Watch") == 3; }));
  services.etcd.put("orders/4", "d:1");
  CHECK(services.follower->comes_to({"a:1", "b:1", "c:1", "d:1"}));
  CHECK(services.lines().with("etcd ended the watch: etcdserver: permission denied").size() == 1);
}

TEST_CASE("registry/watch: etcd comes back empty -> addresses stay for their time, and what comes back stays") {
  TwoServices services(2'000);
  services.etcd.lose_data();
  services.etcd.break_streams();
  CHECK(eventually([&] { return services.etcd.count("Watch") == 2; }));
  services.etcd.put("orders/9", "b:1");
  CHECK(services.follower->comes_to({"b:1"}));
  CHECK(services.follower->all().size() == 2);
  services.etcd.erase("orders/9");
  CHECK(services.follower->comes_to_problem("no service is registered under 'orders'"));
}

TEST_CASE("registry/watch: etcd comes back empty and grows past what is known -> noticed, and addresses stay") {
  TwoServices services;
  services.etcd.hang("Range");
  services.etcd.break_streams();
  CHECK(eventually([&] { return services.etcd.count("Range") == 2; }));
  services.etcd.lose_data();
  for (int i = 0; i < 20; ++i) services.etcd.put("stock/" + std::to_string(i), "s:1");
  services.etcd.put("orders/8", "c:1");
  services.etcd.hang("Range", false);
  CHECK(services.follower->comes_to({"a:1", "b:1", "c:1"}));
  CHECK(eventually([&] { return services.etcd.count("Watch") == 2; }));
  services.etcd.erase("orders/8");
  CHECK(services.follower->comes_to({"a:1", "b:1"}));
}

TEST_CASE("registry/watch: another cluster answers -> addresses stay beside those of the new one") {
  TwoServices services;
  services.etcd.lose_data();
  services.etcd.put("orders/7", "c:1");
  for (int i = 0; i < 5; ++i) services.etcd.put("x", "y");
  services.etcd.become_other_cluster();
  services.etcd.break_streams();
  CHECK(services.follower->comes_to({"a:1", "b:1", "c:1"}));
}

TEST_CASE("registry/watch: the data is lost between the question and the watch -> asked again") {
  FakeEtcd etcd;
  for (int i = 0; i < 5; ++i) etcd.put("x", "y");
  etcd.put("orders/1", "a:1");
  etcd.hang("Watch");
  TestRegistry registry("", retaining(kForEverMs));
  const TestFollower follower(*registry->resolver(), orders_at(etcd.host()));
  CHECK(follower.comes_to({"a:1"}));
  CHECK(eventually([&] { return etcd.count("Watch") == 1; }));
  etcd.lose_data();
  etcd.put("orders/2", "b:1");
  etcd.hang("Watch", false);
  CHECK(follower.comes_to({"a:1", "b:1"}));
  CHECK(registry.lines().with("etcd has other data than a moment ago").size() == 1);
}

TEST_CASE("registry/watch: a watch that is never begun -> the next host, and at last it is") {
  FakeEtcd etcd;
  etcd.put("orders/1", "a:1");
  etcd.hang("Watch");
  EtcdPatience patience = hurried();
  patience.call_timeout_ms = 500;
  TestRegistry registry("", patience);
  const TestFollower follower(*registry->resolver(), orders_at(etcd.host()));
  CHECK(eventually([&] { return etcd.count("Watch") >= 2; }));
  etcd.hang("Watch", false);
  etcd.put("orders/2", "b:1");
  CHECK(follower.comes_to({"a:1", "b:1"}));
}

TEST_CASE("registry/watch: one revision in fragments, and events that come late -> the list is right") {
  TwoServices services;
  etcd::WatchResponse fragment;
  fragment.set_fragment(true);
  etcd::Event& first = *fragment.add_events();
  first.mutable_kv()->set_key("orders/3");
  first.mutable_kv()->set_value("c:1");
  first.mutable_kv()->set_mod_revision(10);
  services.etcd.send(fragment);
  fragment.set_fragment(false);
  first.mutable_kv()->set_key("orders/4");
  first.mutable_kv()->set_value("d:1");
  services.etcd.send(fragment);
  CHECK(services.follower->comes_to({"a:1", "b:1", "c:1", "d:1"}));
  first.set_type(etcd::Event::DELETE);
  first.mutable_kv()->set_key("orders/1");
  first.mutable_kv()->set_mod_revision(9);
  services.etcd.send(fragment);
  first.set_type(etcd::Event::PUT);
  first.mutable_kv()->set_key("orders/5");
  first.mutable_kv()->set_value("e:1");
  first.mutable_kv()->set_mod_revision(11);
  services.etcd.send(fragment);
  CHECK(services.follower->comes_to({"a:1", "b:1", "c:1", "d:1", "e:1"}));
}

TEST_CASE("registry/watch: a token that has expired -> another one, and the watch goes on") {
  FakeEtcd etcd;
  etcd.require_user("root", "secret");
  etcd.put("orders/1", "a:1");
  TestRegistry registry("");
  const TestFollower follower(*registry->resolver(), orders_at(etcd.host(), "?user=root&password=secret"));
  CHECK(follower.comes_to({"a:1"}));
  CHECK(eventually([&] { return etcd.watches() == 1; }));
  etcd.expire_tokens();
  etcd.break_streams();
  CHECK(eventually([&] { return etcd.count("Watch") == 2; }));
  etcd.put("orders/2", "b:1");
  CHECK(follower.comes_to({"a:1", "b:1"}));
  CHECK(etcd.count("Authenticate") == 2);
}

TEST_CASE("registry/watch: not permitted -> a problem that says so, until it is") {
  FakeEtcd etcd;
  etcd.put("orders/1", "a:1");
  for (int i = 0; i < 5; ++i) {
    etcd.fail("Range", {grpc::StatusCode::PERMISSION_DENIED, "etcdserver: permission denied"});
  }
  TestRegistry registry("");
  const TestFollower follower(*registry->resolver(), orders_at(etcd.host()));
  CHECK(follower.comes_to({"a:1"}));
  REQUIRE(follower.all().size() == 2);
  CHECK(follower.all()[0].problem == "the services under 'orders' in etcd at " + etcd.host() +
                                         " cannot be looked up: PERMISSION_DENIED: etcdserver: permission denied");
}

}  // namespace
}  // namespace settle::server
