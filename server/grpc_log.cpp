#include "server/grpc_log.hpp"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

#include <atomic>
#include <string>

namespace settle::server {
namespace {

std::atomic<Logger*> logger_of_grpc = nullptr;

void write(LogLevel level, const std::string& message) {
  if (Logger* const logger = logger_of_grpc.load()) logger->write(level, "", message);
}

void write_grpc(gpr_log_func_args* line) {
  write(line->severity == GPR_LOG_SEVERITY_ERROR ? LogLevel::warn : LogLevel::debug,
        std::string("gRPC: ") + line->message);
}

void write_protobuf(google::protobuf::LogLevel, const char*, int, const std::string& message) {
  write(LogLevel::debug, "Protobuf: " + message);
}

}  // namespace

GrpcLog::GrpcLog(Logger& logger) {
  logger_of_grpc = &logger;
  gpr_set_log_function(write_grpc);
  google::protobuf::SetLogHandler(write_protobuf);
}

GrpcLog::~GrpcLog() { logger_of_grpc = nullptr; }

}  // namespace settle::server
