#include "benches/grpc_request.hpp"

#include <doctest/doctest.h>

#include <string>

#include "proto/dtm.pb.h"

using namespace settle::bench;

namespace {

template <class Message>
Message parsed(std::string_view bytes) {
  Message message;
  REQUIRE(message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  return message;
}

}  // namespace

TEST_CASE("bench/grpc request: a saga -> one submit with steps, payloads and the number's gid") {
  const GidSeries gids;
  GrpcRequest request({.mode = Mode::saga, .steps = 2, .wait_result = true}, gids, 1234);
  REQUIRE(request.parts() == 1);
  CHECK(request.method(0) == "/dtmgimp.Dtm/Submit");
  const auto message = parsed<dtmgimp::DtmRequest>(request.numbered(56, 0));
  CHECK(message.gid() == gids.gid(56));
  CHECK(message.transtype() == "saga");
  CHECK(message.transoptions().waitresult());
  CHECK(message.binpayloads_size() == 2);
  const std::string step =
      R"({"action":"127.0.0.1:1234/bench.Participant/Pay","compensate":"127.0.0.1:1234/bench.Participant/Refund"})";
  CHECK(message.steps() == "[" + step + "," + step + "]");
}

TEST_CASE("bench/grpc request: a message -> one submit whose steps have actions alone") {
  const GidSeries gids;
  GrpcRequest request({.mode = Mode::msg, .steps = 1, .retry_interval_s = 9}, gids, 1234);
  REQUIRE(request.parts() == 1);
  const auto message = parsed<dtmgimp::DtmRequest>(request.numbered(0, 0));
  CHECK(message.steps() == R"([{"action":"127.0.0.1:1234/bench.Participant/Pay"}])");
  CHECK_FALSE(message.transoptions().waitresult());
  CHECK(message.transoptions().retryinterval() == 9);
}

TEST_CASE("bench/grpc request: a tcc -> a prepare, a registration for each step, a submit") {
  const GidSeries gids;
  GrpcRequest request({.mode = Mode::tcc, .steps = 2, .wait_result = true}, gids, 1234);
  REQUIRE(request.parts() == 4);
  CHECK(request.method(0) == "/dtmgimp.Dtm/Prepare");
  CHECK(parsed<dtmgimp::DtmRequest>(request.numbered(3, 0)).gid() == gids.gid(3));
  for (const std::size_t part : {1U, 2U}) {
    CHECK(request.method(part) == "/dtmgimp.Dtm/RegisterBranch");
    const auto branch = parsed<dtmgimp::DtmBranchRequest>(request.numbered(3, part));
    CHECK(branch.gid() == gids.gid(3));
    CHECK(branch.transtype() == "tcc");
    CHECK(branch.branchid() == "0" + std::to_string(part));
    CHECK(branch.data().at("confirm") == "127.0.0.1:1234/bench.Participant/Confirm");
    CHECK(branch.data().at("cancel") == "127.0.0.1:1234/bench.Participant/Cancel");
  }
  CHECK(request.method(3) == "/dtmgimp.Dtm/Submit");
  const auto submit = parsed<dtmgimp::DtmRequest>(request.numbered(3, 3));
  CHECK(submit.gid() == gids.gid(3));
  CHECK(submit.transoptions().waitresult());
}
