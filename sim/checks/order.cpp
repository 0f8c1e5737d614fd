// Branches are called in the order that was asked for, and never further ahead of the store than is allowed.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "sim/checks/checks.hpp"

namespace settle::sim {
namespace {

using Rows = std::set<std::pair<int, Op>>;

// Branches by what they wait for, in one direction.
class Line {
 public:
  explicit Line(const Seen& seen) : planned_(*seen.planned) {
    for (const Event* event : seen.events) {
      if (event->kind != EventKind::stored_result) continue;
      const bool known = std::find(registered_.begin(), registered_.end(), event->branch) != registered_.end();
      if (!known) registered_.push_back(event->branch);
    }
  }

  // Which branches this call waits for directly.
  std::vector<int> before(int branch, Op op) const {
    switch (op) {
      case Op::action:
        return forward(branch);
      case Op::compensate:
        return backward(branch);
      case Op::confirm:
      case Op::cancel:
        return neighbour(branch, 1);
      case Op::commit:
      case Op::rollback:
        return neighbour(branch, -1);
      case Op::attempt:
      case Op::query:
        break;
    }
    return {};
  }

 private:
  std::vector<int> forward(int branch) const {
    if (!planned_.concurrent) return branch == 0 ? std::vector<int>{} : std::vector<int>{branch - 1};
    const auto found = planned_.orders.find(static_cast<std::uint32_t>(branch));
    if (found == planned_.orders.end()) return {};
    return {found->second.begin(), found->second.end()};
  }
  std::vector<int> backward(int branch) const {
    std::vector<int> list;
    for (int other = 0; other < planned_.branches; ++other) {
      const std::vector<int> waits = forward(other);
      if (std::find(waits.begin(), waits.end(), branch) != waits.end()) list.push_back(other);
    }
    return list;
  }
  // The one registered next, or the one before.
  std::vector<int> neighbour(int branch, int step) const {
    const auto found = std::find(registered_.begin(), registered_.end(), branch);
    if (found == registered_.end()) return {};
    const auto place = found - registered_.begin() + step;
    if (place < 0 || place >= static_cast<std::ptrdiff_t>(registered_.size())) return {};
    return {registered_[static_cast<std::size_t>(place)]};
  }

  const PlannedTransaction& planned_;
  std::vector<int> registered_;
};

}  // namespace

// A branch is called only when it is known that those which it waits for are done.
void check_order(const Facts&, const Seen& seen, Findings& findings) {
  if (seen.planned->type == TransType::workflow) return;
  const Line line(seen);
  Rows done;
  Rows called;
  Rows begun;  // every call of the whole run
  for (const Event* event : seen.events) {
    if (event->kind == EventKind::sent) begun.emplace(event->branch, event->op);
  }
  for (const Event* event : seen.events) {
    if (event->kind == EventKind::answered && event->result == CallResult::success) {
      done.emplace(event->branch, event->op);
    }
    if (event->kind != EventKind::sent || !called.emplace(event->branch, event->op).second) continue;
    for (const int other : line.before(event->branch, event->op)) {
      if (done.contains({other, event->op})) continue;
      // What never began need not be undone.
      if (event->op == Op::compensate && !begun.contains({other, Op::action})) continue;
      findings.add("order", seen, "before branch " + std::to_string(other + 1) + ": " + to_line(*event));
    }
  }
}

// The next branch is called before the store knows of the one before, but not before it knows of the one before that.
void check_run_ahead(const Facts& facts, const Seen& seen, Findings& findings) {
  if (seen.planned->type == TransType::workflow) return;
  const Line line(seen);
  Rows stored;
  Rows called;
  for (const Event* event : seen.events) {
    if (event->kind == EventKind::stored_branch && event->ok) stored.emplace(event->branch, event->op);
    if (event->kind != EventKind::sent || !called.emplace(event->branch, event->op).second) continue;
    if (event->op == Op::compensate) continue;  // bounded by nothing: a repeat of it changes nothing
    for (const int other : line.before(event->branch, event->op)) {
      if (stored.contains({other, event->op})) continue;
      const std::vector<int> further = line.before(other, event->op);
      const bool one_ahead = std::all_of(further.begin(), further.end(), [&](int each) {
        return stored.contains({each, event->op});
      });
      if (facts.plan.options.run_ahead && one_ahead) continue;
      findings.add("run_ahead", seen,
                   "the store does not know of branch " + std::to_string(other + 1) + ": " + to_line(*event));
    }
  }
}

}  // namespace settle::sim
