// What a participant is told beside the message (protocol.md §8).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "settle/branch_caller.hpp"

namespace grpc {
class ClientContext;
}

namespace settle::rpc {

// What is wrong with this name or this value where it is to travel as metadata; nothing where it can. gRPC ends the
// process where it is given anything else.
std::optional<std::string> check_metadata(std::string_view name, std::string_view value);

// A header's name as metadata has it: in lower case.
std::string metadata_name(std::string_view header);

// Adds dtm-gid, dtm-trans_type, dtm-branch_id, dtm-op, dtm-dtm and the branch_headers, their names in lower case. Those
// of the transport itself (content-type, te, user-agent, grpc-…) are left out, as they are the library's own. Nothing
// is to be sent where it returns what is wrong: gRPC carries printable ASCII only.
std::optional<std::string> add_metadata(const BranchCall& call, grpc::ClientContext& context);

}  // namespace settle::rpc
