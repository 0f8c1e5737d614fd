// Server reflection of version 1, with which tools (grpcurl, Postman) learn the methods of a server. The library has
// only v1alpha.
#pragma once

#include <string>
#include <vector>

#include "proto/reflection_v1.grpc.pb.h"

namespace settle::rpc {

class ReflectionService final : public grpc::reflection::v1::ServerReflection::CallbackService {
 public:
  // `services`: what list_services tells.
  explicit ReflectionService(std::vector<std::string> services) : services_(std::move(services)) {}

  grpc::ServerBidiReactor<grpc::reflection::v1::ServerReflectionRequest,
                          grpc::reflection::v1::ServerReflectionResponse>*
  ServerReflectionInfo(grpc::CallbackServerContext* context) override;

 private:
  const std::vector<std::string> services_;
};

}  // namespace settle::rpc
