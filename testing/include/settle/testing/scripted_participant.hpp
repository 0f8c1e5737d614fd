// Participants for tests: what a call of a branch comes to is for the test to say, and every call is written down.
//
//   participant.reply("02 action", {.result = CallResult::failure, .text = "no money"});   // the next one
//   participant.always("http://stock/reserve", {.hang = true});                            // all that follow
//   participant.does("http://stock/reserve", [&](const BranchCall& call) { … });           // what one does by itself
//
// A call is named by its url, as the definition has it, or by its branch and operation: "01 action", "01 compensate",
// "00 query_prepared". Where both were scripted, the url goes first. Where nothing was, it succeeds.
//
// Threads: one, that of the executors that its callers were made for. Lifetime: it must outlive those callers, so the
// engine that has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "settle/branch_caller.hpp"
#include "settle/engine.hpp"
#include "settle/executor.hpp"

namespace settle::testing {

class ScriptedParticipant {
 public:
  // What one call comes to. Without any of the three marks the participant answers at once, and does nothing else.
  struct Script {
    CallResult result = CallResult::success;
    std::string text;          // what it says: the reason of a failure, or what is wrong
    bool hold = false;         // does its work, and the answer waits for release(), for as long as that takes
    bool lose_answer = false;  // does its work, and the answer is lost on the way: `unknown`
    bool hang = false;         // does nothing: `unknown`, when the call's timeout has passed
  };
  // Its work, invoked inside the call. The reply is the answer, unless a script says otherwise. Must not throw. It may
  // call whatever the test wants, also TestCoordinator::crash().
  using Function = std::function<BranchReply(const BranchCall& call)>;

  ScriptedParticipant() = default;
  ScriptedParticipant(const ScriptedParticipant&) = delete;
  ScriptedParticipant& operator=(const ScriptedParticipant&) = delete;

  // Of the next call of that name for which nothing was said yet.
  void reply(const std::string& name, Script script) { scripts_[name].next.push_back(std::move(script)); }
  // Of every call of that name behind those.
  void always(const std::string& name, Script script) { scripts_[name].always = std::move(script); }
  // What calls of that name do that have no script, or one whose call does its work.
  void does(const std::string& name, Function function) { functions_[name] = std::move(function); }

  // For Ports::callers: urls of these schemes, or, without any, all that no other caller takes.
  CallerPort port(std::vector<std::string> schemes = {});

  // Answers the oldest call that is held back: as given, or with what its work came to. False where there is none.
  bool release(CallResult result, std::string text = {});
  bool release();
  std::size_t held() const { return held_.size(); }
  // Those who wait for the answers that are held back have gone.
  void drop_held() { held_.clear(); }

  // All calls since the beginning, in the order in which they came, whatever came of them.
  const std::vector<BranchCall>& calls() const { return calls_; }
  // How many of them had that name.
  std::size_t count(std::string_view name) const;
  // Those since the last take, as "gid branch_id operation".
  std::vector<std::string> take_calls();

 private:
  class Caller;
  struct Scripts {
    std::deque<Script> next;
    std::optional<Script> always;
  };
  struct Held {
    BranchCompletion completion;
    BranchReply reply;
  };

  std::optional<Script> take_script(const std::string& name);
  BranchReply work(const BranchCall& call, const Script& otherwise) const;

  std::map<std::string, Scripts, std::less<>> scripts_;
  std::map<std::string, Function, std::less<>> functions_;
  std::deque<Held> held_;
  std::vector<BranchCall> calls_;
  std::size_t taken_ = 0;
};

}  // namespace settle::testing
