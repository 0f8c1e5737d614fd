#include "engine/core/decide_walk.hpp"

#include <deque>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/core/decide_walk_node.hpp"

namespace settle::core {
namespace {

constexpr Moment kNow = {1'000'000, 1'000};
Policy policy(bool run_ahead) {
  Policy policy{1'000, 1'000};
  policy.run_ahead = run_ahead;
  return policy;
}

class Walk {
 public:
  Walk(const WalkSetup& setup, const WalkedCore& core) : setup_(setup), core_(core) {}

  WalkReport run() {
    for (GlobalStatus status : {GlobalStatus::submitted, GlobalStatus::prepared}) {
      Outcome first = created(core_, create(setup_.definition, status, kNow, policy(core_.run_ahead)));
      if (!first.violation.empty()) return fail(0, {}, first.violation);
      found(0, {}, std::move(*first.node));
    }
    while (!open_.empty() && report_.violation.empty()) {
      const auto [hash, node] = std::move(open_.front());
      open_.pop_front();
      expand(hash, node);
    }
    if (report_.violation.empty()) everything_finishes();
    report_.states = seen_.size();
    return std::move(report_);
  }

 private:
  struct Seen {
    std::uint64_t from = 0;
    std::uint64_t fair_next = 0;  // where the fair event leads; 0: it is finished
    Step step;
  };

  std::uint64_t found(std::uint64_t from, Step step, Node node) {
    const std::uint64_t hash = hash_of(node);
    if (seen_.try_emplace(hash, Seen{from, 0, step}).second) open_.emplace_back(hash, std::move(node));
    return hash;
  }

  // What happens once faults have stopped; nothing where all is done.
  static std::optional<Step> fair(const Node& node) {
    using Kind = Step::Kind;
    const Transaction& tx = node.transaction;
    if (node.disk.size() > 1) return Step{Kind::durable};
    if (is_final(tx.state.status)) return std::nullopt;
    if (!node.calls.empty()) {
      return Step{Kind::reply, static_cast<std::uint8_t>(node.calls[0].call.row), CallResult::success};
    }
    if (node.halted) return Step{Kind::crash};
    return Step{tx.state.status == GlobalStatus::prepared ? Kind::submitted : Kind::woken_retry};
  }

  std::vector<Step> events(const Node& node) const {
    using Kind = Step::Kind;
    std::vector<Step> steps;
    for (std::size_t kept = 0; kept < node.disk.size(); ++kept) {
      steps.push_back({Kind::crash, static_cast<std::uint8_t>(kept)});
    }
    if (node.disk.size() > 1) steps.push_back({Kind::durable});
    for (const CallInFlight& call : node.calls) {
      const auto row = static_cast<std::uint8_t>(call.call.row);
      for (auto result : {CallResult::success, CallResult::failure, CallResult::ongoing, CallResult::unknown}) {
        if (setup_.quiet && result == CallResult::ongoing) continue;  // as unknown, but for the interval
        steps.push_back({Kind::reply, row, result});
      }
      if (call.revoked) steps.push_back({Kind::not_sent, row});
    }
    if (node.transaction.timeout_at_ms != kNever) steps.push_back({Kind::woken_timeout});
    steps.push_back({Kind::woken_retry});
    steps.push_back({Kind::force_stopped});
    if (node.transaction.state.status == GlobalStatus::prepared || !setup_.quiet) steps.push_back({Kind::submitted});
    if (setup_.quiet) return steps;

    const std::size_t rows = node.transaction.branches.size();
    const auto any_row = static_cast<std::uint8_t>(node.calls.empty() ? rows - 1 : node.calls[0].call.row);
    steps.push_back({Kind::late_reply, any_row, CallResult::failure});
    if (node.transaction.timeout_at_ms != kNever) steps.push_back({Kind::woken_both});
    for (Kind kind : {Kind::prepared, Kind::abort_requested, Kind::made_due, Kind::halted, Kind::halted_by_force}) {
      steps.push_back({kind});
    }
    return steps;
  }

  void expand(std::uint64_t hash, const Node& node) {
    const std::optional<Step> fair_step = fair(node);
    for (const Step& step : events(node)) {
      Outcome outcome = transition(core_, node, step, setup_.lag_max);
      ++report_.transitions;
      if (!outcome.violation.empty()) {
        fail(hash, step, outcome.violation);
        return;
      }
      std::optional<Node>& next = outcome.node;
      if (!next) continue;
      if (!next->durable().exists && next->disk.size() == 1) continue;  // nobody knows of it, and nothing happened
      const std::uint64_t reached = found(hash, step, std::move(*next));
      const bool is_fair = fair_step && fair_step->kind == step.kind && fair_step->row == step.row &&
                           (step.kind != Step::Kind::reply || fair_step->result == step.result);
      if (is_fair) seen_[hash].fair_next = reached;
    }
    if (fair_step && seen_[hash].fair_next == 0) fail(hash, *fair_step, "what must happen next cannot happen");
  }

  // Follows the fair way from every state; one that comes back to where it was never ends.
  void everything_finishes() {
    std::unordered_map<std::uint64_t, std::uint64_t> followed_from;
    for (const auto& [start, unused] : seen_) {
      for (std::uint64_t at = start; at != 0; at = seen_.at(at).fair_next) {
        const auto [known, fresh] = followed_from.try_emplace(at, start);
        if (fresh) continue;
        if (known->second != start) break;
        fail(at, {}, "goes on for ever though every call succeeds");
        return;
      }
    }
  }

  WalkReport fail(std::uint64_t from, Step step, std::string_view what) {
    std::string way = to_text(step);
    for (std::uint64_t at = from; at != 0; at = seen_.at(at).from) {
      way.insert(0, to_text(seen_.at(at).step).append(", "));
    }
    report_.violation = std::string(what) + ": " + way;
    return report_;
  }

  const WalkSetup& setup_;
  const WalkedCore& core_;
  WalkReport report_;
  std::unordered_map<std::uint64_t, Seen> seen_;
  std::deque<std::pair<std::uint64_t, Node>> open_;
};

}  // namespace

WalkedCore sound_core(bool run_ahead) {
  const auto shared = std::make_shared<const Policy>(policy(run_ahead));
  return {[shared](Transaction transaction, const Event& event) {
            return decide(std::move(transaction), event, kNow, *shared);
          },
          [shared](StoredTransaction stored) { return resume(std::move(stored), kNow, *shared); }, run_ahead};
}

WalkReport walk(const WalkSetup& setup, const WalkedCore& core) { return Walk(setup, core).run(); }

}  // namespace settle::core
