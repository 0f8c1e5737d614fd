#include "benches/server_groups.hpp"

#include <cstdlib>
#include <string>

namespace settle::bench {
namespace {

// Of the line that begins with the name; 0 where there is none.
double value_of(std::string_view metrics, std::string_view name) {
  const std::string begin = "\n" + std::string(name) + " ";
  const std::size_t at = metrics.find(begin);
  if (at == std::string_view::npos) return 0;
  return std::strtod(std::string(metrics.substr(at + begin.size(), 32)).c_str(), nullptr);
}

}  // namespace

GroupCounts groups_of(const Address& server) {
  constexpr std::int64_t kGetTimeoutMs = 10'000;
  const Result<Answer> answer = get(server, "/api/metrics", kGetTimeoutMs);
  return answer ? groups_in(answer.value().body) : GroupCounts{};
}

GroupCounts groups_in(std::string_view metrics) {
  return {.groups = value_of(metrics, "settle_store_group_changes_count"),
          .changes = value_of(metrics, "settle_store_group_changes_sum")};
}

}  // namespace settle::bench
