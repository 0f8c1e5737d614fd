// What a request for a transaction does, whatever interface it came by.
#pragma once

#include "settle/engine.hpp"
#include "transports/dtm/request.hpp"

namespace settle::dtm {

// Submits it; a workflow with the final status that its req_extra tells.
void submit_transaction(Engine& engine, TransactionRequest request, Completion<Done> completion);

}  // namespace settle::dtm
