// Sends JSON to some url, for hooks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "settle/asio_executor.hpp"
#include "settle/branch_caller.hpp"
#include "settle/http/branch_caller.hpp"

namespace settle::http {

class CallerPool;

// Threads: any. Lifetime: the executor must outlive it; posts under way end as `unknown` when it goes.
class Poster {
 public:
  explicit Poster(AsioExecutor& executor, CallerOptions options = {});
  ~Poster();
  Poster(const Poster&) = delete;
  Poster& operator=(const Poster&) = delete;

  // The url stays as it is. `completion` is told success for any 2xx, otherwise `unknown` and why; on the executor.
  void post(std::string url, std::string json, std::int64_t timeout_ms, BranchCompletion completion);

 private:
  AsioExecutor& executor_;
  std::shared_ptr<CallerPool> pool_;
};

}  // namespace settle::http
