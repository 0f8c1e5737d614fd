#include "settle/http/branch_caller.hpp"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "settle/asio_executor.hpp"
#include "transports/http/caller_pool.hpp"
#include "transports/http/tls.hpp"

namespace settle::http {
namespace {

class HttpCaller final : public BranchCaller {
 public:
  HttpCaller(AsioExecutor& executor, const CallerOptions& options, std::shared_ptr<TlsSettings> tls)
      : loop_(executor.loop()), pool_(std::make_shared<CallerPool>(executor, options, std::move(tls))) {}

  // The connections belong to the loop's thread, so from any other one they are closed by a task.
  ~HttpCaller() override {
    if (loop_.get_executor().running_in_this_thread()) {
      pool_->shut_down();
    } else {
      auto shut_down = [pool = std::move(pool_)] { pool->shut_down(); };
      boost::asio::post(loop_, std::move(shut_down));
    }
  }
  HttpCaller(const HttpCaller&) = delete;
  HttpCaller& operator=(const HttpCaller&) = delete;

  void call(BranchCall call, BranchCompletion completion) override {
    pool_->call(std::move(call), std::move(completion));
  }

 private:
  boost::asio::io_context& loop_;
  std::shared_ptr<CallerPool> pool_;
};

AsioExecutor& asio_executor(Executor& shard) {
  auto* const executor = dynamic_cast<AsioExecutor*>(&shard);
  if (executor == nullptr) {
    std::fputs("settle: http branches need shards that are AsioExecutors\n", stderr);
    std::abort();
  }
  return *executor;
}

}  // namespace

CallerPort caller_port(CallerOptions options) {
  auto tls = std::make_shared<TlsSettings>(options);
  return CallerPort{
      .schemes = {"http", "https"}, .make = [options = std::move(options), tls](Executor& shard) {
        return std::unique_ptr<BranchCaller>(std::make_unique<HttpCaller>(asio_executor(shard), options, tls));
      }};
}

}  // namespace settle::http
