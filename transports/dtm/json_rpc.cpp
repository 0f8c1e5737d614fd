// JSON-RPC 2.0 (protocol.md §3): envelopes around the operations that HTTP offers, too.
//
// As DTM does, both `result` and `error` are always there, and a request without an id is an error, not a notification.
// Beyond DTM, ids may be numbers, and several requests may come in one array: each is answered, in order.
#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "engine/json/json_text.hpp"
#include "transports/dtm/answer.hpp"
#include "transports/dtm/endpoint.hpp"

namespace settle::dtm {
namespace {

constexpr std::size_t kBatchMax = 1'000;
constexpr std::string_view kNoId = "\"\"";

constexpr int kParseError = -32700;
constexpr int kInvalidRequest = -32600;
constexpr int kMethodNotFound = -32601;
constexpr int kInternalError = -32603;
constexpr int kFailure = -32901;
constexpr int kOngoing = -32902;

int code_of(Code code) { return code == Code::failure ? kFailure : code == Code::ongoing ? kOngoing : kInternalError; }

// `id` is JSON itself.
std::string error_envelope(std::string_view id, int code, std::string_view message) {
  std::string body;
  JsonObject object(body);
  JsonObject error(object.value("error"));
  error.number("code", code);
  error.text("message", told_message(message));
  error.end();
  object.value("id") += id;
  object.text("jsonrpc", "2.0");
  object.value("result") += "null";
  object.end();
  return body;
}

std::string result_envelope(std::string_view id, const OperationResult& result) {
  std::string body;
  JsonObject object(body);
  object.value("error") += "null";
  object.value("id") += id;
  object.text("jsonrpc", "2.0");
  std::string& value = object.value("result");
  if (result) {
    JsonObject gid(value);
    gid.text("gid", *result);
    gid.end();
  } else {
    value += "null";
  }
  object.end();
  return body;
}

// The id as JSON: a text that is not empty, or a number. Nothing where it is neither.
std::optional<std::string> id_of(const json::value* id) {
  if (id == nullptr) return std::nullopt;
  if (const json::string* const text = id->if_string()) {
    if (text->empty()) return std::nullopt;
    std::string quoted;
    append_json_string(quoted, view_of(*text));
    return quoted;
  }
  if (const std::int64_t* const number = id->if_int64()) return std::to_string(*number);
  if (const std::uint64_t* const number = id->if_uint64()) return std::to_string(*number);
  return std::nullopt;
}

using Answered = UniqueFunction<void(std::string envelope)>;

// One request of an envelope.
struct Request {
  std::string id = std::string(kNoId);  // as JSON
  std::string method;
  std::optional<Error> error;  // why it is none
};

Request read_request(const json::value& value) {
  Request request;
  Fields fields(value, "the request");
  const json::value* const given_id = fields.find("id");
  const std::optional<std::string> id = id_of(given_id);
  if (id) request.id = *id;
  std::string version;
  fields.read("jsonrpc", version);
  fields.read("method", request.method);
  if (!id) fields.refuse("id", "must be a text that is not empty, or a whole number");
  if (version != "2.0") fields.refuse("jsonrpc", "must be \"2.0\"");
  request.error = fields.error();
  return request;
}

// `answered` is called exactly once.
void answer_one(const HttpCall& call, const json::value& value, Answered answered) {
  Request request = read_request(value);
  const Endpoint* const endpoint = request.error ? nullptr : find_json_rpc(request.method);
  const RequestClock clock(call.options, "json-rpc", endpoint);
  if (endpoint == nullptr) {
    clock.stop(false);
    return answered(request.error ? error_envelope(request.id, kInvalidRequest, request.error->message)
                                  : error_envelope(request.id, kMethodNotFound, "Method not found: " + request.method));
  }
  const json::value* const params = Fields(value, "").find("params");
  const json::value none;
  endpoint->operate(
      {call.engine, params != nullptr ? *params : none, Origin::params,
       [clock, id = std::move(request.id), answered = std::move(answered)](Result<OperationResult> result) mutable {
         clock.stop(static_cast<bool>(result));
         answered(result ? result_envelope(id, result.value())
                         : error_envelope(id, code_of(result.error().code), result.error().message));
       }});
}

// The answers to the requests of one array, which come from any thread.
class Batch {
 public:
  Batch(std::size_t count, http::Respond respond) : answers_(count), left_(count), respond_(std::move(respond)) {}

  void answered(std::size_t place, std::string envelope) {
    answers_[place] = std::move(envelope);
    if (--left_ > 0) return;
    std::string body;
    for (const std::string& answer : answers_) body.append(body.empty() ? "[" : ",").append(answer);
    respond_(json_answer(body + "]"));
  }

 private:
  std::vector<std::string> answers_;
  std::atomic<std::size_t> left_;
  http::Respond respond_;
};

// Of what is no request at all.
void refuse(HttpCall call, unsigned status, int code, std::string_view message) {
  RequestClock(call.options, "json-rpc", nullptr).stop(false);
  http::Response response = json_answer(error_envelope(kNoId, code, message));
  response.status = status;
  call.respond(std::move(response));
}

}  // namespace

void json_rpc(HttpCall call) {
  const Document document(call.body, "the body");
  if (document.error()) {
    return refuse(std::move(call), 400, kParseError, "Parse json error: " + document.error()->message);
  }
  const json::array* const requests = document.value().if_array();
  if (requests == nullptr) {
    http::Respond respond = std::move(call.respond);
    return answer_one(call, document.value(), [respond = std::move(respond)](std::string envelope) mutable {
      respond(json_answer(std::move(envelope)));
    });
  }
  if (requests->empty()) return refuse(std::move(call), 200, kInvalidRequest, "the array of requests is empty");
  if (requests->size() > kBatchMax) {
    return refuse(std::move(call), 200, kInvalidRequest,
                  "at most " + std::to_string(kBatchMax) + " requests may come in one array");
  }
  const auto batch = std::make_shared<Batch>(requests->size(), std::move(call.respond));
  for (std::size_t place = 0; place < requests->size(); ++place) {
    answer_one(call, (*requests)[place],
               [batch, place](std::string envelope) { batch->answered(place, std::move(envelope)); });
  }
}

}  // namespace settle::dtm
