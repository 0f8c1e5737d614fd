#include "transports/grpc/metadata.hpp"

#include <grpc/grpc.h>
#include <grpcpp/client_context.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace settle::rpc {
namespace {

// Headers that are the transport's or the library's own, which takes values of these for something else than text.
constexpr std::array<std::string_view, 14> kOwnHeaders{"content-type",
                                                       "content-length",
                                                       "te",
                                                       "user-agent",
                                                       "host",
                                                       "connection",
                                                       "keep-alive",
                                                       "upgrade",
                                                       "transfer-encoding",
                                                       "lb-token",
                                                       "lb-cost-bin",
                                                       "grpclb_client_stats",
                                                       "endpoint-load-metrics-bin",
                                                       "x-envoy-peer-metadata"};

bool is_own(std::string_view name) {
  return name.starts_with("grpc-") || std::find(kOwnHeaders.begin(), kOwnHeaders.end(), name) != kOwnHeaders.end();
}

grpc_slice unowned(std::string_view text) { return grpc_slice_from_static_buffer(text.data(), text.size()); }

std::optional<std::string> add(grpc::ClientContext& context, const std::string& name, const std::string& value) {
  if (auto wrong = check_metadata(name, value)) return wrong;
  context.AddMetadata(name, value);
  return std::nullopt;
}

}  // namespace

std::optional<std::string> check_metadata(std::string_view name, std::string_view value) {
  if (is_own(name)) return std::nullopt;  // never sent
  if (grpc_header_key_is_legal(unowned(name)) == 0) {
    return "gRPC cannot carry metadata of the name '" + std::string(name) + "'";
  }
  if (grpc_is_binary_header(unowned(name)) != 0 || grpc_header_nonbin_value_is_legal(unowned(value)) != 0) {
    return std::nullopt;
  }
  return std::string(name) + ": gRPC can carry printable ASCII only, which '" + std::string(value) + "' is not";
}

std::string metadata_name(std::string_view header) {
  std::string name(header);
  for (char& letter : name) letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  return name;
}

std::optional<std::string> add_metadata(const BranchCall& call, grpc::ClientContext& context) {
  static const std::string kGid = "dtm-gid";
  static const std::string kTransType = "dtm-trans_type";
  static const std::string kBranchId = "dtm-branch_id";
  static const std::string kOperation = "dtm-op";
  static const std::string kDtm = "dtm-dtm";
  if (auto wrong = add(context, kGid, call.gid)) return wrong;
  context.AddMetadata(kTransType, std::string(to_string(call.trans_type)));
  if (auto wrong = add(context, kBranchId, call.branch_id)) return wrong;
  if (auto wrong = add(context, kOperation, call.operation)) return wrong;
  context.AddMetadata(kDtm, "");
  if (call.headers == nullptr) return std::nullopt;
  for (const auto& [name, value] : *call.headers) {
    const std::string lower = metadata_name(name);
    if (is_own(lower)) continue;
    if (auto wrong = add(context, lower, value)) return wrong;
  }
  return std::nullopt;
}

}  // namespace settle::rpc
