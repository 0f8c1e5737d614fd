// What clients do with transactions: the operations that HTTP and JSON-RPC share, and what goes over HTTP alone.
#include <utility>

#include "transports/dtm/answer.hpp"
#include "transports/dtm/endpoint.hpp"
#include "transports/dtm/transactions.hpp"

namespace settle::dtm {
namespace {

Completion<Done> without_value(Completion<OperationResult> completion) {
  return [completion = std::move(completion)](Result<Done> result) mutable {
    if (result) {
      completion(OperationResult());
    } else {
      completion(std::move(result.error()));
    }
  };
}

const std::string& extra(const TransactionRequest& request, const char* name) {
  static const std::string kNone;
  const auto found = request.extra.find(name);
  return found == request.extra.end() ? kNone : found->second;
}

// A workflow is submitted with its final status.
void finish_workflow(Engine& engine, TransactionRequest request, Completion<Done> completion) {
  const std::string& name = extra(request, "status");
  const std::optional<GlobalStatus> status = parse_global_status(name);
  if (!status || !is_final(*status)) {
    completion(invalid("req_extra.status: must be succeed or failed, is '" + name + "'"));
    return;
  }
  engine.finish_workflow(std::move(request.definition.gid), *status, extra(request, "rollback_reason"),
                         extra(request, "result"), std::move(completion));
}

// The gid that the body of a call names, or an answer that says what is wrong.
std::optional<std::string> read_gid(HttpCall& call) {
  const Document document(call.body, "the body");
  Result<std::string> gid =
      document.error() ? Result<std::string>(*document.error()) : parse_gid(document.value(), Origin::body);
  if (gid) return std::move(gid).value();
  call.respond(error_answer(gid.error()));
  return std::nullopt;
}

}  // namespace

void submit_transaction(Engine& engine, TransactionRequest request, Completion<Done> completion) {
  if (request.definition.type == TransType::workflow) {
    finish_workflow(engine, std::move(request), std::move(completion));
  } else {
    engine.submit(std::move(request.definition), std::move(completion));
  }
}

void new_gid(Operation operation) { operation.completion(OperationResult(operation.engine.new_gid())); }

void prepare(Operation operation) {
  Result<TransactionRequest> request = parse_transaction(operation.params, operation.origin);
  if (!request) return operation.completion(std::move(request.error()));
  operation.engine.prepare(std::move(request.value().definition), without_value(std::move(operation.completion)));
}

void submit(Operation operation) {
  Result<TransactionRequest> request = parse_transaction(operation.params, operation.origin);
  if (!request) return operation.completion(std::move(request.error()));
  submit_transaction(operation.engine, std::move(request).value(), without_value(std::move(operation.completion)));
}

void abort(Operation operation) {
  Result<Reference> parsed = parse_reference(operation.params, operation.origin);
  if (!parsed) return operation.completion(std::move(parsed.error()));
  Reference& reference = parsed.value();
  operation.engine.abort(std::move(reference.gid), reference.type, std::move(reference.rollback_reason),
                         without_value(std::move(operation.completion)));
}

void register_branch(Operation operation) {
  Result<BranchRequest> parsed = parse_branch(operation.params, operation.origin);
  if (!parsed) return operation.completion(std::move(parsed.error()));
  BranchRequest& request = parsed.value();
  operation.engine.register_branch(std::move(request.gid), request.type, std::move(request.registration),
                                   request.status, without_value(std::move(operation.completion)));
}

void prepare_workflow(HttpCall call) {
  const Document document(call.body, "the body");
  if (document.error()) return call.respond(error_answer(*document.error()));
  Result<TransactionRequest> request = parse_transaction(document.value(), Origin::body);
  if (!request) return call.respond(error_answer(request.error()));
  call.engine.prepare_workflow(std::move(request.value().definition),
                               [respond = std::move(call.respond)](Result<StoredTransaction> result) mutable {
                                 respond(result ? workflow_answer(result.value()) : error_answer(result.error()));
                               });
}

void force_stop(HttpCall call) {
  if (auto gid = read_gid(call)) {
    call.engine.force_stop(std::move(*gid), answer_done(std::move(call.respond)));
  }
}

void reset_next_cron_time(HttpCall call) {
  if (auto gid = read_gid(call)) {
    call.engine.make_due(std::move(*gid), answer_done(std::move(call.respond)));
  }
}

}  // namespace settle::dtm
