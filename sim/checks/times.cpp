// What is counted in tries and in time.
#include <algorithm>
#include <map>
#include <string>

#include "sim/checks/checks.hpp"

namespace settle::sim {
namespace {

constexpr std::int64_t kTimeoutSlackMs = 2'000;
// Whole seconds, and clocks that differ by what leases allow for.
constexpr std::int64_t kEarlySlackMs = 1'000;
// Where nothing hinders it.
constexpr std::int64_t kPromptMs = 2'000;

}  // namespace

// An action of a saga is tried again no more often than its client allows.
void check_retry_limit(const Facts&, const Seen& seen, Findings& findings) {
  const std::int64_t limit = seen.planned->options.retry_limit;
  if (limit == 0 || seen.disturbed || seen.handed_over()) return;
  std::map<int, std::int64_t> calls;
  for (const Event* event : seen.events) {
    if (event->kind != EventKind::sent || event->op != Op::action) continue;
    if (++calls[event->branch] == limit + 2) {
      findings.add("retry_limit", seen, "more than " + std::to_string(limit) + " retries: " + to_line(*event));
    }
  }
}

// A saga goes forward no longer than its client allows: what has not succeeded by then turns back.
void check_timeout(const Facts& facts, const Seen& seen, Findings& findings) {
  const std::int64_t timeout_ms = 1'000 * seen.planned->options.timeout_to_fail_s;
  const bool late = seen.disturbed || seen.handed_over() || facts.plan.on(Fault::stall) ||
                    facts.plan.on(Fault::slow_store) || facts.plan.on(Fault::clock_step) ||
                    facts.plan.on(Fault::read_fails);
  if (seen.planned->type != TransType::saga || timeout_ms == 0 || late) return;
  const Event* const begin = seen.first([](const Event& event) {
    return event.kind == EventKind::stored_status && event.status == GlobalStatus::submitted;
  });
  if (begin == nullptr) return;
  // On a shared store what waits for its time is nobody's, and is looked for now and then.
  const std::int64_t look_ms = facts.plan.shared ? facts.plan.options.claim_interval_ms : 0;
  for (const Event* event : seen.events) {
    const bool forward = event->kind == EventKind::sent && event->op == Op::action;
    const bool turns = event->kind == EventKind::stored_status && event->status != GlobalStatus::failed;
    if ((forward || turns) && event->at_ms > begin->at_ms + timeout_ms + look_ms + kTimeoutSlackMs) {
      findings.add("timeout", seen, "its time is over: " + to_line(*event));
    }
  }
}

// Where no fault is switched on, nothing waits for a retry: what was submitted ends at once, or when its delay is over.
void check_prompt(const Facts& facts, const Seen& seen, Findings& findings) {
  const auto& faults = facts.plan.per_mille;
  const bool hindered = std::any_of(faults.begin(), faults.end(), [](std::uint32_t chance) { return chance > 0; });
  const EngineOptions defaults;
  if (hindered || facts.plan.options.calls_per_target_max < defaults.calls_per_target_max) return;
  const Event* begin = nullptr;
  for (const Event* event : seen.events) {
    if (event->kind != EventKind::stored_status) continue;
    if (event->status == GlobalStatus::submitted) begin = event;
    const std::int64_t late_ms = kPromptMs + 1'000 * seen.planned->delay_s;
    if (begin == nullptr || !is_final(event->status) || event->at_ms <= begin->at_ms + late_ms) continue;
    findings.add("prompt", seen, "took more than " + std::to_string(late_ms) + " ms: " + to_line(*event));
  }
}

// No time is over before it has passed: that of a transaction, nor the delay of a message.
void check_too_early(const Facts& facts, const Seen& seen, Findings& findings) {
  if (facts.plan.on(Fault::clock_step) || facts.plan.on(Fault::clock_beyond)) return;
  const bool saga = seen.planned->type == TransType::saga;
  const Event* const begin = seen.first([saga](const Event& event) {
    const bool begins = event.request == Request::submit || (!saga && event.request == Request::prepare);
    return event.kind == EventKind::asked && begins;
  });
  for (const Event* event : seen.events) {
    const bool timed_out = event->kind == EventKind::stored_status && event->status == GlobalStatus::aborting &&
                           event->text.starts_with("Timeout after ");
    const bool acts = event->kind == EventKind::sent && event->op == Op::action && seen.planned->delay_s > 0;
    if (!timed_out && !acts) continue;
    const std::int64_t wait_ms = 1'000 * (timed_out ? std::stoll(event->text.substr(14)) : seen.planned->delay_s);
    if (begin != nullptr && event->at_ms >= begin->at_ms + wait_ms - kEarlySlackMs) continue;
    findings.add("too_early", seen, "after less than " + std::to_string(wait_ms) + " ms: " + to_line(*event));
  }
}

}  // namespace settle::sim
