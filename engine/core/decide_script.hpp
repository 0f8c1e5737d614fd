// Plays the store and the participants of one saga by hand. For tests only.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/decide.hpp"

namespace settle::core {

// A saga of this many steps whose urls are "a0", "c0", "a1", …
inline Definition make_saga(std::uint32_t step_count) {
  Definition definition;
  definition.gid = "g";
  definition.create_time_ms = 1'000'000;
  std::vector<SagaStep> steps;
  for (std::uint32_t step = 0; step < step_count; ++step) {
    steps.push_back({"a" + std::to_string(step), "c" + std::to_string(step), ""});
  }
  append_saga_steps(definition, std::move(steps));
  return definition;
}

// Rows are named "A0", "C0", "A1", … Writes become durable when durable() says so, one by one and in order, or at once
// after every event while `prompt`. Every function that lets something happen fails nothing by itself: look at the
// members and at what it gives back.
class Script {
 public:
  explicit Script(Definition definition, bool store_is_prompt = true)
      : prompt(store_is_prompt), definition_(std::make_shared<const Definition>(std::move(definition))) {}

  Script& submit() { return follow(create(definition_, GlobalStatus::submitted, now, policy)); }
  Script& prepare() { return follow(create(definition_, GlobalStatus::prepared, now, policy)); }
  Script& happen(const Event& event) { return follow(decide(transaction, event, now, policy)); }
  Script& durable() {
    while (!transaction.settled()) {
      disk_ = sent_.front();
      sent_.erase(sent_.begin());
      follow(decide(transaction, Durable{transaction.durable + 1}, now, policy), true);
      if (!prompt) break;
    }
    return *this;
  }
  Script& reply(const std::string& row, CallResult result, std::string text = "no") {
    const Call call = in_flight(row);
    forget(call);
    return happen(Replied{call, result, std::move(text)});
  }
  Script& not_sent(const std::string& row) {
    const Call call = in_flight(row);
    forget(call);
    return happen(NotSent{call});
  }
  // Lets time pass until the retry, or the timeout, is due.
  Script& retry() { return wake(transaction.retry_at_ms, {true, false}); }
  Script& timeout() { return wake(transaction.timeout_at_ms, {false, true}); }

  // The process dies; another takes up what became durable.
  Script& restart() {
    calls.clear();
    sent_.clear();
    open_.clear();
    transaction = resume(disk_, now, policy);
    return *this;
  }

  // The calls started since this was asked last, in order: "A0 A1".
  std::string started() { return joined(std::exchange(calls, {})); }
  std::string revoked() const {
    std::vector<std::string> names;
    for (const Call& call : last.revoke) names.push_back(name(call.row));
    return joined(names);
  }
  // The statuses of the rows as they are stored, a letter each: p(repared), s(ucceed), f(ailed).
  std::string rows() const {
    std::string text;
    for (const BranchState& branch : transaction.branches) text += to_string(branch.status)[0];
    return text;
  }
  std::string status() const { return std::string(to_string(transaction.state.status)); }
  std::string reason() const { return transaction.state.rollback_reason; }
  std::int64_t interval_s() const { return transaction.state.retry_interval_ms / 1000; }
  // What a waiter would be told; "" where the pass has not ended by the newest event.
  std::string answer() const {
    if (!last.pass_ended) return "";
    const Result<Done> result = pass_answer(transaction);
    return result ? "done" : result.error().message;
  }
  std::string refusal() const { return last.refused ? last.refused->message : ""; }
  const std::shared_ptr<const Definition>& definition() const { return transaction.definition; }
  const StoredTransaction& disk() const { return disk_; }

  bool prompt;
  Moment now = {1'000'000, 5'000};
  Policy policy;
  Transaction transaction;
  Decision last;                   // without its transaction
  std::vector<std::string> calls;  // started
  std::size_t writes = 0;

 private:
  Script& follow(Decision decision, bool keep_last = false) {
    transaction = std::move(decision.transaction);
    const bool pass_ended = decision.pass_ended || (keep_last && last.pass_ended);
    for (const Call& call : decision.start) {
      calls.push_back(name(call.row));
      open_.push_back(call);
    }
    if (decision.write != 0) {
      ++writes;
      sent_.push_back({1, transaction.definition, transaction.state, {}, transaction.branches});
    }
    last = std::move(decision);
    last.pass_ended = pass_ended;
    if (prompt && !keep_last) durable();
    return *this;
  }

  Script& wake(std::int64_t at_ms, Woken woken) {
    const std::int64_t by_ms = std::max<std::int64_t>(at_ms - now.steady_ms, 0);
    now.steady_ms += by_ms;
    now.wall_ms += by_ms;
    return happen(woken);
  }

  Call in_flight(const std::string& row) const {
    const auto at = std::find_if(open_.begin(), open_.end(), [&](const Call& call) { return name(call.row) == row; });
    return at == open_.end() ? Call{} : *at;
  }
  void forget(Call call) { std::erase(open_, call); }

  static std::string name(std::uint32_t row) { return (is_action_row(row) ? "A" : "C") + std::to_string(step_of(row)); }
  static std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& one : names) text += (text.empty() ? "" : " ") + one;
    return text;
  }

  std::shared_ptr<const Definition> definition_;
  StoredTransaction disk_;
  std::vector<StoredTransaction> sent_;
  std::vector<Call> open_;
};

}  // namespace settle::core
