// Which calls may be made, and when.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "sim/checks/checks.hpp"

namespace settle::sim {
namespace {

std::string line_of(const Event& event) { return to_line(event); }

bool is_undo(Op op) { return op == Op::compensate || op == Op::cancel || op == Op::rollback; }

// What a client was told to be the end of it.
bool tells_of_end(const Seen& seen, const Event& event) {
  if (event.kind != EventKind::told || !event.ok || event.text == "absent") return false;
  if (event.request == Request::submit) return seen.planned->options.wait_result;
  return (event.request == Request::query || event.request == Request::wait) && is_final(event.status);
}

// What is left of the rule where calls are seen when they arrive. Two that were out at once may have passed each other,
// which those of a line never are.
void check_directions_by_arrival(const Seen& seen, Findings& findings) {
  const bool line = seen.planned->type == TransType::saga && !seen.planned->concurrent;
  const Event* undo = nullptr;
  bool over = false;
  bool called = false;
  for (const Event* event : seen.events) {
    over = over || tells_of_end(seen, *event);
    if (event->kind == EventKind::final_status && event->text == "absent" && called) {
      findings.add("directions", seen, "was called, and is not in the store: " + line_of(*event));
    }
    if (event->kind != EventKind::sent) continue;
    called = true;
    if (undo == nullptr && is_undo(event->op)) undo = event;
    const bool may_have_passed = undo != nullptr && !line && undo->server == event->server && undo->life == event->life;
    if (undo != nullptr && !is_undo(event->op) && !may_have_passed) {
      findings.add("directions", seen, "goes forward, but has gone back: " + line_of(*event));
    }
    if (over && line) findings.add("directions", seen, "is over: " + line_of(*event));
  }
}

}  // namespace

// A call goes with the direction that is durable: forward under `submitted`, back under `aborting`, a question while
// it is prepared; none goes forward once it goes back, and none is made when all is over.
void check_directions(const Facts& facts, const Seen& seen, Findings& findings) {
  if (facts.sight == Sight::outside) return check_directions_by_arrival(seen, findings);
  std::set<GlobalStatus> stored;
  std::set<Op> sent;
  const bool forced = seen.any(
      [](const Event& event) { return event.kind == EventKind::asked && event.request == Request::force_stop; });
  for (const Event* event : seen.events) {
    if (event->kind == EventKind::stored_status) stored.insert(event->status);
    if (event->kind != EventKind::sent) continue;
    const auto complain = [&](const char* what) { findings.add("directions", seen, what + line_of(*event)); };
    const bool over = stored.contains(GlobalStatus::succeed) || stored.contains(GlobalStatus::failed);
    const bool undo = is_undo(event->op);
    if (event->op == Op::query) {
      if (stored.empty()) complain("is asked about before it is stored: ");
      // Elsewhere its client may end it while it is worked on here.
      if (stored.size() > 1 && !facts.plan.shared) complain("is asked about later: ");
    } else if (!stored.contains(undo ? GlobalStatus::aborting : GlobalStatus::submitted)) {
      complain("is called before that direction is stored: ");
    } else if (!undo && stored.contains(GlobalStatus::aborting) && facts.plan.leases_exclude()) {
      complain("goes forward, but is stored as aborting: ");
    }
    // Elsewhere than where it is worked on, a stop by force is seen with the next write.
    if (over && event->op != Op::query && facts.plan.leases_exclude() && !(forced && facts.plan.shared)) {
      complain("is over: ");
    }
    const bool both = (event->op == Op::confirm && sent.contains(Op::cancel)) ||
                      (event->op == Op::cancel && sent.contains(Op::confirm)) ||
                      (event->op == Op::commit && sent.contains(Op::rollback)) ||
                      (event->op == Op::rollback && sent.contains(Op::commit));
    if (both) complain("goes both ways: ");
    sent.insert(event->op);
  }
}

// No branch is called by two at once, nor twice by one; and of the steps of a line one has only one out.
void check_one_at_a_time(const Facts& facts, const Seen& seen, Findings& findings) {
  const bool line = seen.planned->type == TransType::saga && !seen.planned->concurrent;
  std::vector<const Event*> open;
  const auto ended_by_death = [&facts](const Event& call, const Event& now) {
    return std::any_of(facts.events.begin(), facts.events.end(), [&](const Event& event) {
      return &event > &call && &event < &now && event.kind == EventKind::server && event.server == call.server &&
             (event.text == "is dead" || event.text == "has stopped");
    });
  };
  for (const Event* event : seen.events) {
    if (event->kind == EventKind::answered) {
      std::erase_if(open, [&](const Event* call) { return call->number == event->number; });
    }
    if (event->kind != EventKind::sent) continue;
    for (const Event* call : open) {
      const bool same = call->server == event->server && call->life == event->life;
      const bool same_row = call->branch == event->branch && call->op == event->op;
      const bool deadline_passed = event->at_ms >= call->until_ms;
      if (!same_row && !(line && same)) continue;
      if (!same && (deadline_passed || !facts.plan.leases_exclude())) continue;
      if (ended_by_death(*call, *event)) continue;
      findings.add("one_at_a_time", seen, line_of(*event) + " while #" + std::to_string(call->number) + " is out");
    }
    open.push_back(event);
  }
}

// On a shared store a call starts only where its whole deadline fits into the lease that the store gave.
void check_leases(const Facts& facts, const Seen& seen, Findings& findings) {
  if (facts.plan.on(Fault::clock_step)) return;  // a lease that was asked for by a clock that is set meanwhile
  for (const Event* event : seen.events) {
    if (event->kind == EventKind::no_lease)
      findings.add("leases", seen, "the lease does not cover it: " + line_of(*event));
  }
}

// Nothing is undone that certainly never began; after a crash it may be the next two steps.
void check_needless(const Facts& facts, const Seen& seen, Findings& findings) {
  if (seen.planned->type != TransType::saga) return;
  std::set<int> begun;
  const bool unsure = seen.disturbed || seen.handed_over();
  const bool may_come_later = facts.sight == Sight::outside && seen.planned->concurrent;
  for (const Event* event : seen.events) {
    if (event->kind != EventKind::sent) continue;
    if (event->op == Op::action) begun.insert(event->branch);
    if (event->op != Op::compensate || begun.contains(event->branch) || may_come_later) continue;
    const int last = begun.empty() ? -1 : *begun.rbegin();
    if (unsure && (seen.planned->concurrent || event->branch <= last + 2)) continue;
    findings.add("needless", seen, "its action never began: " + line_of(*event));
  }
}

}  // namespace settle::sim
