// What the gRPC parts of a load have in common: one completion queue, whose tags are these.
#pragma once

namespace settle::bench {

class GrpcTag {
 public:
  // The operation that was started with this tag has ended; `ok` as gRPC's queue gives it.
  virtual void complete(bool ok) = 0;

 protected:
  ~GrpcTag() = default;
};

}  // namespace settle::bench
