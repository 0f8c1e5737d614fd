// Requests of DTM's HTTP API: "METHOD target", a line break, and the body.
#include <utility>

#include <boost/json/parse.hpp>

#include "fuzz/checked_engine.hpp"
#include "fuzz/fuzzer.hpp"
#include "settle/dtm/api.hpp"

namespace settle::fuzz {

void run(std::string_view bytes) {
  Input input(bytes);
  http::Request request;
  request.method = input.until(' ');
  request.target = input.line();
  request.body = input.rest();
  const bool is_json_rpc = request.target.starts_with("/api/json-rpc");  // whose fuzzer looks at its answers
  CheckedEngine engine;
  TestClock clock;
  dtm::ApiOptions options{.version = "1.2.3", .test_clock = &clock};
  int answers = 0;
  http::Response response;
  dtm::Api(engine, std::move(options)).handle(std::move(request), [&](http::Response given) {
    response = std::move(given);
    ++answers;
  });
  check(answers == 1, "a request is answered once");
  check(response.status >= 200 && response.status < 600, "an answer has a status");
  const bool is_error = response.status >= 400;
  check(!is_error || engine.changes == 0, "a request that is refused changes nothing");
  if (!response.content_type.starts_with("application/json")) return check_error_text(response.body);
  check(is_json(response.body), "an answer is JSON", response.body);
  const boost::json::value answer = boost::json::parse(response.body);
  const boost::json::value* const message = answer.is_object() ? answer.get_object().if_contains("message") : nullptr;
  check(!is_error || message != nullptr || is_json_rpc, "a refusal says why", response.body);
  if (is_error && message != nullptr) {
    check_error_text({message->get_string().data(), message->get_string().size()});
  }
}

}  // namespace settle::fuzz
