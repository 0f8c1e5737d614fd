#include "transports/grpc/metadata.hpp"

#include <grpc/grpc.h>
#include <grpcpp/client_context.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace settle::rpc {
namespace {

constexpr std::array<std::string_view, 9> kOwnHeaders{
    "content-type", "content-length",    "te",     "user-agent", "host", "connection",
    "keep-alive",   "transfer-encoding", "upgrade"};

bool is_own(std::string_view name) {
  return name.starts_with("grpc-") || std::find(kOwnHeaders.begin(), kOwnHeaders.end(), name) != kOwnHeaders.end();
}

grpc_slice unowned(std::string_view text) { return grpc_slice_from_static_buffer(text.data(), text.size()); }

// gRPC ends the process where it is given anything else.
bool is_legal_name(std::string_view name) { return grpc_header_key_is_legal(unowned(name)) != 0; }
bool is_legal_value(std::string_view name, std::string_view value) {
  return name.ends_with("-bin") || grpc_header_nonbin_value_is_legal(unowned(value)) != 0;
}

std::optional<std::string> add(grpc::ClientContext& context, const std::string& name, const std::string& value) {
  if (!is_legal_name(name)) return "gRPC cannot carry metadata of the name '" + name + "'";
  if (!is_legal_value(name, value))
    return "gRPC can carry printable ASCII only, which " + name + " '" + value + "' is not";
  context.AddMetadata(name, value);
  return std::nullopt;
}

}  // namespace

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
    std::string lower = name;
    for (char& letter : lower) letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    if (is_own(lower)) continue;
    if (auto wrong = add(context, lower, value)) return wrong;
  }
  return std::nullopt;
}

}  // namespace settle::rpc
