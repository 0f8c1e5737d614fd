#include "transports/grpc/answer.hpp"

#include <array>
#include <cstddef>

#include "engine/json/json_text.hpp"
#include "settle/grpc/branch_caller.hpp"

namespace settle::rpc {
namespace {

constexpr std::array<std::string_view, 17> kNames{
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

constexpr std::string_view kOngoing = "ONGOING";

// Status and message travel in headers, of which clients take so much, and where a byte may need three.
constexpr std::size_t kHeaderBytesMax = 8 << 10;

constexpr std::string_view kMethodHint =
    " (the path must be the one that the generated stub invokes, /package.Service/Method, capitals as they are)";

grpc::StatusCode code_of(Code code) {
  switch (code) {
    case Code::failure:
      return grpc::StatusCode::ABORTED;
    case Code::ongoing:
      return grpc::StatusCode::FAILED_PRECONDITION;
    case Code::invalid:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case Code::overloaded:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case Code::unavailable:
      return grpc::StatusCode::UNAVAILABLE;
    case Code::not_found:
    case Code::conflict:
    case Code::internal:
      break;
  }
  return grpc::StatusCode::INTERNAL;
}

}  // namespace

std::string status_name(int status) {
  const auto number = static_cast<std::size_t>(status);
  return status >= 0 && number < kNames.size() ? std::string(kNames[number]) : "status " + std::to_string(status);
}

CallResult classify(int status, std::string_view message) {
  switch (status) {
    case grpc::StatusCode::OK:
      return CallResult::success;
    case grpc::StatusCode::FAILED_PRECONDITION:
      return CallResult::ongoing;
    case grpc::StatusCode::ABORTED:
      return message == kOngoing ? CallResult::ongoing : CallResult::failure;
    default:
      return CallResult::unknown;
  }
}

BranchReply reply_of(const grpc::Status& status, const std::string& where) {
  BranchReply reply{classify(status.error_code(), status.error_message()), status.error_message()};
  if (reply.result != CallResult::unknown) return reply;
  reply.text = status_name(status.error_code()) + " from " + where;
  if (!status.error_message().empty()) reply.text += ": " + status.error_message();
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) reply.text += kMethodHint;
  return reply;
}

grpc::Status status_of(const Error& error) {
  static_assert(dtm::kMessageBytesMax <= kHeaderBytesMax / 3);
  return {code_of(error.code), dtm::told_message(error.message)};
}

}  // namespace settle::rpc
