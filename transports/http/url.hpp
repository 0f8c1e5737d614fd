// The urls of branches: `http://user:password@host:8080/path?query`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "settle/result.hpp"

namespace settle::http {

struct Url {
  bool tls = false;
  std::string host;  // without the brackets of an IPv6 address; lower case
  std::uint16_t port = 80;
  std::string user;    // percent-decoded `user:password`; empty where the url has none
  std::string target;  // path and query, fit to be sent; never empty
};

// Schemes are http and https in any case. What a request line cannot hold (spaces, quotes, bytes beyond ASCII) is
// percent-encoded in the target; a fragment is cut off. Control characters, an empty host, a port beyond 1 … 65535 and
// other schemes are Code::invalid with a text that says so.
Result<Url> parse_url(std::string_view text);

// What `location` means where it stands in an answer to a request of `base`: a url, or a part of one that the base
// completes. `.` and `..` in its path are followed. The user of the base stays where the host does; errors are those of
// parse_url().
Result<Url> resolve_url(const Url& base, std::string_view location);

// Whether it begins with a scheme, so that it means the same wherever it stands.
bool has_scheme(std::string_view location);

// `http://host:8080/path?query`, without the user.
std::string url_text(const Url& url);

// `host`, `host:8080` or `[::1]:8080`, as the Host header and error texts have it; a scheme's own port is left out.
std::string authority(const Url& url);

// %XX as the byte it stands for; what is not that stays.
std::string percent_decode(std::string_view text);

// Everything but letters, digits and `-_.~` as %XX.
std::string percent_encode(std::string_view text);

}  // namespace settle::http
