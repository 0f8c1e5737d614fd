#include "transports/http/json_rpc_branch.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "transports/http/url.hpp"

namespace settle::http {
namespace {

namespace json = boost::json;

constexpr std::int64_t kFailure = -32901;
constexpr std::int64_t kOngoing = -32902;
constexpr std::size_t kNestingDepthMax = 1'000;

std::optional<json::object> parse_object(std::string_view text) {
  json::parse_options options;
  options.max_depth = kNestingDepthMax;
  json::error_code failed;
  json::value value = json::parse({text.data(), text.size()}, failed, {}, options);
  if (failed || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

std::string query_decode(std::string_view text) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return percent_decode(spaced);
}

// The first `method` of the url's query; empty where there is none.
std::string method_of(std::string_view url) {
  url = url.substr(0, url.find('#'));
  const std::size_t begin = url.find('?');
  if (begin == std::string_view::npos) return {};
  for (std::string_view query = url.substr(begin + 1); !query.empty();) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::string_view name = pair.substr(0, pair.find('='));
    if (query_decode(name) == "method") return query_decode(pair.substr(std::min(pair.size(), name.size() + 1)));
  }
  return {};
}

std::string quoted(std::string_view text) { return json::serialize(json::string_view(text.data(), text.size())); }

}  // namespace

bool is_json_rpc(const BranchCall& call) { return call.protocol == Protocol::json_rpc && !method_of(call.url).empty(); }

Result<std::string> json_rpc_body(const BranchCall& call) {
  const std::array<std::pair<std::string_view, std::string_view>, 4> own{{{"gid", call.gid},
                                                                          {"trans_type", to_string(call.trans_type)},
                                                                          {"branch_id", call.branch_id},
                                                                          {"op", call.operation}}};
  std::string params = call.payload.empty() ? "{}" : call.payload;
  auto members = parse_object(params);
  if (!members) {
    return Error{Code::invalid,
                 "the payload of branch " + call.branch_id + " is not a JSON object, as a call over JSON-RPC needs it"};
  }
  // Numbers keep every digit, for only a payload that has a member of ours is written anew.
  std::size_t clashes = 0;
  for (const auto& [name, value] : own) clashes += members->erase(json::string_view(name.data(), name.size()));
  if (clashes != 0) {
    params = json::serialize(*members);
    if (!parse_object(params)) {
      return Error{Code::invalid, "the payload of branch " + call.branch_id +
                                      " holds a number that is none once it is read, and a member of ours"};
    }
  }

  params.erase(params.rfind('}'));
  const char* separator = members->empty() ? "" : ",";
  for (const auto& [name, value] : own) {
    params += separator + quoted(name) + ':' + quoted(value);
    separator = ",";
  }
  const std::string method = quoted(method_of(call.url));
  json::error_code not_text;
  json::parse(method, not_text);
  if (not_text) {
    return Error{Code::invalid, "the method in the url of branch " + call.branch_id + " is not valid UTF-8"};
  }
  const std::string id = call.gid + '-' + call.branch_id + '-' + call.operation;
  return R"({"jsonrpc":"2.0","id":)" + quoted(id) + R"(,"method":)" + method + R"(,"params":)" + params + "}}";
}

CallResult classify_json_rpc(std::string_view body) {
  const auto answer = parse_object(body);
  if (!answer) return CallResult::unknown;
  const json::value* const error = answer->if_contains("error");
  if (error == nullptr || error->is_null()) return CallResult::success;
  const json::object* const details = error->if_object();
  const json::value* const code = details == nullptr ? nullptr : details->if_contains("code");
  if (code == nullptr) return CallResult::unknown;
  json::error_code not_whole;
  const auto number = code->to_number<std::int64_t>(not_whole);
  if (not_whole) return CallResult::unknown;
  if (number == kFailure) return CallResult::failure;
  return number == kOngoing ? CallResult::ongoing : CallResult::unknown;
}

}  // namespace settle::http
