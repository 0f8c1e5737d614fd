// Small transactions to walk, and what their walks add up to. For tests only.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/mode_walk.hpp"

namespace settle::core::mode_walk {

struct Shape {
  TransType type = TransType::tcc;
  std::uint32_t count = 0;           // of actions, or of registrations that the client may make
  unsigned empty_rows = 0;           // bit by bit: the rows without an url; of an xa the registrations
  bool query = false;                // there is a query_prepared
  bool concurrent = false;           // msg
  std::int64_t delay_s = 0;          // msg
  std::int64_t changed_delay_s = 0;  // msg: what a submit that changes the options makes of it
  bool changed = false;              // a submit may change the options
  bool created_submitted = false;
};

inline Registered registration_of(const Shape& shape, std::uint32_t number) {
  const auto empty = [&](std::uint32_t bit) { return (shape.empty_rows >> bit & 1u) != 0; };
  Registration registration;
  registration.branch_id = "0" + std::to_string(number + 1);
  if (shape.type == TransType::workflow) {
    // Two results of one branch, and one that says no.
    registration.branch_id = "0" + std::to_string(number / 2 + 1);
    registration.operation = number % 2 == 0 ? "action" : "rollback";
    return {registration, number == 1 ? BranchStatus::failed : BranchStatus::succeed};
  }
  registration.operation = "try";
  if (shape.type == TransType::tcc) {
    registration.cancel_url = empty(2 * number) ? "" : "cancel";
    registration.url = empty(2 * number + 1) ? "" : "confirm";
  } else {
    registration.url = empty(number) ? "" : "branch";
  }
  return {registration, BranchStatus::prepared};
}

inline Setup make_setup(const Shape& shape, std::size_t lag_max = 1, bool quiet = false) {
  Definition definition;
  definition.gid = "g";
  definition.type = shape.type;
  definition.create_time_ms = kCreateTimeMs;
  definition.query_prepared = shape.query ? "query" : "";
  definition.concurrent = shape.concurrent;
  definition.delay_s = shape.delay_s;
  Setup setup;
  if (shape.type == TransType::msg) {
    std::vector<MessageAction> actions;
    for (std::uint32_t row = 0; row < shape.count; ++row) {
      actions.push_back({(shape.empty_rows >> row & 1u) != 0 ? "" : "action", ""});
    }
    append_message_actions(definition, std::move(actions));
  } else {
    for (std::uint32_t i = 0; i < shape.count; ++i) setup.registrations.push_back(registration_of(shape, i));
  }
  if (shape.changed) {
    Definition changed = definition;
    changed.options.request_timeout_s = 7;
    changed.delay_s = shape.changed_delay_s;
    setup.changed = std::make_shared<const Definition>(std::move(changed));
  }
  setup.definition = std::make_shared<const Definition>(std::move(definition));
  setup.created_submitted = shape.created_submitted;
  setup.lag_max = lag_max;
  setup.quiet = quiet;
  return setup;
}

// Walks the core as it is; every invariant has to hold.
class Total {
 public:
  void add(const Shape& shape, std::size_t lag_max) { add(shape, make_setup(shape, lag_max)); }
  void add_quiet(const Shape& shape, std::size_t lag_max) { add(shape, make_setup(shape, lag_max, true)); }
  void add_without_run_ahead(const Shape& shape, std::size_t lag_max) {
    add(shape, make_setup(shape, lag_max, true), false);
  }
  ~Total() { MESSAGE(states_ << " states, " << transitions_ << " transitions"); }

 private:
  void add(const Shape& shape, const Setup& setup, bool run_ahead = true) {
    CAPTURE(to_string(shape.type));
    CAPTURE(shape.count);
    CAPTURE(shape.empty_rows);
    CAPTURE(shape.query);
    CAPTURE(shape.concurrent);
    CAPTURE(shape.delay_s);
    CAPTURE(shape.changed_delay_s);
    const Report report = walk(setup, sound_core(run_ahead));
    CHECK(report.violation == "");
    states_ += report.states;
    transitions_ += report.transitions;
  }

  std::size_t states_ = 0;
  std::size_t transitions_ = 0;
};

}  // namespace settle::core::mode_walk
