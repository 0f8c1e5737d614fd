// Calls of branches over HTTP and JSON-RPC. A line each for url, gid, branch and operation; then headers, `name:
// value`, down to an empty line; then the payload. A gid that begins with `x` is that of an xa.
#include <map>
#include <memory>
#include <string>

#include <boost/json/parse.hpp>

#include "fuzz/fuzzer.hpp"
#include "settle/http/branch_caller.hpp"
#include "transports/http/branch_request.hpp"
#include "transports/http/json_rpc_branch.hpp"
#include "transports/http/request_parser.hpp"
#include "transports/http/url.hpp"

namespace settle::fuzz {
namespace {

namespace json = boost::json;

constexpr std::size_t kBytesMax = 1 << 20;

BranchCall read_call(std::string_view bytes) {
  Input input(bytes);
  BranchCall call{.protocol = Protocol::json_rpc};
  call.url = input.line();
  call.gid = input.line();
  call.branch_id = input.line();
  call.operation = input.line();
  if (call.gid.starts_with('x')) call.trans_type = TransType::xa;
  std::map<std::string, std::string> headers;
  for (std::string_view line = input.line(); !line.empty(); line = input.line()) {
    Input header(line);
    const std::string name(header.until(':'));
    header.until(' ');
    headers[name] = header.rest();
  }
  call.headers = std::make_shared<const std::map<std::string, std::string>>(std::move(headers));
  call.payload = input.rest();
  return call;
}

// Whatever is in the call, the participant reads one request, which is that call.
void check_request(const BranchCall& call) {
  const Result<http::Url> url = http::parse_url(http::branch_target(call));
  if (!url) return;
  const Result<std::string> head = http::request_head(http::first_request(call, url.value()), call.payload.size());
  if (!head) return check(head.error().code == Code::invalid, "a header that cannot be sent is the client's fault");
  const std::string message = head.value() + call.payload;
  http::RequestParser parser(kBytesMax, kBytesMax, kBytesMax);
  check(parser.feed(message) == message.size(), "a call is one request, and nothing behind it", message);
  check(parser.state() == http::RequestState::complete, "a call is a whole request", message);
  const http::Request request = parser.take_request();
  const bool posts = !call.payload.empty() || call.trans_type == TransType::xa;
  check(request.method == (posts ? "POST" : "GET"), "a call has its method", message);
  check(request.target == url.value().target, "a call has its target", message);
  check(request.body == call.payload, "a call has its payload", message);
}

void check_json_rpc(const BranchCall& call) {
  const Result<std::string> body = http::json_rpc_body(call);
  if (!body) return check(body.error().code == Code::invalid, "a payload that is no object is the client's fault");
  // The engine lets no other ones pass.
  if (!is_utf8(call.gid) || !is_utf8(call.branch_id) || !is_utf8(call.operation)) return;
  check(is_json(body.value()), "a call over JSON-RPC is JSON", body.value());
  const json::value value = json::parse(body.value(), {}, {.max_depth = 2'000});
  check(value.at("jsonrpc") == "2.0" && value.at("method").is_string(), "a call over JSON-RPC has a method");
  const json::object& params = value.at("params").as_object();
  check(params.at("gid") == json::string(call.gid), "the params tell the gid");
  check(params.at("branch_id") == json::string(call.branch_id), "the params tell the branch");
  check(params.at("op") == json::string(call.operation), "the params tell the operation");
  check(value.as_object().size() == 4, "a call over JSON-RPC has four members", body.value());
}

}  // namespace

void run(std::string_view bytes) {
  const BranchCall call = read_call(bytes);
  check_request(call);
  check_json_rpc(call);
}

}  // namespace settle::fuzz
