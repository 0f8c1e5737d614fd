// The saga by the protocol: protocol.md §5.1, §6, §7, and what the golden cases saga-*, stop-* and reset-* pin.
#include "engine/core/decide.hpp"

#include <doctest/doctest.h>

#include <string>

#include "engine/core/decide_script.hpp"

namespace settle::core {
namespace {

using enum CallResult;

Definition with_options(std::uint32_t steps, Options options) {
  Definition definition = make_saga(steps);
  definition.options = std::move(options);
  return definition;
}

Definition concurrent_saga(std::uint32_t steps, std::map<std::uint32_t, std::vector<std::uint32_t>> orders = {}) {
  Definition definition = make_saga(steps);
  definition.concurrent = true;
  definition.orders = std::move(orders);
  return definition;
}

TEST_CASE("core/saga: all actions succeed -> succeed, in order, compensations untouched") {
  Script saga(make_saga(2));
  CHECK(saga.submit().started() == "A0");
  CHECK(saga.reply("A0", success).started() == "A1");
  saga.reply("A1", success);
  CHECK(saga.status() == "succeed");
  CHECK(saga.rows() == "psps");
  CHECK(saga.answer() == "done");
  CHECK(saga.transaction.state.finish_time_ms == saga.now.wall_ms);
  CHECK(saga.transaction.state.rollback_time_ms == 0);
}

TEST_CASE("core/saga: no steps -> succeeds when the submit is durable") {
  Script saga(make_saga(0), false);
  CHECK(saga.submit().status() == "submitted");
  CHECK(saga.durable().status() == "succeed");
}

TEST_CASE("core/saga: an action refuses -> every step that may have run is compensated, last first") {
  struct Row {
    std::uint32_t refusing;
    const char* rows;
    const char* compensations;
  };
  for (const Row& row : {Row{0, "sfpppp", "C0"}, Row{1, "sssfpp", "C1 C0"}, Row{2, "sssssf", "C2 C1 C0"}}) {
    CAPTURE(row.refusing);
    Script saga(make_saga(3));
    saga.submit();
    for (std::uint32_t step = 0; step < row.refusing; ++step) saga.reply("A" + std::to_string(step), success);
    saga.started();
    const std::string step = std::to_string(row.refusing);
    // As DTM's Go SDK writes it, and as others do.
    saga.reply("A" + step, failure, row.refusing == 0 ? "out of stock FAILURE" : "out of stock");
    CHECK(saga.status() == "aborting");
    CHECK(saga.reason() == "url:a" + step + " return failed: out of stock FAILURE");
    std::string compensations = saga.started();
    for (std::uint32_t back = row.refusing + 1; back-- > 0;) {
      saga.reply("C" + std::to_string(back), success);
      const std::string next = saga.started();
      compensations += next.empty() ? "" : " " + next;
    }
    CHECK(compensations == row.compensations);
    CHECK(saga.status() == "failed");
    CHECK(saga.rows() == row.rows);
    CHECK(saga.answer() == saga.reason());
    CHECK(saga.transaction.state.rollback_time_ms == saga.now.wall_ms);
    CHECK(saga.transaction.state.finish_time_ms == 0);
  }
}

TEST_CASE(
    "core/saga: ongoing -> the pass ends, the interval stays; an error -> it doubles; a success -> it starts anew") {
  Script saga(make_saga(2));
  saga.submit().reply("A0", ongoing);
  CHECK(saga.status() == "submitted");
  CHECK(saga.answer() == "wait result not return success: FAILURE");
  CHECK(saga.interval_s() == 10);
  CHECK(saga.retry().reply("A0", unknown, "broken").interval_s() == 20);
  CHECK(saga.answer() == "wait result not return success: FAILURE");
  CHECK(saga.transaction.state.last_error == "broken");
  CHECK(saga.transaction.state.next_retry_time_ms == saga.now.wall_ms + 20'000);
  CHECK(saga.retry().reply("A0", unknown).interval_s() == 40);
  CHECK(saga.retry().reply("A0", ongoing).interval_s() == 40);
  saga.retry().reply("A0", success);
  CHECK(saga.transaction.state.last_error.empty());
  CHECK(saga.reply("A1", unknown).interval_s() == 20);
  CHECK(saga.started() == "A0 A0 A0 A0 A0 A1");
}

TEST_CASE("core/saga: the first interval and its ceiling -> as the options say") {
  struct Row {
    std::int64_t retry_interval_s;
    std::int64_t timeout_s;
    std::int64_t first_s;
    std::int64_t last_s;
  };
  for (const Row& row : {Row{0, 0, 10, 3'600}, Row{0, 4, 4, 3'600}, Row{0, 60, 10, 3'600}, Row{1, 0, 1, 3'600},
                         Row{15, 4, 15, 3'600}, Row{5'000, 0, 5'000, 5'000}}) {
    CAPTURE(row.first_s);
    Options options;
    options.retry_interval_s = row.retry_interval_s;
    options.timeout_to_fail_s = row.timeout_s;
    Script saga(with_options(1, options));
    CHECK(saga.submit().interval_s() == row.first_s);
    for (int i = 0; i < 20; ++i) saga.reply("A0", unknown).retry();
    CHECK(saga.interval_s() == row.last_s);
  }
}

TEST_CASE("core/saga: a compensation errs or refuses -> called again with backoff, done ones are not repeated") {
  Script saga(make_saga(2));
  saga.submit().reply("A0", success).reply("A1", failure).reply("C1", success).started();
  saga.reply("C0", failure, "never");
  CHECK(saga.status() == "aborting");
  CHECK(saga.answer() == "url:a1 return failed: no FAILURE");
  CHECK(saga.interval_s() == 20);
  CHECK(saga.rows() == "pssf");
  CHECK(saga.retry().started() == "C0");
  CHECK(saga.reply("C0", unknown).interval_s() == 40);
  CHECK(saga.retry().reply("C0", success).status() == "failed");
  CHECK(saga.rows() == "sssf");
}

TEST_CASE("core/saga: retry limit -> errors and ongoing are tried again at once, then it rolls back") {
  Options options;
  options.retry_limit = 2;
  Script saga(with_options(2, options));
  saga.submit().reply("A0", ongoing).reply("A0", unknown).reply("A0", success);
  CHECK(saga.started() == "A0 A0 A0 A1");
  saga.reply("A1", unknown).reply("A1", ongoing);
  CHECK(saga.status() == "submitted");
  saga.reply("A1", unknown);
  CHECK(saga.status() == "aborting");
  CHECK(saga.reason() == "RetryCount is greater than RetryLimit, RetryLimit: 2");
  saga.reply("C1", success).reply("C0", success);
  CHECK(saga.started() == "A1 A1 C1 C0");
  CHECK(saga.rows() == "sssp");
  CHECK(saga.answer() == "RetryCount is greater than RetryLimit, RetryLimit: 2 FAILURE");
}

TEST_CASE("core/saga: a restart between tries -> the count goes on") {
  Options options;
  options.retry_limit = 2;
  Script saga(with_options(1, options));
  saga.submit().reply("A0", unknown).reply("A0", unknown).restart().retry();
  CHECK(saga.started() == "A0");
  CHECK(saga.reply("A0", unknown).status() == "aborting");
}

TEST_CASE("core/saga: an error that was made up for in the same pass -> the interval does not grow by it") {
  Options options;
  options.retry_limit = 1;
  Script saga(with_options(1, options));
  saga.submit().reply("A0", unknown).reply("A0", failure).reply("C0", ongoing);
  CHECK(saga.interval_s() == 10);
}

TEST_CASE("core/saga: errors that are tried again at once -> each doubles the interval") {
  Options options;
  options.retry_limit = 1;
  Script saga(with_options(1, options));
  CHECK(saga.submit().reply("A0", unknown).interval_s() == 20);
  CHECK(saga.reply("A0", unknown).interval_s() == 40);
  CHECK(saga.reply("C0", unknown).interval_s() == 80);
  CHECK(saga.retry().reply("C0", success).interval_s() == 10);
}

TEST_CASE("core/saga: timeout while parked -> what ran is compensated, what never started is not") {
  Options options;
  options.timeout_to_fail_s = 60;
  Script saga(with_options(2, options));
  saga.submit().reply("A0", ongoing).started();
  saga.timeout();
  CHECK(saga.status() == "aborting");
  CHECK(saga.reason() == "Timeout after 60 seconds");
  CHECK(saga.started() == "C0");
  CHECK(saga.reply("C0", success).status() == "failed");
  CHECK(saga.rows() == "sppp");
  CHECK(saga.transaction.timeout_at_ms == kNever);
}

TEST_CASE("core/saga: its time is over before the next retry -> it is stored to be looked at then") {
  Options options;
  options.timeout_to_fail_s = 4;
  options.retry_interval_s = 60;
  Script saga(with_options(1, options));
  saga.submit();
  saga.now.wall_ms += 3'000;
  saga.now.steady_ms += 3'000;
  saga.reply("A0", unknown);
  CHECK(saga.disk().state.next_retry_time_ms == saga.now.wall_ms + 1'000);
  CHECK(saga.transaction.retry_at_ms >= saga.now.steady_ms + 60'000);

  Script aborting(with_options(1, options));
  aborting.submit().reply("A0", failure).reply("C0", unknown);
  CHECK(aborting.status() == "aborting");
  CHECK(aborting.disk().state.next_retry_time_ms >= aborting.now.wall_ms + 60'000);
}

TEST_CASE("core/saga: retry and timeout due together -> the timeout wins") {
  Options options;
  options.timeout_to_fail_s = 10;
  Script saga(with_options(1, options));
  saga.submit().reply("A0", ongoing).started();
  saga.happen(Woken{true, true});
  CHECK(saga.started() == "C0");
}

TEST_CASE("core/saga: timeout with an action in flight -> it is compensated only after its answer") {
  Options options;
  options.timeout_to_fail_s = 60;
  for (CallResult result : {success, failure, ongoing, unknown}) {
    Script saga(with_options(3, options));
    saga.submit().reply("A0", success).started();
    saga.timeout();
    CHECK(saga.status() == "aborting");
    CHECK(saga.revoked() == "");  // the newest decision is the one about the write
    CHECK(saga.started() == "");
    CHECK(saga.reply("A1", result).started() == "C1");
    CHECK(saga.reason() == "Timeout after 60 seconds");
    CHECK(saga.reply("C1", success).reply("C0", success).status() == "failed");
  }
}

TEST_CASE("core/saga: aborted with a call that was never sent -> that step is not compensated") {
  Options options;
  options.timeout_to_fail_s = 60;
  Script saga(with_options(2, options), false);
  saga.submit().durable().reply("A0", success).started();
  saga.timeout();
  CHECK(saga.revoked() == "A1");
  CHECK(saga.not_sent("A1").started() == "");
  CHECK(saga.durable().durable().started() == "C0");
  CHECK(saga.reply("C0", success).status() == "failed");
  CHECK(saga.rows() == "sspp");
}

TEST_CASE("core/saga: a later try is never sent -> the earlier one is compensated all the same") {
  Options options;
  options.timeout_to_fail_s = 60;
  Script saga(with_options(1, options));
  saga.submit().reply("A0", unknown).retry().started();
  saga.timeout().not_sent("A0");
  CHECK(saga.started() == "C0");
}

TEST_CASE(
    "core/saga: aborted after a restart with an earlier step in flight -> no later step is compensated beside it") {
  Options options;
  options.timeout_to_fail_s = 60;
  Script saga(with_options(3, options));
  saga.submit().restart().retry();  // A1 may have been started by the process before
  CHECK(saga.started() == "A0");
  CHECK(saga.timeout().started() == "");
  CHECK(saga.reply("A0", success).started() == "C1");
  CHECK(saga.reply("C1", success).started() == "C0");
}

TEST_CASE("core/saga: a restart -> the durable prefix and the next two steps may have run, no more") {
  Options options;
  options.timeout_to_fail_s = 60;
  Script saga(with_options(5, options));
  saga.submit().reply("A0", success).restart();
  saga.timeout();
  CHECK(saga.started() == "C2");
  saga.reply("C2", success).reply("C1", success).reply("C0", success);
  CHECK(saga.rows() == "ssspsppppp");
  CHECK(saga.status() == "failed");
}

TEST_CASE("core/saga: a restart after parking -> exactly what was started is compensated, at its time") {
  Options options;
  options.timeout_to_fail_s = 60;
  Script saga(with_options(3, options));
  saga.submit().reply("A0", success).reply("A1", ongoing);
  CHECK(saga.disk().state.exact);
  CHECK(saga.disk().state.parked);
  saga.restart();
  CHECK(saga.transaction.retry_at_ms == saga.now.steady_ms + 10'000);
  CHECK(saga.timeout().started() == "C1");
}

TEST_CASE("core/saga: taken up again -> what was in flight at once, what was parked no later than its interval") {
  Script saga(make_saga(1));
  saga.submit().restart();
  CHECK(saga.transaction.retry_at_ms == saga.now.steady_ms);
  saga.retry().reply("A0", ongoing);
  saga.now.wall_ms -= 86'400'000;  // the clock was set back
  saga.restart();
  CHECK(saga.transaction.retry_at_ms == saga.now.steady_ms + 10'000);
  saga.now.wall_ms += 172'800'000;
  saga.restart();
  CHECK(saga.transaction.retry_at_ms == saga.now.steady_ms);
}

TEST_CASE("core/saga: run-ahead -> the next action starts at once, the one after it when the success is durable") {
  Script saga(make_saga(3), false);
  CHECK(saga.submit().started() == "");
  CHECK(saga.durable().started() == "A0");
  CHECK(saga.reply("A0", success).started() == "A1");
  CHECK(saga.reply("A1", success).started() == "");
  CHECK(saga.durable().started() == "A2");
}

TEST_CASE("core/saga: two steps -> two writes are waited for, and three are made") {
  Script saga(make_saga(2));
  saga.submit().reply("A0", success).reply("A1", success);
  CHECK(saga.writes == 3);
}

TEST_CASE("core/saga: only the last call is out -> the write before it may wait for the one that it brings") {
  Script saga(make_saga(3), false);
  saga.submit().durable();
  saga.reply("A0", success);
  CHECK(saga.last.write != 0);
  CHECK_FALSE(saga.last.may_wait);
  SUBCASE("the call before it waits for a write") {
    saga.reply("A1", success);
    CHECK_FALSE(saga.last.may_wait);
    return;
  }
  saga.durable().reply("A1", success);
  CHECK(saga.last.may_wait);
  CHECK(saga.started() == "A0 A1 A2");
  SUBCASE("it ends") {
    saga.reply("A2", success);
    CHECK(saga.status() == "succeed");
    CHECK_FALSE(saga.last.may_wait);
  }
  SUBCASE("it is to be tried again") {
    saga.reply("A2", unknown);
    CHECK(saga.last.write != 0);
    CHECK_FALSE(saga.last.may_wait);
  }
  SUBCASE("it refuses: what is undone is written at once") {
    saga.reply("A2", failure);
    CHECK_FALSE(saga.last.may_wait);
    CHECK(saga.durable().durable().started() == "C2");
    saga.reply("C2", success);
    CHECK(saga.last.write != 0);
    CHECK_FALSE(saga.last.may_wait);
  }
}

TEST_CASE("core/saga: without run-ahead -> no write may wait") {
  Script saga(make_saga(2), false);
  saga.policy.run_ahead = false;
  saga.submit().durable().reply("A0", success);
  CHECK(saga.last.write != 0);
  CHECK_FALSE(saga.last.may_wait);
}

TEST_CASE("core/saga: an empty url -> a success without a call, compensated like any other") {
  Definition empty_action = make_saga(2);
  empty_action.branches[action_row(1)].url.clear();
  Script saga(empty_action);
  saga.submit().reply("A0", success);
  CHECK(saga.status() == "succeed");
  CHECK(saga.rows() == "psps");

  Definition refused = make_saga(3);
  refused.branches[action_row(1)].url.clear();
  refused.branches[compensate_row(0)].url.clear();
  Script other(refused);
  other.submit().reply("A0", success).reply("A2", failure).reply("C2", success).reply("C1", success);
  CHECK(other.started() == "A0 A2 C2 C1");
  CHECK(other.rows() == "sssssf");
  CHECK(other.status() == "failed");
}

TEST_CASE("core/saga: concurrent -> all at once, a refusal compensates all at once, those in flight too") {
  Script saga(concurrent_saga(3));
  CHECK(saga.submit().started() == "A0 A1 A2");
  saga.reply("A0", success).reply("A1", failure);
  CHECK(saga.started() == "C2 C1 C0");  // A2 is still in flight
  saga.reply("C0", success).reply("C1", success).reply("C2", success);
  CHECK(saga.status() == "failed");
  const std::string rows = saga.rows();
  saga.reply("A2", success);
  CHECK(saga.rows() == rows);
}

TEST_CASE("core/saga: concurrent with orders -> a step waits for those it names, compensation the other way round") {
  Script saga(concurrent_saga(3, {{2, {0, 1}}}));
  CHECK(saga.submit().started() == "A0 A1");
  CHECK(saga.reply("A0", success).started() == "");
  CHECK(saga.reply("A1", success).started() == "A2");
  CHECK(saga.reply("A2", failure).started() == "C2");
  CHECK(saga.reply("C2", success).started() == "C1 C0");
}

TEST_CASE("core/saga: concurrent, one ongoing and one unknown -> the pass ends with the last, both are asked again") {
  Script saga(concurrent_saga(3));
  saga.submit().reply("A0", unknown).reply("A1", success);
  CHECK(saga.answer() == "");
  saga.reply("A2", ongoing);
  CHECK(saga.answer() == "wait result not return success: FAILURE");
  saga.started();
  CHECK(saga.retry().started() == "A0 A2");
}

TEST_CASE("core/saga: concurrent -> each answer moves the interval in its turn, and the last one tells") {
  struct Row {
    std::vector<CallResult> answers;  // of the actions, in this order
    std::int64_t interval_s;
  };
  for (const Row& row : {Row{{unknown, success, success}, 10}, Row{{success, unknown, success}, 10},
                         Row{{success, success, unknown}, 20}, Row{{success, unknown, unknown}, 40},
                         Row{{unknown, success, unknown}, 20}, Row{{unknown, unknown, unknown}, 80},
                         Row{{unknown, success, ongoing}, 10}, Row{{ongoing, unknown, ongoing}, 20}}) {
    Script saga(concurrent_saga(3));
    saga.submit();
    for (std::size_t step = 0; step < row.answers.size(); ++step) {
      saga.reply("A" + std::to_string(step), row.answers[step]);
    }
    CAPTURE(row.interval_s);
    CHECK(saga.interval_s() == row.interval_s);
    CHECK(saga.transaction.retry_at_ms == saga.now.steady_ms + row.interval_s * 1'000);
  }
}

TEST_CASE("core/saga: prepared -> waits for ever; submitted -> runs with the request's options") {
  Script saga(make_saga(1));
  saga.prepare();
  CHECK(saga.status() == "prepared");
  CHECK(saga.transaction.retry_at_ms == kNever);
  CHECK(saga.transaction.timeout_at_ms == kNever);
  CHECK(saga.happen(Prepared{}).refusal() == "");
  Definition newer = *saga.definition();
  newer.options.retry_interval_s = 3;
  saga.prompt = false;
  saga.happen(Submitted{std::make_shared<const Definition>(newer)});
  CHECK(saga.last.definition_changed);
  CHECK(saga.interval_s() == 3);
  CHECK(saga.started() == "");
  CHECK(saga.durable().started() == "A0");
}

TEST_CASE("core/saga: submitted again -> goes on from the stored progress, at once") {
  Script saga(make_saga(2));
  saga.submit().reply("A0", success).reply("A1", ongoing).started();
  CHECK(saga.happen(Submitted{saga.definition()}).started() == "A1");
  CHECK(saga.happen(Submitted{saga.definition()}).started() == "");  // it is in flight: once more after this pass
  CHECK(saga.reply("A1", ongoing).started() == "A1");
  CHECK(saga.reply("A1", success).status() == "succeed");
}

TEST_CASE(
    "core/saga: submitted again -> its interval begins anew, where it is tried at once and where it is in flight") {
  Script saga(make_saga(1));
  saga.submit().reply("A0", unknown).retry().reply("A0", unknown);
  CHECK(saga.interval_s() == 40);
  SUBCASE("parked") {
    saga.happen(Submitted{saga.definition()});
    CHECK(saga.reply("A0", unknown).interval_s() == 20);
  }
  SUBCASE("in flight") {
    saga.retry().happen(Submitted{saga.definition()});
    CHECK(saga.reply("A0", ongoing).reply("A0", unknown).interval_s() == 20);
  }
}

TEST_CASE("core/saga: a request that the status does not allow -> refused in the protocol's words") {
  Script saga(make_saga(1));
  saga.submit();
  CHECK(saga.happen(Prepared{}).refusal() == "current status 'submitted', cannot prepare. FAILURE");
  CHECK(saga.happen(AbortRequested{}).refusal() ==
        "trans type: 'saga' current status 'submitted', cannot abort. FAILURE");
  saga.reply("A0", failure);
  CHECK(saga.happen(Submitted{saga.definition()}).refusal() == "current status 'aborting', cannot sumbmit. FAILURE");
  saga.reply("C0", success);
  CHECK(saga.happen(Submitted{saga.definition()}).refusal() == "current status 'failed', cannot sumbmit. FAILURE");
  CHECK(saga.happen(Prepared{}).refusal() == "current status 'failed', cannot prepare. FAILURE");
  CHECK(saga.happen(ForceStopped{}).refusal() == "global transaction force stop error. status: failed. error: FAILURE");
  CHECK(saga.last.refused->code == Code::failure);
  CHECK(saga.last.write == 0);
}

TEST_CASE("core/saga: force stop -> failed without any call, what is in flight is absorbed, waiters get a failure") {
  Script saga(make_saga(2), false);
  saga.submit().durable().reply("A0", success).started();
  saga.happen(ForceStopped{});
  CHECK(saga.status() == "failed");
  CHECK(saga.revoked() == "A1");
  CHECK(saga.answer() == "global transaction was stopped by force. FAILURE");
  CHECK(saga.reply("A1", success).durable().durable().rows() == "pspp");
  CHECK(saga.started() == "");
}

TEST_CASE("core/saga: made due -> goes on at once and the interval stays; a finished one only shows it") {
  Options options;
  options.retry_interval_s = 600;
  Script saga(with_options(1, options));
  saga.submit().reply("A0", ongoing).started();
  CHECK(saga.happen(MadeDue{}).started() == "A0");
  CHECK(saga.reply("A0", success).interval_s() == 600);
  saga.now.wall_ms += 5;
  saga.happen(MadeDue{});
  CHECK(saga.status() == "succeed");
  CHECK(saga.transaction.state.next_retry_time_ms == saga.now.wall_ms);
  CHECK(saga.last.start.empty());
}

TEST_CASE(
    "core/saga: the process halts -> starts nothing, parks what is left with what was started, waiters are told so") {
  Script saga(make_saga(3));
  saga.submit().reply("A0", success).started();
  saga.happen(Halted{});
  CHECK(saga.transaction.in_pass);
  saga.reply("A1", success);
  CHECK(saga.started() == "");
  CHECK(saga.disk().state.exact);
  CHECK(saga.disk().state.next_retry_time_ms == saga.now.wall_ms);
  CHECK(pass_answer(saga.transaction).error().code == Code::unavailable);
  saga.restart();
  CHECK(saga.retry().status() == "submitted");
  CHECK(saga.started() == "A2");
}

TEST_CASE("core/saga: halted by force with a call in flight -> parked at once, that call counts as started") {
  Script saga(make_saga(2));
  saga.submit().happen(Halted{true});
  CHECK_FALSE(saga.transaction.in_pass);
  CHECK(saga.disk().branches[action_row(0)].started);
  CHECK_FALSE(saga.disk().branches[action_row(1)].started);
}

TEST_CASE("core/saga: a service answers at length -> the reason is shortened at a character, with a mark") {
  Script saga(make_saga(1));
  std::string text;
  while (text.size() < 5'000) text += "\xE4\xBA\x8B";
  saga.submit().reply("A0", failure, text);
  CHECK(saga.reason().size() <= kReasonBytesMax);
  CHECK(saga.reason().size() > kReasonBytesMax - 4);
  CHECK(saga.reason().ends_with("\xE4\xBA\x8B ...(shortened) FAILURE"));
  CHECK(saga.answer() == "");
}

TEST_CASE("core/saga: a long one -> no write grows with the steps that are done") {
  Script saga(make_saga(2'000));
  saga.submit();
  std::size_t rows_max = 0;
  for (int step = 0; step < 1'500; ++step) {
    saga.prompt = false;
    saga.reply("A" + std::to_string(step), success);
    rows_max = std::max(rows_max, saga.last.changed.size());
    saga.durable();
  }
  saga.reply("A1500", failure);
  rows_max = std::max(rows_max, saga.last.changed.size());
  saga.durable().durable();
  for (int step = 1'500; step >= 0; --step) {
    saga.reply("C" + std::to_string(step), success);
    rows_max = std::max(rows_max, saga.last.changed.size());
    saga.durable();
  }
  CHECK(saga.status() == "failed");
  CHECK(rows_max <= 3);
}

TEST_CASE("core/resume: without a retry interval -> the one that it would have been created with") {
  Definition definition;
  definition.gid = "g";
  definition.type = TransType::tcc;
  definition.create_time_ms = 1;
  StoredTransaction stored;
  stored.state.status = GlobalStatus::aborting;
  SUBCASE("of the policy") {}
  SUBCASE("of the client") { definition.options.retry_interval_s = 10; }
  stored.definition = std::make_shared<const Definition>(std::move(definition));
  CHECK(resume(std::move(stored), {1'000, 0}, {}).state.retry_interval_ms == 10'000);
}

}  // namespace
}  // namespace settle::core
