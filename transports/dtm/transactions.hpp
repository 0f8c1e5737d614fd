// What a request for a transaction does, whatever interface it came by.
#pragma once

#include "settle/engine.hpp"
#include "transports/dtm/request.hpp"

namespace settle::dtm {

// Submits it; a workflow with the final status that its req_extra tells.
void submit_transaction(Engine& engine, TransactionRequest request, Completion<Done> completion);

// Creates or finds a workflow. One that is to be called back needs the name to call it by.
void prepare_workflow(Engine& engine, Definition definition, Completion<StoredTransaction> completion);

}  // namespace settle::dtm
