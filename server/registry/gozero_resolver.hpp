// Finds services as go-zero does.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "server/registry/etcd_target.hpp"
#include "server/registry/watch_table.hpp"
#include "settle/resolver.hpp"

namespace settle::server {

// Follows
//
//   etcd://h1:2379,h2:2379/orders    and the other forms of etcd_target.hpp: by a watch in etcd
//   direct:///h1:9001,h2:9001        these addresses
//   h1:9001                          this address
//
// A target of an etcd that `own` names, too, and without credentials of its own, gets those of `own`: as in go-zero,
// urls of branches need not hold a password.
// Where the gate is closed, targets in etcd are told as a problem.
std::shared_ptr<Resolver> make_gozero_resolver(std::shared_ptr<WatchGate> gate, std::optional<EtcdAccess> own);

}  // namespace settle::server
