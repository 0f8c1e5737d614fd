#include "sim/checks/checks.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace settle::sim {
namespace {

bool is_of_the_end(const Event& event) {
  return event.kind == EventKind::final_status || event.kind == EventKind::final_value ||
         event.kind == EventKind::final_row;
}

// Whether one of these, which are in order, lies between the first that was seen of it and the last before the end.
bool any_within(const std::vector<const Event*>& upheavals, const Seen& seen) {
  const auto last =
      std::find_if(seen.events.rbegin(), seen.events.rend(), [](const Event* event) { return !is_of_the_end(*event); });
  if (last == seen.events.rend()) return false;
  const auto next = std::upper_bound(upheavals.begin(), upheavals.end(), seen.events.front());
  return next != upheavals.end() && *next < *last;
}

}  // namespace

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
  constexpr FromOutside kAll = FromOutside::all;
  constexpr FromOutside kPart = FromOutside::part;
  constexpr FromOutside kNothing = FromOutside::nothing;
  static const std::vector<Check> kChecks = {
      {"acknowledged", check_acknowledged, kAll, ""},
      {"answers", check_answers, kNothing, "what the store had kept when something was answered"},
      {"refusals", check_refusals, kNothing, "what the store had kept when something was refused"},
      {"wait_result", check_wait_result, kPart, "whether it was stored before it was told"},
      {"answered", check_answered, kAll, ""},
      {"final", check_final, kPart, "what the store kept before the end"},
      {"all_or_nothing", check_all_or_nothing, kAll, ""},
      {"reasons", check_reasons, kPart, "the cause that the store kept, so whether one that is allowed has come about"},
      {"rows", check_rows, kAll, ""},
      {"liveness", check_liveness, kAll, ""},
      {"directions", check_directions, kPart, "whether the direction was stored before the call"},
      {"one_at_a_time", check_one_at_a_time, kAll, ""},
      {"leases", check_leases, kNothing, "leases"},
      {"needless", check_needless, kAll, ""},
      {"retry_limit", check_retry_limit, kAll, ""},
      {"timeout", check_timeout, kNothing, "whether the machine was too busy to be in time"},
      {"too_early", check_too_early, kNothing, "the cause of a rollback, and the clock of the coordinator"},
      {"prompt", check_prompt, kNothing, "whether the machine was too busy to be prompt"},
      {"order", check_order, kAll, ""},
      {"run_ahead", check_run_ahead, kNothing, "which rows the store had kept when a branch was called"},
  };
  return kChecks;
}

Facts facts_of(const RunPlan& plan, const std::vector<Event>& events, Sight sight) {
  Facts facts{plan, events, sight, {}};
  std::map<int, std::size_t> places;
  for (const PlannedTransaction& tx : plan.transactions) {
    places[tx.number] = facts.transactions.size();
    facts.transactions.push_back({&tx, {}, false});
  }
  std::vector<const Event*> upheavals;
  bool all_disturbed = !plan.leases_exclude();
  for (const Event& event : events) {
    if (event.kind == EventKind::server) upheavals.push_back(&event);
    if (event.kind == EventKind::wrote_unknown) all_disturbed = true;
    if (event.tx >= 0) facts.transactions[places.at(event.tx)].events.push_back(&event);
  }
  for (Seen& seen : facts.transactions) {
    seen.disturbed = all_disturbed || any_within(upheavals, seen);
  }
  return facts;
}

std::vector<Violation> check(const RunPlan& plan, const History& history, Sight sight) {
  std::vector<Violation> found;
  Findings findings(found);
  const Facts facts = facts_of(plan, history.events(), sight);
  for (const Seen& seen : facts.transactions) {
    for (const Check& each : all_checks()) {
      const bool blind = sight == Sight::outside && each.from_outside == FromOutside::nothing;
      if (!blind) each.look(facts, seen, findings);
    }
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
