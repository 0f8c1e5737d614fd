#include "transports/http/url.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <system_error>
#include <utility>

namespace settle::http {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;
constexpr std::size_t kHostBytesMax = 255;

bool is_letter(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

bool is_alphanumeric(char character) { return is_letter(character) || (character >= '0' && character <= '9'); }

char lower(char character) {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a') : character;
}

bool is_control(char character) {
  const auto byte = static_cast<unsigned char>(character);
  return byte < 0x20 || byte == 0x7f;
}

void append_encoded(std::string& out, char character) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(character);
  out += '%';
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

int hex_value(char character) {
  const char digit = lower(character);
  if (digit >= '0' && digit <= '9') return digit - '0';
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

Error malformed(std::string_view text, std::string_view why) {
  std::string shown(text.substr(0, 200));
  std::replace_if(shown.begin(), shown.end(), is_control, '?');
  return Error{Code::invalid, "malformed url '" + shown + "': " + std::string(why)};
}

std::string sendable_target(std::string_view target) {
  constexpr std::string_view kUnfit = " \"<>\\^`{|}";
  std::string out;
  out.reserve(target.size());
  if (target.empty() || target.front() != '/') out += '/';
  for (const char character : target) {
    if (static_cast<unsigned char>(character) >= 0x80 || kUnfit.find(character) != std::string_view::npos) {
      append_encoded(out, character);
    } else {
      out += character;
    }
  }
  return out;
}

// The path of a target, which begins with a slash, with `.` and `..` followed; the query stays as it is.
std::string without_dot_segments(std::string_view target) {
  const std::size_t query = std::min(target.find('?'), target.size());
  std::string_view rest = target.substr(0, query);
  std::string out;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('/', 1), rest.size());
    const std::string_view segment = rest.substr(1, end - 1);
    rest.remove_prefix(end);
    if (segment == "..") out.resize(out.empty() ? 0 : out.rfind('/'));
    if (segment != "." && segment != "..") {
      out += '/';
      out += segment;
    } else if (rest.empty()) {
      out += '/';
    }
  }
  out += target.substr(query);
  return out;
}

// Splits off `:port`, where there is one. False where it is not a port.
bool take_port(std::string_view& host, std::uint16_t& port) {
  const std::size_t closing = host.rfind(']');
  const std::size_t colon = host.find(':', closing == std::string_view::npos ? 0 : closing);
  if (colon == std::string_view::npos) return true;
  const std::string_view digits = host.substr(colon + 1);
  host = host.substr(0, colon);
  if (digits.empty()) return true;
  const char* const end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, port);
  return error == std::errc() && rest == end && port != 0;
}

// Names and addresses; what they may not hold would be taken for something else in a Host header.
bool is_host(std::string_view host, bool bracketed) {
  if (host.empty() || host.size() > kHostBytesMax) return false;
  return std::all_of(host.begin(), host.end(), [bracketed](char character) {
    return is_alphanumeric(character) || character == '-' || character == '.' || character == '_' ||
           (bracketed && (character == ':' || character == '%'));
  });
}

}  // namespace

std::string percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t index = 0; index < text.size(); ++index) {
    const bool escape = text[index] == '%' && index + 2 < text.size() && hex_value(text[index + 1]) >= 0 &&
                        hex_value(text[index + 2]) >= 0;
    if (escape) {
      out += static_cast<char>(hex_value(text[index + 1]) * 16 + hex_value(text[index + 2]));
      index += 2;
    } else {
      out += text[index];
    }
  }
  return out;
}

Result<Url> parse_url(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), is_control)) return malformed(text, "control character");
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return malformed(text, "no scheme");
  std::string scheme(text.substr(0, scheme_end));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(), lower);
  Url url;
  url.tls = scheme == "https";
  if (!url.tls && scheme != "http") return malformed(text, "the scheme is neither http nor https");
  url.port = url.tls ? kHttpsPort : kHttpPort;

  std::string_view rest = text.substr(scheme_end + 3);
  rest = rest.substr(0, rest.find('#'));
  const std::size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view host = rest.substr(0, authority_end);
  url.target = sendable_target(rest.substr(authority_end));

  const std::size_t user_end = host.rfind('@');
  if (user_end != std::string_view::npos) {
    url.user = percent_decode(host.substr(0, user_end));
    host.remove_prefix(user_end + 1);
  }
  if (!take_port(host, url.port)) return malformed(text, "the port is not a number of 1 to 65535");
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty()) return malformed(text, "no host");
  if (!is_host(host, bracketed)) return malformed(text, "the host is neither a name nor an address");
  url.host.resize(host.size());
  std::transform(host.begin(), host.end(), url.host.begin(), lower);
  return url;
}

Result<Url> resolve_url(const Url& base, std::string_view location) {
  const bool names_host = has_scheme(location) || location.starts_with("//");
  if (names_host) {
    const std::string scheme = base.tls ? "https:" : "http:";
    Result<Url> url = parse_url(has_scheme(location) ? std::string(location) : scheme + std::string(location));
    if (url) url.value().target = without_dot_segments(url.value().target);
    return url;
  }
  if (std::any_of(location.begin(), location.end(), is_control)) return malformed(location, "control character");
  location = location.substr(0, location.find('#'));
  Url url = base;
  if (location.empty()) return url;
  const std::string_view path = std::string_view(base.target).substr(0, base.target.find('?'));
  std::string target;
  if (location.front() == '?') target = path;
  if (location.front() != '?' && location.front() != '/') target = path.substr(0, path.rfind('/') + 1);
  url.target = without_dot_segments(sendable_target(target.append(location)));
  return url;
}

bool has_scheme(std::string_view location) {
  const std::size_t end = location.find(':');
  if (end == std::string_view::npos || end == 0 || !is_letter(location.front())) return false;
  return std::all_of(location.begin(), location.begin() + static_cast<std::ptrdiff_t>(end), [](char character) {
    return is_alphanumeric(character) || character == '+' || character == '-' || character == '.';
  });
}

std::string url_text(const Url& url) { return (url.tls ? "https://" : "http://") + authority(url) + url.target; }

std::string authority(const Url& url) {
  const bool bracketed = url.host.find(':') != std::string::npos;
  std::string out = bracketed ? "[" + url.host + "]" : url.host;
  if (url.port != (url.tls ? kHttpsPort : kHttpPort)) out += ":" + std::to_string(url.port);
  return out;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char character : text) {
    const bool plain =
        is_alphanumeric(character) || character == '-' || character == '_' || character == '.' || character == '~';
    if (plain) {
      out += character;
    } else {
      append_encoded(out, character);
    }
  }
  return out;
}

}  // namespace settle::http
