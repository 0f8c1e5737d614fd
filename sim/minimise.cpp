#include "sim/minimise.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "sim/sweep.hpp"

namespace settle::sim {
namespace {

class Minimiser {
 public:
  Minimiser(std::uint64_t seed, const SimOptions& options, const std::string& rule)
      : seed_(seed), options_(options), rule_(rule) {
    options_.twice = false;
    RunPlan plan = plan_of(seed);
    narrow(plan, options.selection);
    Selection& all = options_.selection;
    all = {std::vector<Fault>(), std::vector<int>(), std::vector<int>()};
    for (std::size_t i = 0; i < kFaultCount; ++i) {
      if (plan.per_mille[i] > 0) all.faults->push_back(static_cast<Fault>(i));
    }
    for (const PlannedTransaction& tx : plan.transactions) all.transactions->push_back(tx.number);
    for (const Incident& incident : plan.incidents) all.incidents->push_back(incident.number);
  }

  Selection go() {
    bool smaller = true;
    while (smaller) {
      smaller = shrink(&Selection::transactions);
      smaller = shrink(&Selection::faults) || smaller;
      smaller = shrink(&Selection::incidents) || smaller;
    }
    return options_.selection;
  }

 private:
  bool finds() const {
    const RunResult result = run_seed(seed_, options_);
    return std::any_of(result.violations.begin(), result.violations.end(),
                       [this](const Violation& violation) { return violation.rule == rule_; });
  }

  // Leaves out runs of the list, first long ones; whether anything went.
  template <class T>
  bool shrink(std::optional<std::vector<T>> Selection::*member) {
    bool any = false;
    for (std::size_t length = (options_.selection.*member)->size(); length > 0; length /= 2) {
      for (std::size_t from = 0; from < (options_.selection.*member)->size();) {
        const std::vector<T> whole = *(options_.selection.*member);
        std::vector<T> rest = whole;
        const auto first = rest.begin() + static_cast<std::ptrdiff_t>(from);
        rest.erase(first, rest.begin() + static_cast<std::ptrdiff_t>(std::min(from + length, rest.size())));
        options_.selection.*member = std::move(rest);
        if (finds()) {
          any = true;
        } else {
          options_.selection.*member = whole;
          from += length;
        }
      }
    }
    return any;
  }

  const std::uint64_t seed_;
  SimOptions options_;
  const std::string rule_;
};

}  // namespace

Selection minimise(std::uint64_t seed, const SimOptions& options, const std::string& rule) {
  return Minimiser(seed, options, rule).go();
}

}  // namespace settle::sim
