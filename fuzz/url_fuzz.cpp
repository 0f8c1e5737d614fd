// Urls of branches over HTTP and gRPC, where answers lead to, addresses, and what stands behind a question mark.
#include <string>

#include "fuzz/fuzzer.hpp"
#include "settle/grpc/branch_caller.hpp"
#include "transports/dtm/query_string.hpp"
#include "transports/grpc/host_port.hpp"
#include "transports/http/url.hpp"

namespace settle::fuzz {
namespace {

constexpr std::size_t kUrlErrorBytesMax = 400;

bool is_sendable(std::string_view target) {
  return target.starts_with('/') && target.find_first_of(" \r\n\t#\"") == std::string_view::npos;
}

void check_http_url(std::string_view text) {
  const Result<http::Url> parsed = http::parse_url(text);
  if (!parsed) {
    check(parsed.error().code == Code::invalid, "a malformed url is the client's fault");
    check(parsed.error().message.size() <= kUrlErrorBytesMax, "of a long url only the beginning is shown");
    return;
  }
  const http::Url& url = parsed.value();
  check(!url.host.empty() && url.port != 0, "a url has a host and a port");
  check(is_sendable(url.target), "a target can stand in a request line", url.target);
  const std::string again_text = std::string(url.tls ? "https" : "http") + "://" +
                                 (url.user.empty() ? "" : http::percent_encode(url.user) + "@") + authority(url) +
                                 url.target;
  const Result<http::Url> again = http::parse_url(again_text);
  check(static_cast<bool>(again), "a url that is written anew is one", again_text);
  check(again.value().tls == url.tls && again.value().host == url.host && again.value().port == url.port,
        "a url that is written anew goes to the same place", again_text);
  check(again.value().user == url.user, "a url that is written anew has the same user", again_text);
  check(again.value().target == url.target, "a url that is written anew has the same target", again_text);
}

// Wherever an answer leads, it is a url like any other.
void check_location(std::string_view location) {
  for (const char* const base : {"http://host/a/b?c=d", "https://me:pw@host:8"}) {
    const Result<http::Url> resolved = http::resolve_url(http::parse_url(base).value(), location);
    if (!resolved) {
      check(resolved.error().code == Code::invalid, "a malformed location is the participant's fault");
      continue;
    }
    const std::string text = http::url_text(resolved.value());
    check(is_sendable(resolved.value().target), "a target can stand in a request line", text);
    const Result<http::Url> again = http::resolve_url(http::parse_url("http://other").value(), text);
    check(again && http::url_text(again.value()) == text, "what was resolved is a url that means itself", text);
  }
}

void check_grpc_url(std::string_view text) {
  const Result<rpc::BranchAddress> parsed = rpc::parse_branch_url(text);
  if (!parsed) return check(parsed.error().code == Code::invalid, "a malformed url is the client's fault");
  const rpc::BranchAddress& address = parsed.value();
  check(!address.target.empty() && address.method.starts_with('/'), "an address has a target and a method");
  // The method stands at the end, or in front of the target's query.
  bool whole = address.target + address.method == text;
  for (std::size_t query = 0; !whole && query < address.target.size(); ++query) {
    if (address.target[query] != '?') continue;
    whole = address.target.substr(0, query) + address.method + address.target.substr(query) == text;
  }
  check(whole, "target and method are the whole url", address.target);
}

void check_percent(std::string_view text) {
  const std::string encoded = http::percent_encode(text);
  check(http::percent_decode(encoded) == text, "what is percent-encoded comes back");
  for (const auto plus : {dtm::Plus::blank, dtm::Plus::itself}) {
    const auto decoded = dtm::percent_decode(encoded, plus);
    check(decoded && *decoded == text, "what is percent-encoded comes back from a query");
  }
  if (const auto decoded = dtm::percent_decode(text, dtm::Plus::itself)) {
    check(*decoded == http::percent_decode(text), "both decoders agree");
  }
}

void check_query(std::string_view text) {
  const dtm::QueryString query = dtm::QueryString::parse(text);
  const std::string pair = "name=" + http::percent_encode(text) + "&" + std::string(text);
  check(dtm::QueryString::parse(pair).get("name") == text, "a value comes back, whatever follows it");
  const Result<std::int64_t> number = query.number("limit", 7, 1, 100);
  check(!number || (number.value() >= 1 && number.value() <= 100), "a number stays within its bounds");
}

}  // namespace

void run(std::string_view input) {
  check_http_url(input);
  check_location(input);
  check_grpc_url(input);
  check_percent(input);
  check_query(input);
  if (is_host_port(input)) {
    check(static_cast<bool>(http::parse_url("http://" + std::string(input))), "an address can stand in a url", input);
  }
}

}  // namespace settle::fuzz
