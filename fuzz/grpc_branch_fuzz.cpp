// Calls of branches over gRPC, and their answers. A line each for gid, branch, operation and a header, `name: value`;
// then a byte for the status of the answer, and its message.
#include <grpcpp/client_context.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>

#include "fuzz/fuzzer.hpp"
#include "settle/grpc/branch_caller.hpp"
#include "transports/grpc/answer.hpp"
#include "transports/grpc/metadata.hpp"

namespace settle::fuzz {
namespace {

constexpr int kStatusCount = 32;  // gRPC knows 17; its enumeration can hold these

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char character) { return character >= ' ' && character <= '~'; });
}

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char character) {
    return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9') || character == '-' ||
           character == '_' || character == '.';
  });
}

void check_answer(int status, const std::string& message) {
  const grpc::Status answer(static_cast<grpc::StatusCode>(status), message);
  const BranchReply reply = rpc::reply_of(answer, "host:1");
  check((reply.result == CallResult::success) == (status == 0), "OK is a success, and nothing else");
  check(reply.result != CallResult::failure || status == grpc::StatusCode::ABORTED, "ABORTED alone is a failure");
  check(reply.result != CallResult::unknown || !reply.text.empty(), "it is told why nothing is known");
}

}  // namespace

void run(std::string_view bytes) {
  Input input(bytes);
  BranchCall call;
  call.gid = input.line();
  call.branch_id = input.line();
  call.operation = input.line();
  Input header(input.line());
  const std::string name = rpc::metadata_name(header.until(':'));
  header.until(' ');
  const std::string value(header.rest());
  const int status = input.byte() % kStatusCount;
  check_answer(status, std::string(input.rest()));

  const bool texts_can_travel = is_printable(call.gid) && is_printable(call.branch_id) && is_printable(call.operation);
  {
    grpc::ClientContext context;
    check(!rpc::add_metadata(call, context) == texts_can_travel, "what is not printable does not travel");
  }
  call.headers =
      std::make_shared<const std::map<std::string, std::string>>(std::map<std::string, std::string>{{name, value}});
  grpc::ClientContext context;
  const auto wrong = rpc::add_metadata(call, context);
  if (!wrong) check(texts_can_travel, "a header does not help what cannot travel");
  const auto header_wrong = rpc::check_metadata(name, value);
  check(!texts_can_travel || wrong.has_value() == header_wrong.has_value(), "both looks at a header agree");
  const bool is_never_sent = name.starts_with("grpc-") || (!name.ends_with("-bin") && !rpc::check_metadata(name, "\n"));
  if (!header_wrong && !is_never_sent) {
    check(is_name(name), "names of metadata are in lower case", name);
    check(is_printable(value) || name.ends_with("-bin"), "values of metadata are printable", value);
  }
}

}  // namespace settle::fuzz
