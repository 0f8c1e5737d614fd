#include "settle/http/poster.hpp"

#include <utility>

#include "transports/http/caller_pool.hpp"

namespace settle::http {

Poster::Poster(AsioExecutor& executor, CallerOptions options)
    : executor_(executor),
      pool_(std::make_shared<CallerPool>(executor, options, std::make_shared<TlsSettings>(options))) {}

Poster::~Poster() {
  executor_.post([pool = std::move(pool_)] { pool->shut_down(); });
}

void Poster::post(std::string url, std::string json, std::int64_t timeout_ms, BranchCompletion completion) {
  executor_.post([pool = pool_, url = std::move(url), json = std::move(json), timeout_ms,
                  completion = std::move(completion)]() mutable {
    pool->post(std::move(url), std::move(json), timeout_ms, std::move(completion));
  });
}

}  // namespace settle::http
