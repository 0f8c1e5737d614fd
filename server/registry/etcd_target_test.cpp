#include "server/registry/etcd_target.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "server/registry/host_port.hpp"

namespace settle::server {
namespace {

using Hosts = std::vector<std::string>;

EtcdTarget parsed(const std::string& text) {
  auto target = parse_etcd_target(text);
  REQUIRE_MESSAGE(target, text);
  return target.value();
}

std::string refusal(const std::string& text) {
  const auto target = parse_etcd_target(text);
  REQUIRE_MESSAGE(!target, text);
  CHECK(target.error().code == Code::invalid);
  CHECK(target.error().message.ends_with("; a target looks like etcd://127.0.0.1:2379,127.0.0.1:22379/dtmservice"));
  return target.error().message.substr(0, target.error().message.find(';'));
}

TEST_CASE("registry/host_port: names, IPv4 and bracketed IPv6 with a port -> true; everything else -> false") {
  for (const char* text :
       {"localhost:1", "shop-1.example_x:65535", "10.0.0.1:9000", "[::1]:9000", "[fe80::1%eth0]:80"}) {
    CHECK_MESSAGE(is_host_port(text), text);
  }
  for (const char* text :
       {"", ":", "localhost", ":9000", "localhost:", "localhost:0", "localhost:65536", "localhost:+1", "localhost:12x",
        "::1:9000", "[]:9000", "a b:9000", "http://a:9000", "a/b:9000", "a:9000/", "user@a:9000", "a\n:9000"}) {
    CHECK_MESSAGE(!is_host_port(text), text);
  }
  CHECK(!is_host_port(std::string(256, 'a') + ":1"));
  CHECK(is_host_port(std::string(255, 'a') + ":1"));
}

TEST_CASE("registry/host_port: a list -> its parts in order, each once; a part that is none is named") {
  CHECK(parse_host_list("h1:1").value() == Hosts{"h1:1"});
  CHECK(parse_host_list("h2:1, h1:1 ,h2:1").value() == Hosts{"h2:1", "h1:1"});
  CHECK(parse_host_list("").error().message == "'' is not host:port");
  CHECK(parse_host_list("h1:1,").error().message == "'' is not host:port");
  CHECK(parse_host_list("h1:1,h2").error().message == "'h2' is not host:port");
  CHECK(join_hosts({"h1:1", "h2:2"}) == "h1:1,h2:2");
  CHECK(join_hosts({}).empty());
}

TEST_CASE("registry/etcd_target: the forms of go-zero -> the same target") {
  const EtcdTarget expected{{{"h1:2379", "h2:2379"}, {}}, "dtmservice"};
  CHECK(parsed("etcd://h1:2379,h2:2379/dtmservice") == expected);
  CHECK(parsed("discov://h1:2379,h2:2379/dtmservice") == expected);
  CHECK(parsed("etcd://h1:2379,h2:2379/dtmservice/") == expected);
  CHECK(parsed("etcd:///h1:2379,h2:2379?key=dtmservice") == expected);
  CHECK(parsed("discov:///h1:2379,h2:2379?a=b&key=dtmservice") == expected);
  CHECK(parsed("etcd://h1:2379/a/b").key == "a/b");
  CHECK(parsed("etcd://h1:2379/order%20s+x").key == "order s+x");
  CHECK(parsed("etcd:///h1:2379?key=%2Forders%2F").key == "orders");
  CHECK(describe(expected.access) == "etcd at h1:2379,h2:2379");
}

TEST_CASE("registry/etcd_target: user and password -> decoded") {
  const EtcdTarget target = parsed("etcd://h1:2379/k?user=a%40b&password=p%26%25%2B+q");
  CHECK(target.access.credentials.user == "a@b");
  CHECK(target.access.credentials.password == "p&%+ q");
  CHECK(!target.access.credentials.tls.enabled);
  CHECK(describe(target.access) == "etcd at h1:2379");
  CHECK(parsed("etcd:///h1:2379?key=k&user=u").access.credentials.user == "u");
}

TEST_CASE("registry/etcd_target: tls by its own, by a file, by a pair of files") {
  CHECK(parsed("etcd://h1:2379/k?tls=true").access.credentials.tls == EtcdTls{true, "", "", ""});
  CHECK(parsed("etcd://h1:2379/k?tls=false").access.credentials.tls == EtcdTls{});
  CHECK(parsed("etcd://h1:2379/k?ca_file=/a").access.credentials.tls == EtcdTls{true, "/a", "", ""});
  CHECK(parsed("etcd:///h1:2379?key=k&cert_file=/c%20d&key_file=/e").access.credentials.tls ==
        EtcdTls{true, "", "/c d", "/e"});
  CHECK(refusal("etcd://h1:2379/k?tls=yes") == "tls= must be true or false");
  CHECK(refusal("etcd://h1:2379/k?cert_file=/c") == "cert_file= and key_file= go together");
  CHECK(refusal("etcd://h1:2379/k?key_file=/c") == "cert_file= and key_file= go together");
  CHECK(refusal("etcd://h1:2379/k?tls=false&ca_file=/a") == "tls=false, but there are files for TLS");
}

TEST_CASE("registry/etcd_target: what cannot be parsed -> one line that says why") {
  const std::string scheme = "it starts neither with etcd:// nor with discov://";
  for (const char* text : {"", "h1:2379/k", "etcd:/h1:2379/k", "consul://h1:2379/k", "ETCD://h1:2379/k"}) {
    CHECK(refusal(text) == scheme);
  }
  CHECK(refusal("etcd://") == "of the hosts, '' is not host:port");
  CHECK(refusal("etcd:///") == "of the hosts, '' is not host:port");
  CHECK(refusal("etcd://h1/k") == "of the hosts, 'h1' is not host:port");
  CHECK(refusal("etcd://h1:2379,/k") == "of the hosts, '' is not host:port");
  CHECK(refusal("etcd://h1:2379") == "behind the hosts there is no key");
  CHECK(refusal("etcd://h1:2379/") == "behind the hosts there is no key");
  CHECK(refusal("etcd://h1:2379/%zz") == "behind the hosts there is no key");
  CHECK(refusal("etcd:///h1:2379") == "behind the hosts there is no ?key=");
  CHECK(refusal("etcd:///h1:2379?key=/") == "behind the hosts there is no ?key=");
  CHECK(refusal("etcd://h1:2379/k\n") == "there is a control character in it");
  CHECK(refusal("etcd://h1:2379/k%0a") == "there is a control character in the key");
  CHECK(refusal("etcd://h1:2379/k?password=secret") == "password= without user=");
}

TEST_CASE("registry/etcd_target: a refusal never tells a password") {
  CHECK(refusal("etcd://root:secret@h1:2379/k").find("secret") == std::string::npos);
  CHECK(refusal("etcd://h1/k?user=u&password=secret").find("secret") == std::string::npos);
  CHECK(refusal("etcd://h1:2379/?user=u&password=secret").find("secret") == std::string::npos);
  CHECK(refusal("consul://u:secret@h1:2379/k").find("secret") == std::string::npos);
}

}  // namespace
}  // namespace settle::server
