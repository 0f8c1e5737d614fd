// Requests of DTM's gRPC API. The first byte names the method, the second where the message is cut in two.
#include <grpcpp/client_context.h>
#include <grpcpp/support/byte_buffer.h>

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "fuzz/checked_engine.hpp"
#include "fuzz/fuzzer.hpp"
#include "transports/grpc/answer.hpp"
#include "transports/grpc/metadata.hpp"
#include "transports/grpc/methods.hpp"

namespace settle::fuzz {
namespace {

constexpr std::array<const rpc::Method*, 9> kMethods{&rpc::kSubmit,         &rpc::kPrepare,         &rpc::kAbort,
                                                     &rpc::kRegisterBranch, &rpc::kPrepareWorkflow, &rpc::kSubscribe,
                                                     &rpc::kUnsubscribe,    &rpc::kDeleteTopic,     &rpc::kNewGid};

struct Outcome {
  std::optional<Error> error;
  std::size_t changes = 0;
  std::vector<std::string> asked;
};

Outcome run_method(const rpc::Method& method, const grpc::ByteBuffer& message, CheckedEngine& engine) {
  Outcome outcome;
  int answers = 0;
  method.run(engine, message, [&](Result<grpc::ByteBuffer> answer) {
    ++answers;
    if (!answer) outcome.error = std::move(answer.error());
  });
  check(answers == 1, "a request is answered once");
  outcome.changes = engine.changes;
  outcome.asked = engine.asked;
  return outcome;
}

// What is told of every call of a branch of this transaction can travel as metadata, or it is said what cannot.
void check_metadata_of(const Definition& definition) {
  BranchCall call{.gid = definition.gid, .trans_type = definition.type, .branch_id = "01"};
  if (!definition.callback_name.empty()) call.operation = definition.callback_name;
  call.headers = std::make_shared<const std::map<std::string, std::string>>(definition.options.branch_headers);
  grpc::ClientContext context;
  const auto wrong = rpc::add_metadata(call, context);
  check(!wrong || wrong->find("gRPC can") != std::string::npos, "it is told what gRPC cannot carry",
        wrong.value_or(""));
}

}  // namespace

void run(std::string_view bytes) {
  Input input(bytes);
  const rpc::Method& method = *kMethods[input.byte() % kMethods.size()];
  const std::size_t cut = input.byte();
  const std::string_view message = input.rest();
  const grpc::Slice whole(message.data(), message.size());
  CheckedEngine engine;
  const Outcome outcome = run_method(method, grpc::ByteBuffer(&whole, 1), engine);

  const std::size_t first = std::min(cut, message.size());
  const std::array<grpc::Slice, 2> halves{grpc::Slice(message.data(), first),
                                          grpc::Slice(message.data() + first, message.size() - first)};
  CheckedEngine other_engine;
  const Outcome other = run_method(method, grpc::ByteBuffer(halves.data(), halves.size()), other_engine);
  check(other.error == outcome.error && other.asked == outcome.asked, "how a message is cut does not matter");

  if (outcome.error) {
    check(outcome.changes == 0, "a request that is refused changes nothing");
    check_error_text(rpc::status_of(*outcome.error).error_message());
  }
  if (!engine.definition.gid.empty()) check_metadata_of(engine.definition);
}

}  // namespace settle::fuzz
