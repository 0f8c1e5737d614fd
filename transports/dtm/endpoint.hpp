// One thing that a client can ask for, and a request on its way to it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "settle/dtm/api.hpp"
#include "transports/dtm/query_string.hpp"
#include "transports/dtm/request.hpp"

namespace settle::dtm {

// How many a listing gives: unless it is told, and at most.
inline constexpr std::int64_t kListLimit = 100;
inline constexpr std::int64_t kListLimitMax = 10'000;

// What an operation came to that both HTTP and JSON-RPC offer: a gid where one was asked for.
using OperationResult = std::optional<std::string>;

struct Operation {
  Engine& engine;
  const json::value& params;  // null where there are none; gone when the operation was begun
  Origin origin = Origin::body;
  Completion<OperationResult> completion;
};

struct HttpCall {
  Engine& engine;
  std::shared_ptr<const ApiOptions> options;
  std::string body;
  QueryString query;
  std::string parameter;  // what the path has in place of {…}
  http::Respond respond;
};

struct Endpoint {
  std::string_view method;               // empty: any
  std::string_view path;                 // ends in {name} where that is a parameter
  std::string_view json_rpc;             // the method's name there; empty: only over HTTP
  void (*operate)(Operation operation);  // either this one
  void (*handle)(HttpCall call);         // or this one
};

// The endpoint that JSON-RPC knows by this name, or null.
const Endpoint* find_json_rpc(std::string_view name);

// Tells ApiOptions::request_ended of one request, which began when this was made.
class RequestClock {
 public:
  // `endpoint`: null where there is no such thing.
  RequestClock(std::shared_ptr<const ApiOptions> options, std::string_view transport, const Endpoint* endpoint);
  void stop(bool ok) const;

 private:
  std::shared_ptr<const ApiOptions> options_;
  std::string_view transport_;
  const Endpoint* endpoint_;
  std::chrono::steady_clock::time_point begin_;
};

// ---- operations -----------------------------------------------------------------------------------------------------
void new_gid(Operation operation);
void prepare(Operation operation);
void submit(Operation operation);
void abort(Operation operation);
void register_branch(Operation operation);

// ---- over HTTP only -------------------------------------------------------------------------------------------------
void prepare_workflow(HttpCall call);
void force_stop(HttpCall call);
void reset_next_cron_time(HttpCall call);
void reset_cron_time(HttpCall call);
void query(HttpCall call);
void list(HttpCall call);
void subscribe(HttpCall call);
void unsubscribe(HttpCall call);
void delete_topic(HttpCall call);
void query_key_value(HttpCall call);
void list_key_values(HttpCall call);
void version(HttpCall call);
void ping(HttpCall call);
void metrics(HttpCall call);
void advance_test_clock(HttpCall call);
void json_rpc(HttpCall call);

// A completion that answers with SUCCESS or the refusal.
Completion<Done> answer_done(http::Respond respond);

}  // namespace settle::dtm
