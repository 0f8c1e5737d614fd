// Where the services of a target can be reached, as a port: implemented by registries (server/registry), and usable by
// an embedder without the server.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace settle {

// What is known of a target.
struct AddressList {
  std::vector<std::string> addresses;  // "host:port", each once, sorted
  std::string problem;                 // why there are none, for a person; empty where there are some
  bool operator==(const AddressList&) const = default;
};

// Told of the whole list as it is now. From any thread, also inside follow(); never twice at once for one Following.
// Must not block or throw.
using AddressListener = std::function<void(AddressList list)>;

// As long as it lives its listener is told of every change. When the destructor has returned, the listener is not
// running and will not be called again; it must not be destroyed inside the listener.
class Following {
 public:
  virtual ~Following() = default;
};

// Threads: any thread may call.
class Resolver {
 public:
  virtual ~Resolver() = default;
  // Follows the addresses of a target: what stands in front of the method in the url of a gRPC branch, such as
  // "127.0.0.1:9000" or "etcd://127.0.0.1:2379/orders". The listener is first told when the addresses are known, or
  // when they could not be learned (a target of a kind that this resolver does not know, a registry that nobody can
  // reach; it is told again when that changes); not before: who wants to call meanwhile waits, within the deadline of
  // the call. Does not block. Following a target twice costs no second watch.
  virtual std::unique_ptr<Following> follow(const std::string& target, AddressListener listener) = 0;
};

// Knows targets of the form "host:port" alone, each of which is its own address. A target with a scheme is told as a
// problem that says which setting would help.
std::unique_ptr<Resolver> make_plain_resolver();

}  // namespace settle
