#include "benches/grpc_request.hpp"

#include <fmt/format.h>

#include "proto/dtm.pb.h"

namespace settle::bench {
namespace {

constexpr const char* kPayload = R"({"account":"0123456789","amount":30})";

// What every request of a transaction begins with.
template <class Message>
Message message_of(const TransactionShape& shape, const GidSeries& gids) {
  Message message;
  message.set_gid(gids.gid(0));
  message.set_transtype(std::string(to_string(shape.mode)));
  return message;
}

void set_options(dtmgimp::DtmRequest& request, const TransactionShape& shape) {
  request.mutable_transoptions()->set_waitresult(shape.wait_result);
  request.mutable_transoptions()->set_retryinterval(shape.retry_interval_s);
}

std::string method_named(const char* name) { return std::string("/dtmgimp.Dtm/") + name; }

}  // namespace

GrpcRequest::GrpcRequest(const TransactionShape& shape, const GidSeries& gids, std::uint16_t participant_port) {
  const std::string participant = fmt::format("127.0.0.1:{}/bench.Participant/", participant_port);
  if (shape.mode == Mode::tcc) {
    add_tcc(shape, gids, participant);
  } else {
    add_steps(shape, gids, participant);
  }
}

void GrpcRequest::add_steps(const TransactionShape& shape, const GidSeries& gids, const std::string& participant) {
  auto request = message_of<dtmgimp::DtmRequest>(shape, gids);
  set_options(request, shape);
  const std::string undo = shape.mode == Mode::saga ? fmt::format(R"(,"compensate":"{}Refund")", participant) : "";
  std::string steps;
  for (unsigned step = 0; step < shape.steps; ++step) {
    steps += fmt::format(R"({}{{"action":"{}Pay"{}}})", step > 0 ? "," : "", participant, undo);
    request.add_binpayloads(kPayload);
  }
  request.set_steps('[' + steps + ']');
  parts_.push_back({method_named("Submit"), NumberedBytes(request.SerializeAsString(), gids)});
}

void GrpcRequest::add_tcc(const TransactionShape& shape, const GidSeries& gids, const std::string& participant) {
  const auto prepare = message_of<dtmgimp::DtmRequest>(shape, gids);
  parts_.push_back({method_named("Prepare"), NumberedBytes(prepare.SerializeAsString(), gids)});
  for (unsigned step = 1; step <= shape.steps; ++step) {
    auto branch = message_of<dtmgimp::DtmBranchRequest>(shape, gids);
    branch.set_branchid(fmt::format("{:02}", step));
    branch.set_busipayload(kPayload);
    (*branch.mutable_data())["confirm"] = participant + "Confirm";
    (*branch.mutable_data())["cancel"] = participant + "Cancel";
    parts_.push_back({method_named("RegisterBranch"), NumberedBytes(branch.SerializeAsString(), gids)});
  }
  auto submit = message_of<dtmgimp::DtmRequest>(shape, gids);
  set_options(submit, shape);
  parts_.push_back({method_named("Submit"), NumberedBytes(submit.SerializeAsString(), gids)});
}

}  // namespace settle::bench
