// Each rule accepts a run that keeps it, and refuses one that does not.
#include "sim/checks/checks.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace settle;
using namespace settle::sim;

namespace {

// A run of one transaction with two branches, told event by event.
struct Told {
  explicit Told(TransType type = TransType::saga) {
    plan.options.run_ahead = true;
    plan.transactions.resize(1);
    tx().type = type;
  }
  PlannedTransaction& tx() { return plan.transactions.front(); }

  Event& add(EventKind kind) {
    Event event;
    event.kind = kind;
    event.at_ms = ++now_ms;
    event.tx = 0;
    event.server = 0;
    events.push_back(event);
    return events.back();
  }
  Told& asked(Request request, std::uint64_t number = 1) {
    Event& event = add(EventKind::asked);
    event.request = request;
    event.number = number;
    return *this;
  }
  Told& told(Request request, bool ok, std::string text = {}, Code code = Code::failure, std::uint64_t number = 1) {
    Event& event = add(EventKind::told);
    event.request = request;
    event.ok = ok;
    event.text = std::move(text);
    event.code = code;
    event.number = number;
    return *this;
  }
  Told& shown(GlobalStatus status) {
    told(Request::query, true, std::string(settle::to_string(status)));
    events.back().status = status;
    return *this;
  }
  Told& stored(GlobalStatus status, std::string text = {}) {
    Event& event = add(EventKind::stored_status);
    event.status = status;
    event.text = std::move(text);
    return *this;
  }
  Told& stored_branch(int branch, Op op) {
    Event& event = add(EventKind::stored_branch);
    event.branch = branch;
    event.op = op;
    event.ok = true;
    return *this;
  }
  Told& registered(int branch) {
    add(EventKind::stored_result).branch = branch;
    return *this;
  }
  Told& sent(int branch, Op op, int server = 0) {
    Event& event = add(EventKind::sent);
    event.branch = branch;
    event.op = op;
    event.server = server;
    event.number = ++calls;
    event.until_ms = now_ms + 1'000;
    return *this;
  }
  // The newest call: what the participant did, and what the coordinator heard.
  Told& done(Effect effect = Effect::ran, CallResult result = CallResult::success) {
    const auto call =
        std::find_if(events.rbegin(), events.rend(), [](const Event& event) { return event.kind == EventKind::sent; });
    Event event = *call;
    event.at_ms = ++now_ms;
    event.kind = EventKind::executed;
    event.effect = effect;
    event.result = result;
    events.push_back(event);
    event.kind = EventKind::answered;
    events.push_back(event);
    return *this;
  }
  Told& ends(GlobalStatus status, std::vector<int> values, std::string text = {}) {
    Event& end = add(EventKind::final_status);
    end.status = status;
    end.text = std::move(text);
    for (int branch = 0; branch < static_cast<int>(values.size()); ++branch) {
      Event& event = add(EventKind::final_value);
      event.branch = branch;
      event.value = values[static_cast<std::size_t>(branch)];
    }
    return *this;
  }

  // The rules that it breaks.
  std::vector<std::string> broken() const {
    History history;
    for (const Event& event : events) history.add(event);
    std::vector<std::string> rules;
    for (const Violation& violation : check(plan, history)) {
      if (std::find(rules.begin(), rules.end(), violation.rule) == rules.end()) rules.push_back(violation.rule);
    }
    return rules;
  }

  RunPlan plan;
  std::vector<Event> events;
  std::int64_t now_ms = 1'000;
  std::uint64_t calls = 0;
};

using Rules = std::vector<std::string>;
constexpr GlobalStatus kPrepared = GlobalStatus::prepared;
constexpr GlobalStatus kSubmitted = GlobalStatus::submitted;
constexpr GlobalStatus kAborting = GlobalStatus::aborting;
constexpr GlobalStatus kSucceed = GlobalStatus::succeed;
constexpr GlobalStatus kFailed = GlobalStatus::failed;

// A saga of two that has done both of its actions.
Told acted() {
  Told run;
  run.asked(Request::submit).stored(kSubmitted).told(Request::submit, true);
  run.sent(0, Op::action).done().stored_branch(0, Op::action).sent(1, Op::action).done();
  return run;
}
// One whose second action was refused.
Told refused() {
  Told run;
  run.stored(kSubmitted).sent(0, Op::action).done().sent(1, Op::action).done(Effect::refused, CallResult::failure);
  return run.stored(kAborting);
}
Told confirmed(int first, int second) {
  Told run(TransType::tcc);
  run.stored(kPrepared).registered(0).registered(1).stored(kSubmitted);
  return run.sent(first, Op::confirm).done().sent(second, Op::confirm).done().stored(kSucceed).ends(kSucceed, {2, 2});
}

}  // namespace

TEST_CASE("checks: a good saga, and one that was rolled back, break no rule") {
  CHECK(acted().stored(kSucceed).ends(kSucceed, {1, 1}).broken() == Rules{});
  Told back = refused();
  back.sent(1, Op::compensate).done(Effect::empty).sent(0, Op::compensate).done();
  CHECK(back.stored(kFailed).ends(kFailed, {0, 0}).broken() == Rules{});
  CHECK(confirmed(1, 0).broken() == Rules{});
}

TEST_CASE("checks/acknowledged: what was acknowledged and is gone") {
  CHECK(Told().stored(kSubmitted).told(Request::submit, true).ends(kPrepared, {}, "absent").broken() ==
        Rules{"acknowledged"});
  CHECK(Told()
            .asked(Request::submit)
            .told(Request::submit, false, "", Code::unavailable)
            .ends(kPrepared, {}, "absent")
            .broken() == Rules{});
}

TEST_CASE("checks/answers: an answer before the store has it") {
  Told run;
  run.asked(Request::submit).told(Request::submit, true).stored(kSubmitted);
  run.sent(0, Op::action).done().sent(1, Op::action).done().stored(kSucceed).ends(kSucceed, {1, 1});
  CHECK(run.broken() == Rules{"answers"});
}

TEST_CASE("checks/refusals: one that names what was never stored, and one where nothing was decided") {
  CHECK(Told()
            .asked(Request::submit)
            .told(Request::submit, false, "current status 'failed', cannot sumbmit. FAILURE")
            .broken() == Rules{"refusals"});
  CHECK(Told().asked(Request::submit).told(Request::submit, false, "a write failed").broken() == Rules{"refusals"});
}

TEST_CASE("checks/wait_result: success before it is stored") {
  Told run;
  run.tx().options.wait_result = true;
  run.asked(Request::submit).stored(kSubmitted).told(Request::submit, true);
  CHECK(run.broken() == Rules{"wait_result"});
}

TEST_CASE("checks/answered: a request that nobody answers, unless the coordinator died") {
  Told run;
  run.asked(Request::submit);
  CHECK(run.broken() == Rules{"answered"});
  run.add(EventKind::server).text = "is dead";
  CHECK(run.broken() == Rules{});
}

TEST_CASE("checks/final: a final status that changes, in the store or in what is shown") {
  CHECK(acted().stored(kSucceed).stored(kFailed).broken() == Rules{"final", "reasons"});
  CHECK(acted().stored(kSucceed).shown(kSucceed).ends(kFailed, {0, 0}).broken() == Rules{"final"});
}

TEST_CASE("checks/all_or_nothing: half done") {
  CHECK(acted().stored(kSucceed).ends(kSucceed, {1, 0}).broken() == Rules{"all_or_nothing"});
}

TEST_CASE("checks/rows: a row that does not say what was done") {
  // Two steps, the statuses of action and compensation of each.
  const auto shown = [](std::vector<bool> rows) {
    Told run = acted();
    run.stored(kSucceed).ends(kSucceed, {1, 1});
    for (std::size_t i = 0; i < rows.size(); ++i) {
      Event& row = run.add(EventKind::final_row);
      row.branch = static_cast<int>(i / 2);
      row.op = i % 2 == 0 ? Op::action : Op::compensate;
      row.ok = rows[i];
    }
    return run.broken();
  };
  CHECK(shown({true, false, true, false}) == Rules{});
  CHECK(shown({true, false, false, false}) == Rules{"rows"});
  CHECK(shown({true, false, true, true}) == Rules{"rows"});
  CHECK(shown({true, false, true}) == Rules{"rows"});
}

TEST_CASE("checks/prompt: late, though nothing hindered it") {
  Told run = acted();
  run.now_ms += 10'000;
  run.stored(kSucceed);
  CHECK(run.broken() == Rules{"prompt"});
  run.plan.per_mille[index_of(Fault::hang)] = 5;
  CHECK(run.broken() == Rules{});
}

TEST_CASE("checks/reasons: a rollback that nobody wanted") {
  CHECK(acted().stored(kAborting, "url:x return failed: FAILURE").broken() == Rules{"reasons"});
  CHECK(acted().stored(kAborting, "Timeout after 3 seconds").broken() == Rules{"reasons", "too_early"});
}

TEST_CASE("checks/liveness: unfinished at the end") {
  CHECK(acted().ends(kSubmitted, {1, 1}).broken() == Rules{"liveness"});
  CHECK(Told().stored(kPrepared).ends(kPrepared, {0, 0}).broken() == Rules{});
}

TEST_CASE("checks/directions: before the direction is stored, both ways, and after the end") {
  CHECK(Told().sent(0, Op::action).done().broken() == Rules{"directions"});
  CHECK(acted().sent(1, Op::compensate).done().broken() == Rules{"directions"});
  CHECK(acted().stored(kSucceed).sent(1, Op::action).done().broken() == Rules{"directions"});
  Told both(TransType::xa);
  both.stored(kPrepared).registered(0).stored(kSubmitted).sent(0, Op::commit).done();
  CHECK(both.stored(kAborting, "Timeout after 3 seconds").sent(0, Op::rollback).done().broken() ==
        Rules{"directions", "too_early"});
}

TEST_CASE("checks/one_at_a_time: a call while one is out") {
  CHECK(Told().stored(kSubmitted).sent(0, Op::action).sent(0, Op::action).done().broken() == Rules{"one_at_a_time"});
  CHECK(Told().stored(kSubmitted).sent(0, Op::action, 0).sent(0, Op::action, 1).done().broken() ==
        Rules{"one_at_a_time"});
}

TEST_CASE("checks/leases: a call that the lease does not cover") {
  Told run = acted();
  run.add(EventKind::no_lease).branch = 1;
  CHECK(run.broken() == Rules{"leases"});
}

TEST_CASE("checks/needless: an undo of what never began, unless a crash hides it") {
  const auto undone = [](bool crashes) {
    Told run;
    run.add(EventKind::server).text = "opens";
    run.stored(kSubmitted).sent(0, Op::action).done(Effect::refused, CallResult::failure);
    if (crashes) run.add(EventKind::server).text = "opens";
    run.stored(kAborting).sent(1, Op::compensate).done(Effect::empty);
    return run.broken();
  };
  CHECK(undone(false) == Rules{"needless"});
  CHECK(undone(true) == Rules{});
}

TEST_CASE("checks/retry_limit: one more try than the client allows") {
  Told run;
  run.tx().options.retry_limit = 1;
  run.stored(kSubmitted);
  for (int i = 0; i < 2; ++i) run.sent(0, Op::action).done(Effect::failed, CallResult::unknown);
  CHECK(run.broken() == Rules{});
  CHECK(run.sent(0, Op::action).done().broken() == Rules{"retry_limit"});
}

TEST_CASE("checks/timeout: an action after its time") {
  Told run;
  run.tx().options.timeout_to_fail_s = 3;
  run.stored(kSubmitted).sent(0, Op::action).done().stored_branch(0, Op::action);
  run.now_ms += 10'000;
  CHECK(run.sent(1, Op::action).done().broken() == Rules{"timeout"});
  Told late;
  late.tx().options.timeout_to_fail_s = 3;
  late.stored(kSubmitted).sent(0, Op::action).done().stored_branch(0, Op::action).sent(1, Op::action).done();
  late.plan.per_mille[index_of(Fault::hang)] = 5;
  late.now_ms += 10'000;
  CHECK(late.stored(kSucceed).broken() == Rules{"timeout"});
}

TEST_CASE("checks/too_early: a timeout, and the action of a message, before their time") {
  Told run(TransType::tcc);
  run.asked(Request::prepare)
      .stored(kPrepared)
      .told(Request::prepare, true)
      .stored(kAborting, "Timeout after 3 seconds");
  CHECK(run.broken() == Rules{"too_early"});
  Told message(TransType::msg);
  message.tx().delay_s = 5;
  message.asked(Request::submit).stored(kSubmitted).told(Request::submit, true).sent(0, Op::action).done();
  CHECK(message.broken() == Rules{"too_early"});
}

TEST_CASE("checks/order: an action before the one that it waits for, an undo, and a confirm") {
  CHECK(Told().stored(kSubmitted).sent(1, Op::action).done().broken() == Rules{"order"});
  CHECK(refused().sent(0, Op::compensate).done().sent(1, Op::compensate).done().broken() == Rules{"order"});
  CHECK(confirmed(0, 1).broken() == Rules{"order"});
}

TEST_CASE("checks/run_ahead: further than the store knows") {
  Told run;
  run.tx().branches = 3;
  run.stored(kSubmitted).sent(0, Op::action).done().sent(1, Op::action).done();
  CHECK(run.broken() == Rules{});
  CHECK(run.sent(2, Op::action).done().broken() == Rules{"run_ahead"});
  Told none;
  none.plan.options.run_ahead = false;
  CHECK(none.stored(kSubmitted).sent(0, Op::action).done().sent(1, Op::action).done().broken() == Rules{"run_ahead"});
}

TEST_CASE("checks/report: names the rule and the transaction, and shows its timeline") {
  Told run;
  run.asked(Request::submit);
  History history;
  for (const Event& event : run.events) history.add(event);
  const std::string text = report(check(run.plan, history).front(), history.events());
  CHECK(text.find("violated: answered by t0") == 0);
  CHECK(text.find("asked s0.0 t0 submit #1") != std::string::npos);
}
