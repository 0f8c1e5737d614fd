#include "transports/http/branch_request.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
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

bool frames_the_message(std::string_view name) {
  constexpr std::array<std::string_view, 8> kNames = {"content-length", "transfer-encoding", "connection", "keep-alive",
                                                      "expect",         "upgrade",           "te",         "trailer"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [name](std::string_view one) { return equals_ignoring_case(one, name); });
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

using Headers = std::map<std::string, std::string>;

void append_own_field(std::string& head, const Headers* headers, std::string_view name, std::string_view value) {
  const bool overridden = headers != nullptr && std::any_of(headers->begin(), headers->end(), [name](const auto& one) {
                            return equals_ignoring_case(one.first, name);
                          });
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

Result<std::string> request_head(const BranchCall& call, const Url& url) {
  const Headers* const headers = call.headers.get();
  std::string head;
  head.reserve(256 + url.target.size());
  const bool posts = !call.payload.empty() || call.trans_type == TransType::xa;
  head += posts ? "POST " : "GET ";
  head += url.target;
  head += " HTTP/1.1\r\n";
  append_own_field(head, headers, "Host", authority(url));
  append_own_field(head, headers, "User-Agent", "settle");
  append_own_field(head, headers, "Content-Type", kJson);
  append_own_field(head, headers, "Accept", kJson);
  if (!url.user.empty()) append_own_field(head, headers, "Authorization", "Basic " + base64(url.user));
  if (posts) append_field(head, "Content-Length", std::to_string(call.payload.size()));
  if (headers != nullptr) {
    for (const auto& [name, value] : *headers) {
      if (!is_token(name)) return Error{Code::invalid, "branch header with a malformed name"};
      if (!is_field_value(value)) {
        return Error{Code::invalid, "branch header '" + name + "': the value holds a control character"};
      }
      if (!frames_the_message(name)) append_field(head, name, value);
    }
  }
  head += "\r\n";
  return head;
}

}  // namespace settle::http
