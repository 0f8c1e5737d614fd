// A conversation with etcd: messages both ways until one side ends it.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <utility>

#include "server/registry/call_group.hpp"
#include "server/registry/unary_call.hpp"
#include "settle/function.hpp"

namespace settle::server {

// Invoked on the executor.
template <class Response>
struct StreamHandlers {
  UniqueFunction<void(const Response& response)> message;
  UniqueFunction<void(const grpc::Status& status)> ended;  // once, as the last; the stream may be destroyed in it
};

// Destroying it cancels the stream, also inside a handler.
template <class Request>
class OpenStream : public PendingCall {
 public:
  // False, and nothing is sent, where the message before has not left yet, or the stream has ended.
  virtual bool write(Request request) = 0;
};

template <class Request, class Response>
class EtcdStream final : public grpc::ClientBidiReactor<Request, Response> {
 public:
  // `invoke` is the method of the stub, given context and reactor. `first` is sent as soon as there is a connection.
  template <class Invoke>
  static std::unique_ptr<OpenStream<Request>> start(std::shared_ptr<CallGroup> group, const CallSettings& settings,
                                                    Request first, StreamHandlers<Response> handlers, Invoke invoke) {
    std::shared_ptr<EtcdStream> stream(new EtcdStream(std::move(group), std::move(first), std::move(handlers)));
    stream->open(stream, settings, std::move(invoke));
    return std::make_unique<Handle>(std::move(stream));
  }

 private:
  class Handle final : public OpenStream<Request> {
   public:
    explicit Handle(std::shared_ptr<EtcdStream> stream) : stream_(std::move(stream)) {}
    ~Handle() override {
      stream_->wanted_ = false;
      stream_->context_.TryCancel();
      stream_->let_go();
    }
    bool write(Request request) override { return stream_->write(std::move(request)); }

   private:
    const std::shared_ptr<EtcdStream> stream_;
  };

  EtcdStream(std::shared_ptr<CallGroup> group, Request first, StreamHandlers<Response> handlers)
      : group_(std::move(group)), outgoing_(std::move(first)), handlers_(std::move(handlers)) {}

  template <class Invoke>
  void open(std::shared_ptr<EtcdStream> self, const CallSettings& settings, Invoke invoke) {
    if (!settings.token.empty()) context_.AddMetadata("token", settings.token);
    // A member of etcd that has lost the others ends the stream then, instead of staying silent.
    context_.AddMetadata("hasleader", "true");
    group_->enter();
    self_ = std::move(self);
    invoke(&context_, this);
    // write() comes from outside of gRPC's callbacks, so gRPC must not end the call before let_go().
    this->AddHold();
    this->StartRead(&incoming_);
    this->StartWrite(&outgoing_);
    this->StartCall();
  }

  // On the executor.
  bool write(Request request) {
    if (writing_ || let_go_) return false;
    writing_ = true;
    outgoing_ = std::move(request);
    this->StartWrite(&outgoing_);
    return true;
  }
  void let_go() {
    if (std::exchange(let_go_, true)) return;
    this->RemoveHold();
  }

  // From here on: on threads of gRPC's, which copy, post and return.
  void OnReadDone(bool ok) override {
    if (!ok) {
      group_->executor().post([self = self_] { self->let_go(); });
      return;
    }
    group_->executor().post([self = self_, response = std::move(incoming_)] {
      if (self->wanted_) self->handlers_.message(response);
    });
    incoming_ = Response();
    this->StartRead(&incoming_);
  }
  void OnWriteDone(bool) override {
    group_->executor().post([self = self_] { self->writing_ = false; });
  }
  void OnDone(const grpc::Status& status) override {
    const std::shared_ptr<CallGroup> group = group_;
    group->executor().post([self = std::move(self_), status] {
      if (std::exchange(self->wanted_, false)) self->handlers_.ended(status);
    });
    group->leave();
  }

  const std::shared_ptr<CallGroup> group_;
  grpc::ClientContext context_;
  Request outgoing_;  // gRPC's while a message is on its way
  Response incoming_;
  std::shared_ptr<EtcdStream> self_;  // gRPC's hold on this

  // The executor's.
  StreamHandlers<Response> handlers_;
  bool writing_ = true;  // the first message
  bool wanted_ = true;
  bool let_go_ = false;
};

}  // namespace settle::server
