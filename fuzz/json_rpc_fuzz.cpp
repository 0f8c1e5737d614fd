// Requests over JSON-RPC.
#include <string>
#include <utility>

#include <boost/json/parse.hpp>

#include "engine/json/json.hpp"
#include "fuzz/checked_engine.hpp"
#include "fuzz/fuzzer.hpp"
#include "settle/dtm/api.hpp"

namespace settle::fuzz {
namespace {

namespace json = boost::json;

http::Response answer_to(CheckedEngine& engine, std::string_view body) {
  int answers = 0;
  http::Response response;
  dtm::Api(engine, {}).handle_json_rpc_alone({"POST", "/api/json-rpc", std::string(body)}, [&](http::Response given) {
    response = std::move(given);
    ++answers;
  });
  check(answers == 1, "a request is answered once");
  return response;
}

// Whether the envelope tells of a success.
bool check_envelope(const json::value& value) {
  const json::object* const envelope = value.if_object();
  check(envelope != nullptr && envelope->size() == 4, "an envelope has four members");
  check(envelope->at("jsonrpc") == "2.0", "an envelope tells its version");
  const json::value& error = envelope->at("error");
  const json::value& id = envelope->at("id");
  check(id.is_string() || id.is_number(), "an envelope has an id");
  if (error.is_null()) return true;
  check(envelope->at("result").is_null(), "an error has no result");
  check(error.at("code").is_int64(), "an error has a code");
  check_error_text(dtm::view_of(error.at("message").as_string()));
  return false;
}

// A text that the client named its request by comes back.
void check_id(const json::value& request, const json::value& envelope) {
  const json::object* const members = request.if_object();
  const json::value* const id = members == nullptr ? nullptr : members->if_contains("id");
  if (id == nullptr || !id->is_string() || id->get_string().empty()) return;
  check(envelope.at("id").is_string(), "a text comes back as one");
  check(dtm::view_of(envelope.at("id").get_string()) == dtm::text_of(id->get_string()), "an id comes back");
}

}  // namespace

void run(std::string_view body) {
  CheckedEngine engine;
  const http::Response response = answer_to(engine, body);
  check(is_json(response.body), "an answer is JSON", response.body);
  const json::value answer = json::parse(response.body);
  const dtm::Document request(body, "the body");
  std::size_t successes = 0;
  if (const json::array* const envelopes = answer.if_array()) {
    check(!request.error() && request.value().is_array(), "only an array is answered by one");
    const json::array& requests = request.value().get_array();
    check(envelopes->size() == requests.size(), "each request of an array is answered");
    for (std::size_t place = 0; place < requests.size(); ++place) {
      successes += check_envelope((*envelopes)[place]) ? 1 : 0;
      check_id(requests[place], (*envelopes)[place]);
    }
  } else {
    successes += check_envelope(answer) ? 1 : 0;
    if (!request.error()) check_id(request.value(), answer);
  }
  check(engine.changes <= successes, "a request that is refused changes nothing");
}

}  // namespace settle::fuzz
