#include "benches/transaction_query.hpp"

namespace settle::bench {

Result<bool> has_succeeded(const Address& server, const std::string& gid) {
  constexpr std::int64_t kGetTimeoutMs = 10'000;
  // `all` shows the transaction alone: a short answer, whose only status is the global one.
  const Result<Answer> answer = get(server, "/api/dtmsvr/all?gid=" + gid, kGetTimeoutMs);
  if (!answer) return answer.error();
  return answer.value().body.find(R"("status":"succeed")") != std::string::npos;
}

}  // namespace settle::bench
