// One question to etcd, and its answer.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "server/registry/call_group.hpp"
#include "settle/function.hpp"

namespace settle::server {

// What every call carries.
struct CallSettings {
  std::int64_t timeout_ms = 3'000;  // of a unary call
  std::string token;                // empty: none
};

// Invoked once, on the executor, with OK and the answer, or with another status.
template <class Response>
using CallCompletion = UniqueFunction<void(const grpc::Status& status, const Response& response)>;

template <class Request, class Response>
class UnaryCall final : public std::enable_shared_from_this<UnaryCall<Request, Response>> {
 public:
  UnaryCall(std::shared_ptr<CallGroup> group, Request request, CallCompletion<Response> completion)
      : group_(std::move(group)), request_(std::move(request)), completion_(std::move(completion)) {}

  // `invoke` is the method of the stub, given context, request, response and callback.
  template <class Invoke>
  std::unique_ptr<PendingCall> start(const CallSettings& settings, Invoke invoke) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(settings.timeout_ms));
    if (!settings.token.empty()) context_.AddMetadata("token", settings.token);
    group_->enter();
    auto self = this->shared_from_this();
    invoke(&context_, &request_, &response_,
           [self](grpc::Status status) mutable { answered(std::move(self), status); });
    return std::make_unique<Handle>(std::move(self));
  }

 private:
  // The completion belongs to the executor's thread, and so does whether anybody still wants it.
  class Handle final : public PendingCall {
   public:
    explicit Handle(std::shared_ptr<UnaryCall> call) : call_(std::move(call)) {}
    ~Handle() override {
      call_->completion_ = nullptr;
      call_->context_.TryCancel();
    }

   private:
    const std::shared_ptr<UnaryCall> call_;
  };

  // On a thread of gRPC's.
  static void answered(std::shared_ptr<UnaryCall> self, grpc::Status status) {
    const std::shared_ptr<CallGroup> group = self->group_;
    group->executor().post([self = std::move(self), status = std::move(status)] {
      if (!self->completion_) return;
      CallCompletion<Response> completion = std::move(self->completion_);
      completion(status, self->response_);
    });
    group->leave();
  }

  const std::shared_ptr<CallGroup> group_;
  grpc::ClientContext context_;
  const Request request_;
  Response response_;
  CallCompletion<Response> completion_;  // empty: nobody wants to know
};

}  // namespace settle::server
