#include "settle/dtm/api.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "transports/dtm/answer.hpp"
#include "transports/dtm/endpoint.hpp"

namespace settle::dtm {
namespace {

// Everything there is: nothing else has to be touched to add an endpoint. Those that are called most stand first.
constexpr std::array kEndpoints{
    Endpoint{"POST", "/api/dtmsvr/submit", "submit", submit, nullptr},
    Endpoint{"POST", "/api/dtmsvr/registerBranch", "registerBranch", register_branch, nullptr},
    Endpoint{"POST", "/api/dtmsvr/prepare", "prepare", prepare, nullptr},
    Endpoint{"GET", "/api/dtmsvr/newGid", "newGid", new_gid, nullptr},
    Endpoint{"POST", "/api/dtmsvr/abort", "abort", abort, nullptr},
    Endpoint{"POST", "/api/dtmsvr/prepareWorkflow", "", nullptr, prepare_workflow},
    Endpoint{"GET", "/api/dtmsvr/query", "", nullptr, query},
    Endpoint{"POST", "/api/json-rpc", "", nullptr, json_rpc},
    Endpoint{"POST", "/api/dtmsvr/registerTccBranch", "", register_branch, nullptr},
    Endpoint{"POST", "/api/dtmsvr/registerXaBranch", "", register_branch, nullptr},
    Endpoint{"POST", "/api/dtmsvr/forceStop", "", nullptr, force_stop},
    Endpoint{"GET", "/api/dtmsvr/all", "", nullptr, list},
    Endpoint{"POST", "/api/dtmsvr/resetNextCronTime", "", nullptr, reset_next_cron_time},
    Endpoint{"GET", "/api/dtmsvr/resetCronTime", "", nullptr, reset_cron_time},
    Endpoint{"GET", "/api/dtmsvr/subscribe", "", nullptr, subscribe},
    Endpoint{"GET", "/api/dtmsvr/unsubscribe", "", nullptr, unsubscribe},
    Endpoint{"DELETE", "/api/dtmsvr/topic/{topic}", "", nullptr, delete_topic},
    Endpoint{"GET", "/api/dtmsvr/queryKV", "", nullptr, query_key_value},
    Endpoint{"GET", "/api/dtmsvr/scanKV", "", nullptr, list_key_values},
    Endpoint{"GET", "/api/dtmsvr/version", "", nullptr, version},
    Endpoint{"GET", "/api/metrics", "", nullptr, metrics},
    Endpoint{"", "/api/ping", "", nullptr, ping},
    Endpoint{"POST", "/api/test/clock", "", nullptr, advance_test_clock},
};

constexpr std::string_view kJsonRpcPath = "/api/json-rpc";

// What the path has in place of the endpoint's parameter, or nothing where it is another path.
std::optional<std::string_view> match(const Endpoint& endpoint, std::string_view path) {
  const std::size_t brace = endpoint.path.find('{');
  if (brace == std::string_view::npos) {
    return endpoint.path == path ? std::optional<std::string_view>("") : std::nullopt;
  }
  if (!path.starts_with(endpoint.path.substr(0, brace))) return std::nullopt;
  const std::string_view parameter = path.substr(brace);
  if (parameter.empty() || parameter.find('/') != std::string_view::npos) return std::nullopt;
  return parameter;
}

// As DTM's metrics name it: the last part of the path, but for a parameter, in lower case.
std::string metric_name(std::string_view path) {
  path = path.substr(0, path.find("/{"));
  std::string name(path.substr(path.rfind('/') + 1));
  for (char& letter : name) letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  return name;
}

const std::string& metric_name_of(const Endpoint* endpoint) {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    names.reserve(kEndpoints.size() + 1);
    for (const Endpoint& each : kEndpoints) names.push_back(metric_name(each.path));
    names.emplace_back("other");
    return names;
  }();
  return endpoint == nullptr ? kNames.back() : kNames[static_cast<std::size_t>(endpoint - kEndpoints.data())];
}

// Tells of the request when it was answered. JSON-RPC tells of its own.
http::Respond timed(http::Respond respond, const std::shared_ptr<const ApiOptions>& options, const Endpoint* endpoint) {
  const bool tells_itself = endpoint != nullptr && endpoint->handle == json_rpc;
  if (!options->request_ended || tells_itself) return respond;
  return
      [respond = std::move(respond), clock = RequestClock(options, "http", endpoint)](http::Response response) mutable {
        clock.stop(response.status < 400);
        respond(std::move(response));
      };
}

void run_operation(const Endpoint& endpoint, Engine& engine, std::string_view body, http::Respond respond) {
  const auto operate = [&](const json::value& params) {
    endpoint.operate(
        {engine, params, Origin::body, [respond = std::move(respond)](Result<OperationResult> result) mutable {
           respond(result ? operation_answer(result.value()) : error_answer(result.error()));
         }});
  };
  if (endpoint.method == "GET") return operate(json::value());
  const Document document(body, "the body");
  if (document.error()) return respond(error_answer(*document.error()));
  operate(document.value());
}

}  // namespace

RequestClock::RequestClock(std::shared_ptr<const ApiOptions> options, std::string_view transport,
                           const Endpoint* endpoint)
    : options_(std::move(options)),
      transport_(transport),
      endpoint_(endpoint),
      begin_(std::chrono::steady_clock::now()) {}

void RequestClock::stop(bool ok) const {
  if (!options_->request_ended) return;
  const auto took = std::chrono::steady_clock::now() - begin_;
  options_->request_ended(transport_, metric_name_of(endpoint_), ok,
                          std::chrono::duration_cast<std::chrono::microseconds>(took).count());
}

const Endpoint* find_json_rpc(std::string_view name) {
  if (name.empty()) return nullptr;
  const auto* const found = std::find_if(kEndpoints.begin(), kEndpoints.end(),
                                         [name](const Endpoint& endpoint) { return endpoint.json_rpc == name; });
  return found == kEndpoints.end() ? nullptr : found;
}

Completion<Done> answer_done(http::Respond respond) {
  return [respond = std::move(respond)](Result<Done> result) mutable {
    respond(result ? success_answer() : error_answer(result.error()));
  };
}

Api::Api(Engine& engine, ApiOptions options)
    : engine_(engine), options_(std::make_shared<const ApiOptions>(std::move(options))) {}

void Api::handle(http::Request request, http::Respond respond) const {
  const std::string_view target = request.target;
  const std::string_view path = target.substr(0, target.find('?'));
  std::optional<std::string_view> parameter;
  const auto* const endpoint = std::find_if(kEndpoints.begin(), kEndpoints.end(), [&](const Endpoint& candidate) {
    if (!candidate.method.empty() && candidate.method != request.method) return false;
    parameter = match(candidate, path);
    return parameter.has_value();
  });
  const bool known = endpoint != kEndpoints.end();
  respond = timed(std::move(respond), options_, known ? endpoint : nullptr);
  if (!known) return respond(not_found_answer());
  if (endpoint->operate != nullptr) return run_operation(*endpoint, engine_, request.body, std::move(respond));
  std::optional<std::string> decoded = percent_decode(*parameter, Plus::itself);
  if (!decoded) return respond(error_answer(invalid("the path: % must stand in front of two hexadecimal digits")));
  endpoint->handle({engine_, options_, std::move(request.body),
                    QueryString::parse(target.substr(std::min(target.size(), path.size() + 1))), std::move(*decoded),
                    std::move(respond)});
}

void Api::handle_json_rpc_alone(http::Request request, http::Respond respond) const {
  const std::string_view target = request.target;
  if (target.substr(0, target.find('?')) != kJsonRpcPath) {
    return timed(std::move(respond), options_, nullptr)(not_found_answer());
  }
  handle(std::move(request), std::move(respond));
}

std::vector<std::string> Api::endpoints() {
  std::vector<std::string> names;
  names.reserve(kEndpoints.size());
  for (const Endpoint& endpoint : kEndpoints) {
    names.push_back(std::string(endpoint.method.empty() ? "GET" : endpoint.method) + " " + std::string(endpoint.path));
  }
  return names;
}

}  // namespace settle::dtm
