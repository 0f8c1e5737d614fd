// Where services are registered in etcd, as go-zero writes it: the value of MicroService.Target, and what stands in
// front of the method in the url of a branch.
//
//   etcd://h1:2379,h2:2379/dtmservice          discov:// means the same
//   etcd:///h1:2379,h2:2379?key=dtmservice     the form of newer versions
//
// Behind the `?`, all of them percent-encoded where they need it:
//   user=, password=        for an etcd with authentication
//   tls=true                speaks TLS, and trusts the machine's certificates
//   ca_file=                speaks TLS, and trusts the certificates in this file instead (PEM)
//   cert_file=, key_file=   speaks TLS, and shows this certificate; the two go together (PEM)
#pragma once

#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "settle/result.hpp"

namespace settle::server {

struct EtcdTls {
  bool enabled = false;
  std::string ca_file;    // empty: the machine's
  std::string cert_file;  // empty: none is shown
  std::string key_file;   // empty exactly where cert_file is
  bool operator==(const EtcdTls&) const = default;
  bool operator<(const EtcdTls& other) const {
    return std::tie(enabled, ca_file, cert_file, key_file) <
           std::tie(other.enabled, other.ca_file, other.cert_file, other.key_file);
  }
};

// How the calls get in. All empty: a plain connection without a user.
struct EtcdCredentials {
  std::string user;
  std::string password;
  EtcdTls tls;
  bool operator==(const EtcdCredentials&) const = default;
  bool operator<(const EtcdCredentials& other) const {
    return std::tie(user, password, tls) < std::tie(other.user, other.password, other.tls);
  }
};

// One etcd: calls go to one of its hosts, and to the next where that one fails.
struct EtcdAccess {
  std::vector<std::string> hosts;  // "host:port", at least one, each once
  EtcdCredentials credentials;
  bool operator==(const EtcdAccess&) const = default;
  bool operator<(const EtcdAccess& other) const {
    return std::tie(hosts, credentials) < std::tie(other.hosts, other.credentials);
  }
};

struct EtcdTarget {
  EtcdAccess access;
  std::string key;  // services are at `<key>/<lease id>`; never empty, no slash at either end
  bool operator==(const EtcdTarget&) const = default;
  bool operator<(const EtcdTarget& other) const { return std::tie(access, key) < std::tie(other.access, other.key); }
};

// Code::invalid says what is wrong and what a target looks like. User and password are in no text.
Result<EtcdTarget> parse_etcd_target(std::string_view text);

// "etcd at h1:2379,h2:2379", for texts: no user, no password.
std::string describe(const EtcdAccess& access);

}  // namespace settle::server
