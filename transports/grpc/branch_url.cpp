#include <algorithm>

#include "settle/grpc/branch_caller.hpp"

namespace settle::rpc {
namespace {

constexpr std::string_view kForm =
    " is no url of a gRPC branch: it should look like host:port/package.Service/Method, or have the target of a "
    "registry in front, as etcd://host:port/key/package.Service/Method";

// A slash, then a name, then a slash and another name: what gRPC calls a path.
bool is_method(std::string_view path) {
  const std::size_t middle = path.find('/', 1);
  return path.size() > 3 && path.front() == '/' && middle != std::string_view::npos && middle > 1 &&
         middle + 1 < path.size() && std::all_of(path.begin(), path.end(), [](char letter) {
           return letter > ' ' && letter <= '~' && letter != '?' && letter != '#';
         });
}

Result<BranchAddress> cut(std::string_view url, std::size_t target_end) {
  if (target_end > 0 && target_end < url.size() && is_method(url.substr(target_end))) {
    return BranchAddress{std::string(url.substr(0, target_end)), std::string(url.substr(target_end))};
  }
  return Error{Code::invalid, "'" + std::string(url) + "'" + std::string(kForm)};
}

}  // namespace

Result<BranchAddress> parse_branch_url(std::string_view url) {
  const std::size_t scheme_end = url.find("://");
  const bool has_scheme = scheme_end != std::string_view::npos && scheme_end < url.find_first_of("/?");
  if (!has_scheme) return cut(url, url.find('/'));
  const std::size_t path = url.find('/', scheme_end + 3);
  if (path == std::string_view::npos) return cut(url, url.size());
  const std::size_t query = url.find('?', path);
  const std::size_t method = url.find('/', path + 1);
  if (query == std::string_view::npos || method == std::string_view::npos || method > query) {
    return cut(url, method == std::string_view::npos ? url.size() : method);
  }
  // Here the method stands in front of the query, which belongs to the target.
  Result<BranchAddress> address = cut(url.substr(0, query), method);
  if (address) address.value().target += url.substr(query);
  return address;
}

}  // namespace settle::rpc
