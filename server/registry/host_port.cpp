#include "server/registry/host_port.hpp"

#include <algorithm>
#include <cstddef>

namespace settle::server {
namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

Result<std::vector<std::string>> parse_host_list(std::string_view text) {
  std::vector<std::string> hosts;
  for (bool more = true; more;) {
    const std::size_t comma = text.find(',');
    const std::string_view host = trimmed(text.substr(0, comma));
    if (!is_host_port(host)) return Error{Code::invalid, "'" + std::string(host) + "' is not host:port"};
    if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) hosts.emplace_back(host);
    more = comma != std::string_view::npos;
    if (more) text.remove_prefix(comma + 1);
  }
  return hosts;
}

std::string join_hosts(const std::vector<std::string>& hosts) {
  std::string text;
  for (const std::string& host : hosts) text += (text.empty() ? "" : ",") + host;
  return text;
}

}  // namespace settle::server
