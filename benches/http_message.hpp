// HTTP/1.1 as the bench needs it: short messages of known form, found in what was received without copying.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "benches/transaction_source.hpp"

namespace settle::bench {

// A whole message at the front of some bytes; the views point into them.
struct HttpMessage {
  std::string_view first_line;  // "POST /path?query HTTP/1.1" or "HTTP/1.1 200 OK"
  std::string_view body;
  std::size_t size = 0;      // of the message, in bytes
  bool close_after = false;  // its sender closes the connection behind it
};

enum class HttpFound : std::uint8_t { whole, partial, malformed };

// Looks for a message at the front of `bytes`. Fills `message` where it is whole. A body's length must be told by
// Content-Length (none: no body): chunked ones are malformed here.
HttpFound find_http_message(std::string_view bytes, HttpMessage& message);

// The status of an answer's first line; 0 where it is not one.
int http_status(std::string_view first_line);

// The call that a request's first line is; nothing where one of the three is missing.
std::optional<CalledBranch> called_branch(std::string_view first_line);

}  // namespace settle::bench
