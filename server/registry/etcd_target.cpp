#include "server/registry/etcd_target.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "server/registry/host_port.hpp"
#include "transports/dtm/query_string.hpp"

namespace settle::server {
namespace {

// A target cut into its parts. Nothing is decoded yet.
struct Parts {
  std::string_view authority;
  std::string_view path;  // without the slashes around it
  std::string_view query;
};

Error malformed(std::string_view why) {
  return {Code::invalid, std::string(why) + "; a target looks like etcd://127.0.0.1:2379,127.0.0.1:22379/dtmservice"};
}

std::string_view without_slashes(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

std::optional<Parts> split(std::string_view text) {
  const std::size_t scheme_end = text.find("://");
  const std::string_view scheme = text.substr(0, scheme_end);
  if (scheme_end == std::string_view::npos || (scheme != "etcd" && scheme != "discov")) return std::nullopt;
  text.remove_prefix(scheme_end + 3);
  Parts parts;
  const std::size_t query_start = text.find('?');
  if (query_start != std::string_view::npos) parts.query = text.substr(query_start + 1);
  text = text.substr(0, query_start);
  const std::size_t path_start = std::min(text.find('/'), text.size());
  parts.authority = text.substr(0, path_start);
  parts.path = without_slashes(text.substr(path_start));
  return parts;
}

bool holds_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char character) {
    const auto byte = static_cast<unsigned char>(character);
    return byte < 0x20 || byte == 0x7f;
  });
}

Result<EtcdTls> parse_tls(const dtm::QueryString& query) {
  const std::string_view enabled = query.get("tls");
  if (!enabled.empty() && enabled != "true" && enabled != "false") return malformed("tls= must be true or false");
  EtcdTls tls;
  tls.ca_file = query.get("ca_file");
  tls.cert_file = query.get("cert_file");
  tls.key_file = query.get("key_file");
  if (tls.cert_file.empty() != tls.key_file.empty()) return malformed("cert_file= and key_file= go together");
  const bool has_files = !tls.ca_file.empty() || !tls.cert_file.empty();
  if (enabled == "false" && has_files) return malformed("tls=false, but there are files for TLS");
  tls.enabled = enabled == "true" || has_files;
  return tls;
}

Result<EtcdCredentials> parse_credentials(const dtm::QueryString& query) {
  auto tls = parse_tls(query);
  if (!tls) return tls.error();
  EtcdCredentials credentials;
  credentials.user = query.get("user");
  credentials.password = query.get("password");
  credentials.tls = std::move(tls.value());
  if (credentials.user.empty() && !credentials.password.empty()) return malformed("password= without user=");
  return credentials;
}

}  // namespace

Result<EtcdTarget> parse_etcd_target(std::string_view text) {
  if (holds_control_character(text)) return malformed("there is a control character in it");
  const std::optional<Parts> parts = split(text);
  if (!parts) return malformed("it starts neither with etcd:// nor with discov://");
  const bool is_newer_form = parts->authority.empty();
  const std::string_view hosts_text = is_newer_form ? parts->path : parts->authority;
  if (hosts_text.find('@') != std::string_view::npos) {
    return malformed("user and password go behind the question mark, as ?user=…&password=…");
  }
  const dtm::QueryString query = dtm::QueryString::parse(parts->query);
  auto hosts = parse_host_list(hosts_text);
  if (!hosts) return malformed("of the hosts, " + hosts.error().message);
  auto credentials = parse_credentials(query);
  if (!credentials) return credentials.error();
  const std::optional<std::string> key =
      is_newer_form ? std::string(query.get("key")) : dtm::percent_decode(parts->path, dtm::Plus::itself);
  EtcdTarget target;
  if (key) target.key = without_slashes(*key);
  if (target.key.empty()) {
    return malformed(is_newer_form ? "behind the hosts there is no ?key=" : "behind the hosts there is no key");
  }
  if (holds_control_character(target.key)) return malformed("there is a control character in the key");
  target.access = {std::move(hosts.value()), std::move(credentials.value())};
  return target;
}

std::string describe(const EtcdAccess& access) { return "etcd at " + join_hosts(access.hosts); }

}  // namespace settle::server
