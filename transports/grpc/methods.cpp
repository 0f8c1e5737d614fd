#include "transports/grpc/methods.hpp"

#include <grpcpp/support/proto_buffer_reader.h>

#include <optional>
#include <string>
#include <utility>

#include "proto/dtm.pb.h"
#include "transports/dtm/transactions.hpp"
#include "transports/grpc/requests.hpp"

namespace settle::rpc {
namespace {

// Every field is left out of it: google.protobuf.Empty.
grpc::ByteBuffer empty_message() {
  const grpc::Slice nothing;
  return {&nothing, 1};
}

grpc::ByteBuffer encode(const google::protobuf::MessageLite& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return {&slice, 1};
}

template <class Message>
bool decode(const grpc::ByteBuffer& from, Message& to) {
  grpc::ByteBuffer bytes(from);  // the same bytes; the reader takes no const one
  grpc::ProtoBufferReader reader(&bytes);
  return to.ParseFromZeroCopyStream(&reader) && reader.status().ok();
}

Error not_a(const google::protobuf::Message& message) {
  return {Code::invalid,
          "the request is not a " + message.GetTypeName() +
              " message: the client must be generated from DTM's dtmgimp.proto, and texts must be UTF-8"};
}

Completion<Done> without_value(Answer answer) {
  return [answer = std::move(answer)](Result<Done> result) mutable {
    if (result) {
      answer(empty_message());
    } else {
      answer(std::move(result.error()));
    }
  };
}

// What the message holds, or nothing where `answer` was told what is wrong with it.
template <class Message, class Value>
std::optional<Value> read(const grpc::ByteBuffer& bytes, Result<Value> (*read_message)(Message& message),
                          Answer& answer) {
  Message message;
  Result<Value> value = decode(bytes, message) ? read_message(message) : Result<Value>(not_a(message));
  if (value) return std::move(value).value();
  answer(std::move(value.error()));
  return std::nullopt;
}

void new_gid(Engine& engine, const grpc::ByteBuffer&, Answer answer) {
  dtmgimp::DtmGidReply reply;
  reply.set_gid(engine.new_gid());
  answer(encode(reply));
}

void submit(Engine& engine, const grpc::ByteBuffer& message, Answer answer) {
  if (auto request = read(message, read_transaction, answer)) {
    dtm::submit_transaction(engine, std::move(*request), without_value(std::move(answer)));
  }
}

void prepare(Engine& engine, const grpc::ByteBuffer& message, Answer answer) {
  if (auto request = read(message, read_transaction, answer)) {
    engine.prepare(std::move(request->definition), without_value(std::move(answer)));
  }
}

void abort(Engine& engine, const grpc::ByteBuffer& message, Answer answer) {
  if (auto reference = read(message, read_reference, answer)) {
    engine.abort(std::move(reference->gid), reference->type, std::move(reference->rollback_reason),
                 without_value(std::move(answer)));
  }
}

void register_branch(Engine& engine, const grpc::ByteBuffer& message, Answer answer) {
  if (auto request = read(message, read_branch, answer)) {
    engine.register_branch(std::move(request->gid), request->type, std::move(request->registration), request->status,
                           without_value(std::move(answer)));
  }
}

grpc::ByteBuffer progresses_of(const StoredTransaction& found) {
  dtmgimp::DtmProgressesReply reply;
  dtmgimp::DtmTransaction& transaction = *reply.mutable_transaction();
  transaction.set_gid(found.definition->gid);
  transaction.set_status(std::string(to_string(found.state.status)));
  transaction.set_rollbackreason(found.state.rollback_reason);
  transaction.set_result(found.state.result);
  for (std::size_t row = 0; row < found.branches.size(); ++row) {
    const BranchView branch = found.branch(row);
    dtmgimp::DtmProgress& progress = *reply.add_progresses();
    progress.set_status(std::string(to_string(found.branches[row].status)));
    progress.set_bindata(std::string(branch.payload));
    progress.set_branchid(std::string(branch.branch_id));
    progress.set_op(std::string(branch.operation));
  }
  return encode(reply);
}

void prepare_workflow(Engine& engine, const grpc::ByteBuffer& message, Answer answer) {
  auto request = read(message, read_transaction, answer);
  if (!request) return;
  engine.prepare_workflow(std::move(request->definition),
                          [answer = std::move(answer)](Result<StoredTransaction> result) mutable {
                            if (result) {
                              answer(progresses_of(result.value()));
                            } else {
                              answer(std::move(result.error()));
                            }
                          });
}

Result<dtmgimp::DtmTopicRequest> read_topic(dtmgimp::DtmTopicRequest& message) { return std::move(message); }

void subscribe(Engine& engine, const grpc::ByteBuffer& message, Answer answer) {
  if (auto topic = read(message, read_topic, answer)) {
    engine.subscribe(topic->topic(), topic->url(), topic->remark(), without_value(std::move(answer)));
  }
}

void unsubscribe(Engine& engine, const grpc::ByteBuffer& message, Answer answer) {
  if (auto topic = read(message, read_topic, answer)) {
    engine.unsubscribe(topic->topic(), topic->url(), without_value(std::move(answer)));
  }
}

void delete_topic(Engine& engine, const grpc::ByteBuffer& message, Answer answer) {
  if (auto topic = read(message, read_topic, answer)) {
    engine.delete_topic(topic->topic(), without_value(std::move(answer)));
  }
}

}  // namespace

// Names as those of the HTTP interface, so that metrics of both can be added up.
const Method kNewGid{"newgid", new_gid};
const Method kSubmit{"submit", submit};
const Method kPrepare{"prepare", prepare};
const Method kAbort{"abort", abort};
const Method kRegisterBranch{"registerbranch", register_branch};
const Method kPrepareWorkflow{"prepareworkflow", prepare_workflow};
const Method kSubscribe{"subscribe", subscribe};
const Method kUnsubscribe{"unsubscribe", unsubscribe};
const Method kDeleteTopic{"topic", delete_topic};

}  // namespace settle::rpc
