#include "transports/http/redirect.hpp"

#include <string>
#include <utility>

#include "transports/http/url.hpp"

namespace settle::http {
namespace {

bool keeps_method(unsigned status) { return status == 307 || status == 308; }

bool is_host_or_below(std::string_view host, std::string_view top) {
  if (host == top) return true;
  const bool is_address = host.find(':') != std::string_view::npos;
  return !is_address && host.ends_with("." + std::string(top));
}

}  // namespace

bool is_redirect(const Answer& answer) {
  const bool leads_on =
      answer.status == 301 || answer.status == 302 || answer.status == 303 || keeps_method(answer.status);
  return leads_on && !answer.location.empty();
}

Result<OutboundRequest> redirected(const OutboundRequest& request, const Answer& answer) {
  if (request.redirects + 1 == kRequestsOfCallMax) {
    return Error{Code::invalid, "redirected " + std::to_string(kRequestsOfCallMax) + " times"};
  }
  Result<Url> url = resolve_url(request.url, answer.location);
  if (!url) return Error{Code::invalid, "redirected to a " + url.error().message};
  OutboundRequest next = request;
  next.url = std::move(url).value();
  ++next.redirects;
  if (next.first_host.empty()) next.first_host = request.url.host;
  next.referer = request.url.tls && !next.url.tls ? "" : url_text(request.url);
  if (!is_host_or_below(next.url.host, next.first_host)) next.tells_secrets = false;
  if (has_scheme(answer.location)) next.tells_host = false;
  if (!keeps_method(answer.status)) {
    next.posts = false;
    next.tells_body = false;
  }
  return next;
}

}  // namespace settle::http
