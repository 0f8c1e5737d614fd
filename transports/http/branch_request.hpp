// What is sent to a participant, without a socket.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "settle/branch_caller.hpp"
#include "settle/result.hpp"
#include "transports/http/url.hpp"

namespace settle::http {

struct OutboundRequest {
  Url url;
  bool posts = false;                                                 // with a payload, else a GET without
  std::shared_ptr<const std::map<std::string, std::string>> headers;  // branch_headers; null where there are none

  // Only where an answer led here, see redirect.hpp.
  int redirects = 0;          // how many
  std::string first_host;     // the host that was called first
  std::string referer;        // the url that led here; empty: is not told
  bool tells_secrets = true;  // Authorization, Cookie and the like, of the branch headers
  bool tells_host = true;     // Host, of the branch headers
  bool tells_body = true;     // the headers about a body: Content-Type and the like
};

// A POST where there is a payload, and always for an xa. `url` is that of branch_target(call), or of the call itself
// where it is called over JSON-RPC.
OutboundRequest first_request(const BranchCall& call, Url url);

// The request line and the header fields, down to the empty line. Branch headers come in place of our own of the same
// name, whatever its case; those that say how the message is framed (Content-Length, Transfer-Encoding, Connection and
// the like) stay ours. A name or value that would break the message is Code::invalid with a text that names the header.
Result<std::string> request_head(const OutboundRequest& request, std::size_t payload_bytes);

}  // namespace settle::http
