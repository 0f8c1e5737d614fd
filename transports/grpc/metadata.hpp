// What a participant is told beside the message (protocol.md §8).
#pragma once

#include <optional>
#include <string>

#include "settle/branch_caller.hpp"

namespace grpc {
class ClientContext;
}

namespace settle::rpc {

// Adds dtm-gid, dtm-trans_type, dtm-branch_id, dtm-op, dtm-dtm and the branch_headers, their names in lower case. Those
// of the transport itself (content-type, te, user-agent, grpc-…) are left out, as they are the library's own. Nothing
// is to be sent where it returns what is wrong: gRPC carries printable ASCII only.
std::optional<std::string> add_metadata(const BranchCall& call, grpc::ClientContext& context);

}  // namespace settle::rpc
