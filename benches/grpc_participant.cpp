#include "benches/grpc_participant.hpp"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <map>
#include <optional>
#include <string_view>

#include "benches/grpc_tag.hpp"

namespace settle::bench {
namespace {

// How many calls may be on their way in at once before one has to wait for another.
constexpr std::size_t kVisits = 128;

using Metadata = std::multimap<grpc::string_ref, grpc::string_ref>;

std::string_view value_of(const Metadata& metadata, const char* key) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) return {};
  return {found->second.data(), found->second.size()};
}

// Nothing where one of the three is missing.
std::optional<CalledBranch> called_branch(const Metadata& metadata) {
  const CalledBranch call{.gid = value_of(metadata, "dtm-gid"),
                          .branch_id = value_of(metadata, "dtm-branch_id"),
                          .operation = value_of(metadata, "dtm-op")};
  if (call.gid.empty() || call.branch_id.empty() || call.operation.empty()) return std::nullopt;
  return call;
}

}  // namespace

// Waits for a call, answers it, and waits for the next one.
class GrpcParticipant::Visit final : public GrpcTag {
 public:
  explicit Visit(GrpcParticipant& participant) : participant_(participant) { wait(); }

  void complete(bool ok) override {
    if (answering_ || !ok) {
      wait();
    } else {
      answer();
    }
  }

 private:
  void wait() {
    answering_ = false;
    stream_.reset();
    context_.emplace();
    stream_.emplace(&*context_);
    grpc::ServerCompletionQueue* const queue = participant_.queue_.get();
    participant_.service_.RequestCall(&*context_, &*stream_, queue, queue, this);
  }

  void answer() {
    answering_ = true;
    const std::optional<CalledBranch> call = called_branch(context_->client_metadata());
    if (!call) ++participant_.unreadable_;
    if (!call || !participant_.observer_.on_call(*call)) {
      stream_->Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "out now"), this);
      return;
    }
    const grpc::Slice nothing;
    const grpc::ByteBuffer reply(&nothing, 1);
    stream_->WriteAndFinish(reply, grpc::WriteOptions(), grpc::Status::OK, this);
  }

  GrpcParticipant& participant_;
  std::optional<grpc::GenericServerContext> context_;
  std::optional<grpc::GenericServerAsyncReaderWriter> stream_;
  bool answering_ = false;
};

Result<std::unique_ptr<GrpcParticipant>> GrpcParticipant::listen(CallObserver& observer) {
  std::unique_ptr<GrpcParticipant> participant(new GrpcParticipant(observer));
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  // Leaves out filters that nobody needs here, for they cost CPU that the measured server could use.
  builder.AddChannelArgument(GRPC_ARG_MINIMAL_STACK, 1);
  builder.RegisterAsyncGenericService(&participant->service_);
  participant->queue_ = builder.AddCompletionQueue();
  participant->server_ = builder.BuildAndStart();
  if (participant->server_ == nullptr || port == 0) {
    return Error{Code::internal, "the participant cannot listen on 127.0.0.1 for gRPC"};
  }
  participant->port_ = static_cast<std::uint16_t>(port);
  for (std::size_t i = 0; i < kVisits; ++i) participant->visits_.push_back(std::make_unique<Visit>(*participant));
  return participant;
}

GrpcParticipant::GrpcParticipant(CallObserver& observer) : observer_(observer) {}

GrpcParticipant::~GrpcParticipant() { close(); }

void GrpcParticipant::close() {
  if (closed_) return;
  closed_ = true;
  if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
  queue_->Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) {
  }
}

}  // namespace settle::bench
