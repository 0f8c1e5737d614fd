#include "sim/checks/checks.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace settle::sim {

const Event* Seen::first(const std::function<bool(const Event&)>& fits) const {
  const auto found = std::find_if(events.begin(), events.end(), [&fits](const Event* event) { return fits(*event); });
  return found == events.end() ? nullptr : *found;
}

bool Seen::handed_over() const {
  std::set<std::pair<int, std::uint64_t>> callers;
  for (const Event* event : events) {
    if (event->kind == EventKind::taken_over) return true;
    if (event->kind == EventKind::sent) callers.emplace(event->server, event->life);
  }
  return callers.size() > 1;
}

const std::vector<Check>& all_checks() {
  static const std::vector<Check> kChecks = {
      {"acknowledged", check_acknowledged},
      {"answers", check_answers},
      {"refusals", check_refusals},
      {"wait_result", check_wait_result},
      {"answered", check_answered},
      {"final", check_final},
      {"all_or_nothing", check_all_or_nothing},
      {"reasons", check_reasons},
      {"rows", check_rows},
      {"liveness", check_liveness},
      {"directions", check_directions},
      {"one_at_a_time", check_one_at_a_time},
      {"leases", check_leases},
      {"needless", check_needless},
      {"retry_limit", check_retry_limit},
      {"timeout", check_timeout},
      {"too_early", check_too_early},
      {"prompt", check_prompt},
      {"order", check_order},
      {"run_ahead", check_run_ahead},
  };
  return kChecks;
}

Facts facts_of(const RunPlan& plan, const std::vector<Event>& events) {
  Facts facts{plan, events};
  std::map<int, std::size_t> places;
  for (const PlannedTransaction& tx : plan.transactions) {
    places[tx.number] = facts.transactions.size();
    facts.transactions.push_back({&tx, {}});
  }
  std::size_t opened = 0;
  facts.disturbed = !plan.leases_exclude();
  for (const Event& event : events) {
    if (event.kind == EventKind::server) facts.disturbed = facts.disturbed || ++opened > plan.servers;
    if (event.kind == EventKind::wrote_unknown) facts.disturbed = true;
    if (event.tx >= 0) facts.transactions[places.at(event.tx)].events.push_back(&event);
  }
  return facts;
}

std::vector<Violation> check(const RunPlan& plan, const History& history) {
  std::vector<Violation> found;
  Findings findings(found);
  const Facts facts = facts_of(plan, history.events());
  for (const Seen& seen : facts.transactions) {
    for (const Check& each : all_checks()) each.look(facts, seen, findings);
  }
  return found;
}

std::string report(const Violation& violation, const std::vector<Event>& events) {
  std::string text =
      "violated: " + violation.rule + " by t" + std::to_string(violation.tx) + ": " + violation.what + "\n";
  for (const Event& event : events) {
    const bool about = event.tx == violation.tx || event.kind == EventKind::server;
    if (about) text += to_line(event) + "\n";
  }
  return text;
}

}  // namespace settle::sim
