// Targets in etcd, lists of hosts, and the values that services register.
#include <string>
#include <vector>

#include "fuzz/fuzzer.hpp"
#include "server/registry/address_list.hpp"
#include "server/registry/etcd_target.hpp"
#include "server/registry/host_port.hpp"
#include "transports/http/url.hpp"

namespace settle::fuzz {
namespace {

void append_parameter(std::string& text, const char* name, const std::string& value) {
  if (!value.empty()) text += std::string("&") + name + "=" + http::percent_encode(value);
}

// The newer form of it.
std::string text_of(const server::EtcdTarget& target) {
  const server::EtcdCredentials& credentials = target.access.credentials;
  std::string text = "etcd:///" + server::join_hosts(target.access.hosts) + "?key=" + http::percent_encode(target.key);
  append_parameter(text, "user", credentials.user);
  append_parameter(text, "password", credentials.password);
  append_parameter(text, "ca_file", credentials.tls.ca_file);
  append_parameter(text, "cert_file", credentials.tls.cert_file);
  append_parameter(text, "key_file", credentials.tls.key_file);
  if (credentials.tls.enabled) text += "&tls=true";
  return text;
}

void check_target(std::string_view text) {
  const auto parsed = server::parse_etcd_target(text);
  if (!parsed) return check(parsed.error().code == Code::invalid, "a malformed target is its author's fault");
  const server::EtcdTarget& target = parsed.value();
  check(!target.key.empty() && !target.key.starts_with('/') && !target.key.ends_with('/'), "a key has no slash around");
  check(!target.access.hosts.empty(), "a target has hosts");
  for (const std::string& host : target.access.hosts) check(is_host_port(host), "hosts are addresses", host);
  const auto again = server::parse_etcd_target(text_of(target));
  check(again && again.value() == target, "a target that is written anew is the same", text_of(target));
}

void check_hosts(std::string_view text) {
  const auto hosts = server::parse_host_list(text);
  if (!hosts) return;
  const auto again = server::parse_host_list(server::join_hosts(hosts.value()));
  check(again && again.value() == hosts.value(), "a list of hosts that is written anew is the same");
}

void check_addresses(std::string_view text) {
  std::vector<std::string> values;
  for (Input input(text); !input.empty();) values.emplace_back(input.line());
  const AddressList list = server::make_address_list(values, "'orders' in etcd at h1:2379");
  check(list.addresses.empty() != list.problem.empty(), "there are addresses, or it is told why not");
  for (const std::string& address : list.addresses) check(is_host_port(address), "addresses can be called", address);
  check(is_utf8(list.problem), "values of others are not shown");
}

}  // namespace

void run(std::string_view text) {
  check_target(text);
  check_hosts(text);
  check_addresses(text);
}

}  // namespace settle::fuzz
