#include "transports/grpc/requests.hpp"

#include <iterator>
#include <utility>

#include "engine/json/custom_data.hpp"
#include "transports/dtm/steps.hpp"

namespace settle::rpc {
namespace {

using StringMap = google::protobuf::Map<std::string, std::string>;

Error no_gid() { return dtm::invalid("no gid specified"); }

const std::string& text_in(const StringMap& map, const char* name) {
  static const std::string kNone;
  const auto found = map.find(name);
  return found == map.end() ? kNone : found->second;
}

Result<Done> read_options(const dtmgimp::DtmTransOptions& message, Options& options) {
  options.wait_result = message.waitresult();
  options.timeout_to_fail_s = message.timeouttofail();
  options.retry_interval_s = message.retryinterval();
  options.request_timeout_s = message.requesttimeout();
  options.retry_limit = message.retrylimit();
  for (const auto& [name, value] : message.branchheaders()) {
    if (Result<Done> ok = dtm::check_branch_header(name, value); !ok) return ok;
    options.branch_headers.emplace(name, value);
  }
  return Done{};
}

}  // namespace

Result<dtm::TransactionRequest> read_transaction(dtmgimp::DtmRequest& message) {
  if (message.gid().empty()) return no_gid();
  Result<TransType> type = dtm::parse_type(message.transtype());
  if (!type) return std::move(type.error());
  dtm::TransactionRequest request;
  Definition& definition = request.definition;
  definition.gid = std::move(*message.mutable_gid());
  definition.type = type.value();
  definition.protocol = Protocol::grpc;
  definition.query_prepared = std::move(*message.mutable_queryprepared());
  definition.custom_data = std::move(*message.mutable_customeddata());
  if (Result<Done> ok = read_options(message.transoptions(), definition.options); !ok) return std::move(ok.error());
  if (Result<Done> ok = dtm::parse_custom_data(definition); !ok) return std::move(ok.error());
  auto& payloads = *message.mutable_binpayloads();
  Result<Done> steps = dtm::parse_steps(
      message.steps(), {std::make_move_iterator(payloads.begin()), std::make_move_iterator(payloads.end())},
      definition);
  if (!steps) return std::move(steps.error());
  request.extra = {message.reqextra().begin(), message.reqextra().end()};
  return request;
}

Result<dtm::Reference> read_reference(dtmgimp::DtmRequest& message) {
  if (message.gid().empty()) return no_gid();
  dtm::Reference reference;
  if (!message.transtype().empty()) {
    Result<TransType> type = dtm::parse_type(message.transtype());
    if (!type) return std::move(type.error());
    reference.type = type.value();
  }
  reference.gid = std::move(*message.mutable_gid());
  reference.rollback_reason = std::move(*message.mutable_rollbackreason());
  return reference;
}

Result<dtm::BranchRequest> read_branch(dtmgimp::DtmBranchRequest& message) {
  Result<TransType> type = dtm::parse_branch_type(message.transtype());
  if (!type) return std::move(type.error());
  if (message.gid().empty()) return no_gid();
  dtm::BranchRequest request;
  request.gid = std::move(*message.mutable_gid());
  request.type = type.value();
  Registration& registration = request.registration;
  registration.branch_id = std::move(*message.mutable_branchid());
  registration.payload = std::move(*message.mutable_busipayload());
  const StringMap& data = message.data();
  if (request.type == TransType::tcc) {
    registration.url = text_in(data, "confirm");
    registration.cancel_url = text_in(data, "cancel");
  } else if (request.type == TransType::xa) {
    registration.url = text_in(data, "url");
  } else {
    const std::string& operation = text_in(data, "op");
    registration.operation = operation.empty() ? message.op() : operation;
    Result<BranchStatus> status = dtm::parse_status(text_in(data, "status"));
    if (!status) return std::move(status.error());
    request.status = status.value();
  }
  return request;
}

}  // namespace settle::rpc
