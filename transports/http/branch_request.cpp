#include "transports/http/branch_request.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "settle/http/branch_caller.hpp"
#include "settle/types.hpp"

namespace settle::http {
namespace {

constexpr std::string_view kJson = "application/json";

char lower(char character) {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a') : character;
}

bool equals_ignoring_case(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char one, char other) { return lower(one) == lower(other); });
}

bool is_token(std::string_view name) {
  static constexpr std::string_view kSymbols = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char character) {
    const char small = lower(character);
    return (small >= 'a' && small <= 'z') || (small >= '0' && small <= '9') ||
           kSymbols.find(character) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](char character) {
    const auto byte = static_cast<unsigned char>(character);
    return (byte < 0x20 && byte != '\t') || byte == 0x7f;
  });
}

template <std::size_t size>
bool is_one_of(const std::array<std::string_view, size>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(),
                     [name](std::string_view one) { return equals_ignoring_case(one, name); });
}

constexpr std::array<std::string_view, 8> kFraming = {"content-length", "transfer-encoding", "connection", "keep-alive",
                                                      "expect",         "upgrade",           "te",         "trailer"};
constexpr std::array<std::string_view, 6> kSecrets = {
    "authorization", "cookie", "cookie2", "www-authenticate", "proxy-authenticate", "proxy-authorization"};
constexpr std::array<std::string_view, 4> kOfBody = {"content-type", "content-encoding", "content-language",
                                                     "content-location"};

// Whether a branch header is sent with this request.
bool is_told(const OutboundRequest& request, std::string_view name) {
  if (is_one_of(kFraming, name)) return false;
  if (!request.tells_secrets && is_one_of(kSecrets, name)) return false;
  if (!request.tells_host && equals_ignoring_case(name, "host")) return false;
  return request.tells_body || !is_one_of(kOfBody, name);
}

std::string base64(const std::string& text) {
  std::string out((text.size() + 2) / 3 * 4 + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(length));
  return out;
}

void append_field(std::string& head, std::string_view name, std::string_view value) {
  head += name;
  head += ": ";
  head += value;
  head += "\r\n";
}

void append_own_field(std::string& head, const OutboundRequest& request, std::string_view name,
                      std::string_view value) {
  const auto overrides = [&request, name](const auto& one) {
    return equals_ignoring_case(one.first, name) && is_told(request, name);
  };
  const auto* const headers = request.headers.get();
  const bool overridden = headers != nullptr && std::any_of(headers->begin(), headers->end(), overrides);
  if (!overridden) append_field(head, name, value);
}

}  // namespace

CallResult classify(unsigned status, std::string_view body) {
  const auto says = [body](std::string_view word) { return body.find(word) != std::string_view::npos; };
  if (status == 0) return CallResult::unknown;
  if (status == 425 || says("ONGOING")) return CallResult::ongoing;
  if (status == 409 || says("FAILURE")) return CallResult::failure;
  return status == 200 ? CallResult::success : CallResult::unknown;
}

std::string branch_target(const BranchCall& call) {
  std::string out = call.url.substr(0, call.url.find('#'));
  const std::size_t query = out.find('?');
  if (query == std::string::npos) {
    out += '?';
  } else if (query + 1 != out.size() && out.back() != '&') {
    out += '&';
  }
  out += "branch_id=" + percent_encode(call.branch_id);
  out += "&gid=" + percent_encode(call.gid);
  out += "&op=" + percent_encode(call.operation);
  out += "&trans_type=" + percent_encode(to_string(call.trans_type));
  return out;
}

OutboundRequest first_request(const BranchCall& call, Url url) {
  OutboundRequest request;
  request.url = std::move(url);
  request.posts = !call.payload.empty() || call.trans_type == TransType::xa;
  request.headers = call.headers;
  return request;
}

Result<std::string> request_head(const OutboundRequest& request, std::size_t payload_bytes) {
  const Url& url = request.url;
  std::string head;
  head.reserve(256 + url.target.size());
  head += request.posts ? "POST " : "GET ";
  head += url.target;
  head += " HTTP/1.1\r\n";
  append_own_field(head, request, "Host", authority(url));
  append_own_field(head, request, "User-Agent", "settle");
  if (request.tells_body) append_own_field(head, request, "Content-Type", kJson);
  append_own_field(head, request, "Accept", kJson);
  if (!url.user.empty()) append_own_field(head, request, "Authorization", "Basic " + base64(url.user));
  if (!request.referer.empty()) append_own_field(head, request, "Referer", request.referer);
  if (request.posts) append_field(head, "Content-Length", std::to_string(payload_bytes));
  if (request.headers != nullptr) {
    for (const auto& [name, value] : *request.headers) {
      if (!is_token(name)) return Error{Code::invalid, "branch header with a malformed name"};
      if (!is_field_value(value)) {
        return Error{Code::invalid, "branch header '" + name + "': the value holds a control character"};
      }
      if (is_told(request, name)) append_field(head, name, value);
    }
  }
  head += "\r\n";
  return head;
}

}  // namespace settle::http
