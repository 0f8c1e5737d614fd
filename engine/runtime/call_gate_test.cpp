#include "engine/runtime/call_gate.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using settle::runtime::call_target;
using settle::runtime::CallGate;

TEST_CASE("gate/target: scheme, host and port; a local name as it is") {
  CHECK(call_target("http://h:80/path?x=1") == "http://h:80");
  CHECK(call_target("http://h?x=1") == "http://h");
  CHECK(call_target("https://[::1]:8/p") == "https://[::1]:8");
  CHECK(call_target("local://name") == "local://name");
  CHECK(call_target("nonsense") == "nonsense");
  CHECK(call_target("h:80/shop.Order/Create") == "h:80");
  CHECK(call_target("etcd://h:80,i:80/order/shop.Order/Create") == "etcd://h:80,i:80/order");
  CHECK(call_target("etcd:///h:80?key=order/shop.Order/Create") == "etcd:///h:80?key=order");
  CHECK(call_target("HTTP://h/order/create") == "HTTP://h");
}

TEST_CASE("gate/limit: the calls beyond it wait for their turn, other targets do not") {
  CallGate gate(1);
  CallGate::Place places[4];
  std::vector<std::string> started;
  gate.enter("http://a/1", places[0], [&] { started.push_back("a1"); });
  gate.enter("http://a/2", places[1], [&] { started.push_back("a2"); });
  gate.enter("http://a/3", places[2], [&] { started.push_back("a3"); });
  gate.enter("http://b/1", places[3], [&] { started.push_back("b1"); });
  CHECK(started == std::vector<std::string>{"a1", "b1"});
  CHECK(gate.waiting() == 2);
  CHECK(places[1].waiting());
  gate.cancel(places[1]);
  gate.release(places[0]);
  CHECK(started.back() == "a3");
  CHECK_FALSE(places[2].waiting());
  CHECK(gate.waiting() == 0);
  gate.release(places[2]);
  gate.enter("http://a/4", places[0], [&] { started.push_back("a4"); });
  CHECK(started.back() == "a4");
}
