#include "benches/parked_sagas.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace settle::bench {
namespace {

constexpr std::size_t kGroup = 1024;
constexpr std::size_t kPayloadBytes = 64;
constexpr std::int64_t kHourMs = 3'600'000;

Change parked_saga(const Definition& pattern, std::size_t number, std::int64_t now_ms) {
  auto definition = std::make_shared<Definition>(pattern);
  definition->gid = "parked-" + std::to_string(number);
  definition->create_time_ms = now_ms;
  Change change;
  change.gid = definition->gid;
  change.create = true;
  change.create_time_ms = now_ms;
  change.state.status = GlobalStatus::submitted;
  change.state.exact = change.state.parked = true;
  change.state.update_time_ms = change.state.submit_time_ms = now_ms;
  change.state.retry_interval_ms = kHourMs;
  change.state.next_retry_time_ms = now_ms + kHourMs;
  change.state.errors = 1;
  change.state.last_error = "connection refused";
  std::vector<BranchState> rows(row_count(*definition, 0));
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (branch_at(*definition, {}, row).operation != "action") continue;
    rows[row].started = true;
    rows[row].attempts = 1;
    change.state.last_error_branch = static_cast<std::uint32_t>(row);
    break;
  }
  change.runs.push_back({0, std::move(rows)});
  change.definition = std::move(definition);
  return change;
}

}  // namespace

Definition two_steps(std::size_t payload_bytes) {
  Definition definition;
  definition.protocol = Protocol::http;
  append_saga_steps(definition, std::vector<SagaStep>(2, SagaStep{.action = "http://localhost:8081/api/do",
                                                                  .compensate = "http://localhost:8081/api/undo",
                                                                  .payload = std::string(payload_bytes, 'x')}));
  return definition;
}

Result<Done> store_parked_sagas(Store& store, std::size_t count) {
  const Definition pattern = two_steps(kPayloadBytes);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::int64_t now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  for (std::size_t first = 0; first < count; first += kGroup) {
    std::vector<Change> group;
    for (std::size_t number = first; number < std::min(count, first + kGroup); ++number) {
      group.push_back(parked_saga(pattern, number, now_ms));
    }
    std::vector<ChangeOutcome> outcomes(group.size());
    store.apply(group, outcomes);
    const bool stored = std::all_of(outcomes.begin(), outcomes.end(), [](const ChangeOutcome& outcome) {
      return outcome.result == ChangeResult::applied;
    });
    if (!stored) return Error{Code::internal, "the store does not take unfinished transactions"};
  }
  return Done{};
}

}  // namespace settle::bench
