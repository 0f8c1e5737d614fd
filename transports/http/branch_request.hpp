// What is sent to a participant, without a socket.
#pragma once

#include <string>

#include "settle/branch_caller.hpp"
#include "settle/result.hpp"
#include "transports/http/url.hpp"

namespace settle::http {

// The request line and the header fields, down to the empty line: a POST where there is a payload, and always for an
// xa. `url` is that of branch_target(call), or of the call itself where it is called over JSON-RPC. Branch headers come
// in place of our own of the same name, whatever its case; those that say how the message is framed (Content-Length,
// Transfer-Encoding, Connection and the like) stay ours. A name or value that would break the message is Code::invalid
// with a text that names the header.
Result<std::string> request_head(const BranchCall& call, const Url& url);

}  // namespace settle::http
