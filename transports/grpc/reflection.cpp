#include "transports/grpc/reflection.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <set>

namespace settle::rpc {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using grpc::reflection::v1::ServerReflectionRequest;
using grpc::reflection::v1::ServerReflectionResponse;

// A file with all that it imports, each once.
void append_files(const FileDescriptor& file, std::set<const FileDescriptor*>& seen,
                  grpc::reflection::v1::FileDescriptorResponse& to) {
  if (!seen.insert(&file).second) return;
  google::protobuf::FileDescriptorProto copy;
  file.CopyTo(&copy);
  to.add_file_descriptor_proto(copy.SerializeAsString());
  for (int i = 0; i < file.dependency_count(); ++i) append_files(*file.dependency(i), seen, to);
}

void answer_file(const FileDescriptor* file, const std::string& name, ServerReflectionResponse& response) {
  if (file == nullptr) {
    response.mutable_error_response()->set_error_code(grpc::StatusCode::NOT_FOUND);
    response.mutable_error_response()->set_error_message("not found: " + name);
    return;
  }
  std::set<const FileDescriptor*> seen;
  append_files(*file, seen, *response.mutable_file_descriptor_response());
}

void answer_extension(const std::string& type, int number, ServerReflectionResponse& response) {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  const auto* const message = pool.FindMessageTypeByName(type);
  const auto* const extension = message == nullptr ? nullptr : pool.FindExtensionByNumber(message, number);
  answer_file(extension == nullptr ? nullptr : extension->file(), type + " " + std::to_string(number), response);
}

void answer_extensions(const std::string& type, ServerReflectionResponse& response) {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  const auto* const message = pool.FindMessageTypeByName(type);
  if (message == nullptr) return answer_file(nullptr, type, response);
  std::vector<const google::protobuf::FieldDescriptor*> extensions;
  pool.FindAllExtensions(message, &extensions);
  auto& numbers = *response.mutable_all_extension_numbers_response();
  numbers.set_base_type_name(type);
  for (const auto* const extension : extensions) numbers.add_extension_number(extension->number());
}

void answer(const ServerReflectionRequest& request, const std::vector<std::string>& services,
            ServerReflectionResponse& response) {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  response.Clear();
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case ServerReflectionRequest::kFileByFilename:
      return answer_file(pool.FindFileByName(request.file_by_filename()), request.file_by_filename(), response);
    case ServerReflectionRequest::kFileContainingSymbol:
      return answer_file(pool.FindFileContainingSymbol(request.file_containing_symbol()),
                         request.file_containing_symbol(), response);
    case ServerReflectionRequest::kFileContainingExtension:
      return answer_extension(request.file_containing_extension().containing_type(),
                              request.file_containing_extension().extension_number(), response);
    case ServerReflectionRequest::kAllExtensionNumbersOfType:
      return answer_extensions(request.all_extension_numbers_of_type(), response);
    case ServerReflectionRequest::kListServices:
      for (const std::string& name : services) response.mutable_list_services_response()->add_service()->set_name(name);
      return;
    case ServerReflectionRequest::MESSAGE_REQUEST_NOT_SET:
      response.mutable_error_response()->set_error_code(grpc::StatusCode::INVALID_ARGUMENT);
      response.mutable_error_response()->set_error_message("the request asks for nothing");
  }
}

class Conversation final : public grpc::ServerBidiReactor<ServerReflectionRequest, ServerReflectionResponse> {
 public:
  explicit Conversation(const std::vector<std::string>& services) : services_(services) { StartRead(&request_); }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    answer(request_, services_, response_);
    StartWrite(&response_);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    StartRead(&request_);
  }
  void OnDone() override { delete this; }

 private:
  const std::vector<std::string>& services_;
  ServerReflectionRequest request_;
  ServerReflectionResponse response_;
};

}  // namespace

grpc::ServerBidiReactor<ServerReflectionRequest, ServerReflectionResponse>* ReflectionService::ServerReflectionInfo(
    grpc::CallbackServerContext* /*context*/) {
  return new Conversation(services_);
}

}  // namespace settle::rpc
