// Where an answer sends the caller on, without a socket: as Go's HTTP client follows it, with which DTM calls branches.
#pragma once

#include <string_view>

#include "settle/result.hpp"
#include "transports/http/answer_parser.hpp"
#include "transports/http/branch_request.hpp"

namespace settle::http {

// All that are made for one call.
constexpr int kRequestsOfCallMax = 10;

// 301, 302, 303, 307 or 308 that says where to. Without that it is an answer like any other.
bool is_redirect(const Answer& answer);

// The request to make after this answer to `request`, which is a redirect: 307 and 308 ask the same of another url, the
// others a GET there, without the payload and the headers about it. What the caller added to the first url is not added
// again. Secrets of the branch headers go to the first host and those below it only, and no more once the way has left
// them. Code::invalid with a text where the call has had its kRequestsOfCallMax, or the Location is no url.
Result<OutboundRequest> redirected(const OutboundRequest& request, const Answer& answer);

}  // namespace settle::http
