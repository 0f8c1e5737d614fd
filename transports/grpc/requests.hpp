// Reading what clients send over gRPC (protocol.md §4), as what transports/dtm reads from JSON. Whatever is wrong is
// Code::invalid, with a message that names the field. gids are taken as they are. What a branch over HTTP can be told
// is taken, though a branch over gRPC cannot be told all of it (metadata.hpp): its calls say so.
#pragma once

#include "proto/dtm.pb.h"
#include "settle/result.hpp"
#include "transports/dtm/request.hpp"

namespace settle::rpc {

// The message may be moved from.
Result<dtm::TransactionRequest> read_transaction(dtmgimp::DtmRequest& message);
Result<dtm::Reference> read_reference(dtmgimp::DtmRequest& message);
Result<dtm::BranchRequest> read_branch(dtmgimp::DtmBranchRequest& message);

}  // namespace settle::rpc
