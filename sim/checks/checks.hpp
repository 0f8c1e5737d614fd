// What must be true of every run, whatever was done to it. The rules stand here as the protocol has them, with nothing
// of the engine: they know only what clients were told, what participants saw and what the store kept.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/history.hpp"
#include "sim/plan.hpp"
#include "sim/run.hpp"

namespace settle::sim {

// From where a run was seen.
enum class Sight : std::uint8_t {
  whole,    // by the simulator: everything, each thing when it happened
  outside,  // by clients and participants: nothing of the store, and calls when they arrive, so that those which one
            // coordinator has out at once may pass each other
};

// One transaction: what was planned, and what was seen of it, in order.
struct Seen {
  const PlannedTransaction* planned = nullptr;
  std::vector<const Event*> events;
  // While it was under way a coordinator died, stopped, stood still or came; or somewhere a write failed, or clocks let
  // two coordinators hold one transaction: what was known only in memory may be gone.
  bool disturbed = false;

  // The first event that fits, or null.
  const Event* first(const std::function<bool(const Event&)>& fits) const;
  bool any(const std::function<bool(const Event&)>& fits) const { return first(fits) != nullptr; }
  // Whether it was worked on under more than one hold.
  bool handed_over() const;
};

struct Facts {
  const RunPlan& plan;
  const std::vector<Event>& events;
  Sight sight = Sight::whole;
  std::vector<Seen> transactions;
};

class Findings {
 public:
  explicit Findings(std::vector<Violation>& found) : found_(found) {}
  void add(std::string_view rule, const Seen& seen, std::string what) {
    found_.push_back({std::string(rule), seen.planned->number, std::move(what)});
  }

 private:
  std::vector<Violation>& found_;
};

// What is left of a rule where a run was seen from outside.
enum class FromOutside : std::uint8_t { all, part, nothing };

// What each looks for is said where it is defined.
struct Check {
  std::string_view rule;
  void (*look)(const Facts& facts, const Seen& seen, Findings& findings);
  FromOutside from_outside;
  std::string_view unseen;  // what cannot be told from there, for people; empty: nothing
};

// answers.cpp
void check_acknowledged(const Facts& facts, const Seen& seen, Findings& findings);
void check_answers(const Facts& facts, const Seen& seen, Findings& findings);
void check_refusals(const Facts& facts, const Seen& seen, Findings& findings);
void check_wait_result(const Facts& facts, const Seen& seen, Findings& findings);
void check_answered(const Facts& facts, const Seen& seen, Findings& findings);
// books.cpp
void check_final(const Facts& facts, const Seen& seen, Findings& findings);
void check_all_or_nothing(const Facts& facts, const Seen& seen, Findings& findings);
void check_reasons(const Facts& facts, const Seen& seen, Findings& findings);
void check_rows(const Facts& facts, const Seen& seen, Findings& findings);
void check_liveness(const Facts& facts, const Seen& seen, Findings& findings);
// calls.cpp
void check_directions(const Facts& facts, const Seen& seen, Findings& findings);
void check_one_at_a_time(const Facts& facts, const Seen& seen, Findings& findings);
void check_leases(const Facts& facts, const Seen& seen, Findings& findings);
void check_needless(const Facts& facts, const Seen& seen, Findings& findings);
// times.cpp
void check_retry_limit(const Facts& facts, const Seen& seen, Findings& findings);
void check_timeout(const Facts& facts, const Seen& seen, Findings& findings);
void check_prompt(const Facts& facts, const Seen& seen, Findings& findings);
void check_too_early(const Facts& facts, const Seen& seen, Findings& findings);
// order.cpp
void check_order(const Facts& facts, const Seen& seen, Findings& findings);
void check_run_ahead(const Facts& facts, const Seen& seen, Findings& findings);

const std::vector<Check>& all_checks();
Facts facts_of(const RunPlan& plan, const std::vector<Event>& events, Sight sight = Sight::whole);
// From outside the rules of which nothing is left are not applied, nor the parts of others: all_checks() says which.
std::vector<Violation> check(const RunPlan& plan, const History& history, Sight sight = Sight::whole);

// The violation, and the lines of the timeline that are about it.
std::string report(const Violation& violation, const std::vector<Event>& events);

}  // namespace settle::sim
