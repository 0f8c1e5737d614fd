// What a request must be like before it comes to a shard. All errors name the field.
#pragma once

#include <string>

#include "settle/engine.hpp"
#include "settle/result.hpp"
#include "settle/store.hpp"
#include "settle/topics.hpp"
#include "settle/transaction.hpp"

namespace settle::runtime {

// Threads: any. The ports must outlive it.
class RequestChecks {
 public:
  explicit RequestChecks(const Ports& ports) : ports_(ports) {}

  // To be created with this status. Whether the store can hold it is asked later, when topics have been put in.
  Result<Done> definition(const Definition& definition, GlobalStatus status) const;
  Result<Done> workflow(const Definition& definition) const;
  Result<Done> registration(TransType type, const Registration& registration, BranchStatus status) const;
  Result<Done> workflow_result(GlobalStatus status, const std::string& result) const;
  Result<Done> topic(const std::string& topic) const;
  Result<Done> subscriber(const std::string& topic, const Subscriber& subscriber) const;

 private:
  bool is_callable(const std::string& url) const;

  const Ports& ports_;
};

}  // namespace settle::runtime
