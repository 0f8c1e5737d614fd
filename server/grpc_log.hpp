// What gRPC and Protobuf have to say, in our log.
#pragma once

#include "server/logger.hpp"

namespace settle::server {

// As long as it lives: gRPC's errors are warnings of ours (most are about connections of others); what else it tells,
// and what Protobuf thinks of messages of clients, is for `debug`. There is one for the process; the logger must
// outlive it.
class GrpcLog {
 public:
  explicit GrpcLog(Logger& logger);
  ~GrpcLog();
  GrpcLog(const GrpcLog&) = delete;
  GrpcLog& operator=(const GrpcLog&) = delete;
};

}  // namespace settle::server
