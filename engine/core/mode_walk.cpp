#include "engine/core/mode_walk.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/core/mode_walk_node.hpp"
#include "engine/core/mode_walk_rules.hpp"
#include "engine/core/mode_walk_transition.hpp"

namespace settle::core::mode_walk {
namespace {

using Kind = Step::Kind;

// What the world does once faults have stopped: the client comes, or it never does.
enum class Client : std::uint8_t { comes, is_gone };

class Walk {
 public:
  Walk(const Setup& setup, const WalkedCore& core) : setup_(setup), core_(core) {}

  Report run() {
    begin(GlobalStatus::prepared);
    if (setup_.created_submitted) begin(GlobalStatus::submitted);
    while (!open_.empty() && report_.violation.empty()) {
      const auto [hash, node] = std::move(open_.front());
      open_.pop_front();
      expand(hash, node);
    }
    for (std::size_t way = 0; way < kWays && report_.violation.empty(); ++way) everything_finishes(way);
    report_.states = seen_.size();
    return std::move(report_);
  }

 private:
  static constexpr std::size_t kWays = 2;  // of `Client`

  struct Seen {
    std::uint64_t from = 0;
    std::array<std::uint64_t, kWays> fair_next = {};  // where the fair event leads; 0: it is finished
    Step step;
  };

  void begin(GlobalStatus status) {
    if (!report_.violation.empty()) return;
    Outcome first = created(setup_, core_, status);
    if (!first.violation.empty()) {
      fail(0, first.violation);
      return;
    }
    found(0, {}, std::move(*first.node));
  }

  std::uint64_t found(std::uint64_t from, const Step& step, Node node) {
    const std::uint64_t hash = hash_of(node);
    if (seen_.try_emplace(hash, Seen{from, {}, step}).second) open_.emplace_back(hash, std::move(node));
    return hash;
  }

  // The driver tells all that is due: a retry alone is so only where it comes before the timeout; a timeout alone where
  // the retry comes later, if only by its jitter.
  static std::vector<Step> wake_ups(const Node& node) {
    const Transaction& tx = node.transaction;
    const bool retry = tx.retry_at_ms != kNever;
    const bool timeout = tx.timeout_at_ms != kNever;
    std::vector<Step> steps;
    if (retry && std::max(tx.retry_at_ms, node.now.steady_ms) < tx.timeout_at_ms) steps.push_back({Kind::woken_retry});
    if (timeout) steps.push_back({Kind::woken_timeout});
    if (retry && timeout) steps.push_back({Kind::woken_both});
    return steps;
  }

  // Nothing where all is done, or where only a client that is gone could go on.
  std::optional<Step> fair(const Node& node, Client client) const {
    const Transaction& tx = node.transaction;
    if (node.disk.size() > 1) return Step{Kind::durable};
    if (is_final(tx.state.status)) return std::nullopt;
    for (const CallOut& call : node.calls) {
      if (!call.dropped) return Step{Kind::reply, call.call.row, CallResult::success};
    }
    if (node.truth.halted) return Step{Kind::crash};
    const bool workflow = tx.definition->type == TransType::workflow;
    if (tx.state.status == GlobalStatus::prepared && client == Client::comes) {
      return Step{workflow ? Kind::finished_succeed : Kind::submitted};
    }
    if (workflow) return std::nullopt;
    const std::vector<Step> wakes = wake_ups(node);
    return wakes.empty() ? Step{Kind::woken_timeout} : wakes.front();
  }

  std::vector<Step> events(const Node& node) const {
    std::vector<Step> steps;
    for (std::uint32_t kept = 0; kept < node.disk.size(); ++kept) steps.push_back({Kind::crash, kept});
    for (std::uint32_t further = 0; further + 1 < node.disk.size(); ++further)
      steps.push_back({Kind::durable, further});
    if (!setup_.quiet) {
      for (Kind kind : {Kind::halted, Kind::halted_by_force}) steps.push_back({kind});
      if (somebody_waits(node)) steps.push_back({Kind::time_passes});
    }
    if (!node.durable().exists) return steps;

    for (const CallOut& call : node.calls) {
      for (auto result : {CallResult::success, CallResult::failure, CallResult::ongoing, CallResult::unknown}) {
        steps.push_back({Kind::reply, call.call.row, result});
      }
      if (call.revoked) steps.push_back({Kind::not_sent, call.call.row});
    }
    for (const Step& wake_up : wake_ups(node)) steps.push_back(wake_up);
    requests(node, steps);
    if (setup_.quiet) return steps;
    const auto rows = static_cast<std::uint32_t>(node.transaction.branches.size());
    for (std::uint32_t row : {0u, rows, kQueryRow}) steps.push_back({Kind::late_reply, row});
    for (Kind kind : {Kind::woken_early, Kind::prepared, Kind::made_due}) steps.push_back({kind});
    return steps;
  }

  static bool somebody_waits(const Node& node) {
    const auto ahead = [&](std::int64_t at_ms) { return at_ms != kNever && at_ms > node.now.steady_ms; };
    return ahead(node.transaction.retry_at_ms) || ahead(node.transaction.timeout_at_ms);
  }

  void requests(const Node& node, std::vector<Step>& steps) const {
    const Transaction& tx = node.transaction;
    for (Kind kind : {Kind::force_stopped, Kind::abort_requested, Kind::abort_with_reason}) steps.push_back({kind});
    if (tx.definition->type == TransType::workflow) {
      steps.push_back({Kind::finished_succeed});
      steps.push_back({Kind::finished_failed});
    } else {
      steps.push_back({Kind::submitted});
      if (setup_.changed && tx.state.status == GlobalStatus::prepared) steps.push_back({Kind::submitted_changed});
    }
    if (tx.registrations.size() < setup_.registrations.size()) steps.push_back({Kind::registered});
    if (!tx.registrations.empty()) steps.push_back({Kind::registered_again});
  }

  void expand(std::uint64_t hash, const Node& node) {
    const std::array<std::optional<Step>, kWays> fair_steps = {fair(node, Client::comes), fair(node, Client::is_gone)};
    for (const Step& step : events(node)) {
      Outcome outcome = transition(setup_, core_, node, step);
      ++report_.transitions;
      if (!outcome.violation.empty()) {
        fail(hash, step, outcome.violation);
        return;
      }
      if (!outcome.node) continue;
      const std::uint64_t reached = found(hash, step, std::move(*outcome.node));
      for (std::size_t way = 0; way < kWays; ++way) {
        if (fair_steps[way] == step) seen_[hash].fair_next[way] = reached;
      }
    }
    for (std::size_t way = 0; way < kWays; ++way) {
      if (!fair_steps[way] || seen_[hash].fair_next[way] != 0) continue;
      fail(hash, *fair_steps[way], "what must happen next cannot happen");
    }
  }

  // Follows the fair way from every state; one that comes back to where it was never ends.
  void everything_finishes(std::size_t way) {
    std::unordered_map<std::uint64_t, std::uint64_t> followed_from;
    for (const auto& [start, unused] : seen_) {
      for (std::uint64_t at = start; at != 0; at = seen_.at(at).fair_next[way]) {
        const auto [known, fresh] = followed_from.try_emplace(at, start);
        if (fresh) continue;
        if (known->second != start) break;
        fail(at, "goes on for ever though every call succeeds");
        return;
      }
    }
  }

  // In the state `at`, 0 being none yet.
  void fail(std::uint64_t at, std::string_view what) {
    std::string way;
    for (; at != 0; at = seen_.at(at).from) way.insert(0, ", " + to_text(seen_.at(at).step));
    report_.violation = std::string(what) + ": " + way.substr(std::min<std::size_t>(way.size(), 2));
  }
  void fail(std::uint64_t from, const Step& step, const std::string& what) {
    fail(from, what);
    report_.violation += ", " + to_text(step);
  }

  const Setup& setup_;
  const WalkedCore& core_;
  Report report_;
  std::unordered_map<std::uint64_t, Seen> seen_;
  std::deque<std::pair<std::uint64_t, Node>> open_;
};

}  // namespace

WalkedCore sound_core(bool run_ahead) {
  const auto policy = std::make_shared<const Policy>(Policy{kIntervalMs, kIntervalMs, kPreparedTimeoutMs, run_ahead});
  return {[policy](std::shared_ptr<const Definition> definition, GlobalStatus status, Moment now) {
            return create(std::move(definition), status, now, *policy);
          },
          [policy](Transaction transaction, const Event& event, Moment now) {
            return decide(std::move(transaction), event, now, *policy);
          },
          [policy](StoredTransaction stored, Moment now) { return resume(std::move(stored), now, *policy); },
          run_ahead};
}

Report walk(const Setup& setup, const WalkedCore& core) { return Walk(setup, core).run(); }

}  // namespace settle::core::mode_walk
