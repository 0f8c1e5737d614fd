// Calls branches over gRPC (protocol.md §2, §8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "settle/branch_caller.hpp"
#include "settle/engine.hpp"
#include "settle/resolver.hpp"

namespace settle::rpc {

struct CallerOptions {
  std::size_t answer_bytes_max = 4 << 20;  // a larger answer is `unknown`
  // A connection with a call on it that is silent for so long is probed. Servers in Go allow that every five minutes.
  std::int64_t keepalive_ms = 330'000;
  std::size_t targets_max = 10'000;       // of one shard at once; calls of others are `unknown` until one is let go
  std::int64_t target_idle_ms = 600'000;  // a target that nobody calls is followed and connected for so long
};

// The port for every url that no other port takes: `target/package.Service/Method`. The payload is sent as the request
// message, byte for byte, with the metadata that participants expect; the answer's message is ignored. The payload of a
// workflow's query_prepared is wrapped in a WorkflowData.
//
// Calls go round the addresses of the target, those that cannot be connected to are passed over while others can; where
// that shows only when a call is made, the next address is tried within the same deadline. Connections are shared by
// all callers of the process and made anew by gRPC with growing pauses; a call that finds none has all of them made at
// once, and is tried again 100 ms later, so that a service that was just restarted is found. A call that was sent is
// never made a second time here: its outcome is then `unknown`. No address: `unknown`, with the reason.
//
// Threads: the executors need not be AsioExecutors; completions are invoked on the shard's executor. Destroying a
// caller cancels its calls and waits until gRPC has let go of them, which takes no answer of a participant.
CallerPort caller_port(std::shared_ptr<Resolver> resolver, CallerOptions options = {});

// What an answer means, in protocol.md §2's order. `status` is gRPC's number.
CallResult classify(int status, std::string_view message);

// A url cut in two. The target is what stands before the method: up to the first slash where there is no scheme, else
// scheme, authority and the first segment of the path (with its query, where one is given).
//   127.0.0.1:9000/shop.Order/Create                   127.0.0.1:9000                    /shop.Order/Create
//   etcd://127.0.0.1:2379/order/shop.Order/Create      etcd://127.0.0.1:2379/order       /shop.Order/Create
//   etcd:///127.0.0.1:2379?key=order/shop.Order/Create etcd:///127.0.0.1:2379?key=order  /shop.Order/Create
//   direct:///h1:9001,h2:9001/shop.Order/Create        direct:///h1:9001,h2:9001         /shop.Order/Create
struct BranchAddress {
  std::string target;
  std::string method;  // with the slash in front
};
// Code::invalid, with an example of what the url should look like.
Result<BranchAddress> parse_branch_url(std::string_view url);

}  // namespace settle::rpc
