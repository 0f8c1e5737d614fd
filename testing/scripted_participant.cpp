#include "settle/testing/scripted_participant.hpp"

#include <algorithm>
#include <list>

namespace settle::testing {
namespace {

std::string branch_name(const BranchCall& call) { return call.branch_id + " " + call.operation; }

bool has_name(const BranchCall& call, std::string_view name) { return call.url == name || branch_name(call) == name; }

}  // namespace

class ScriptedParticipant::Caller final : public BranchCaller {
 public:
  Caller(ScriptedParticipant& participant, Executor& shard) : participant_(participant), shard_(shard) {}
  ~Caller() override {
    for (Hanging& call : hanging_) call.completion({CallResult::unknown, "the caller is gone"});
  }

  void call(BranchCall call, BranchCompletion completion) override {
    participant_.calls_.push_back(call);
    std::optional<Script> script = participant_.take_script(call.url);
    if (!script) script = participant_.take_script(branch_name(call));
    if (!script) return completion(participant_.work(call, {.text = "ok"}));
    if (script->hang) return hang(call.timeout_ms, std::move(completion));
    if (!script->hold && !script->lose_answer) return completion({script->result, std::move(script->text)});
    BranchReply reply = participant_.work(call, *script);
    if (script->hold) {
      participant_.held_.push_back({std::move(completion), std::move(reply)});
    } else {
      completion({CallResult::unknown, script->text.empty() ? "the answer was lost" : std::move(script->text)});
    }
  }

 private:
  struct Hanging {
    BranchCompletion completion;
    std::unique_ptr<Timer> timeout;
  };

  void hang(std::int64_t timeout_ms, BranchCompletion completion) {
    const auto place = hanging_.insert(hanging_.end(), Hanging{std::move(completion), nullptr});
    place->timeout = shard_.make_timer([this, place] {
      Hanging call = std::move(*place);  // keeps the timer, whose task this is
      hanging_.erase(place);
      call.completion({CallResult::unknown, "no answer in time"});
    });
    place->timeout->arm(timeout_ms);
  }

  ScriptedParticipant& participant_;
  Executor& shard_;
  std::list<Hanging> hanging_;
};

CallerPort ScriptedParticipant::port(std::vector<std::string> schemes) {
  return {std::move(schemes), [this](Executor& shard) { return std::make_unique<Caller>(*this, shard); }};
}

std::optional<ScriptedParticipant::Script> ScriptedParticipant::take_script(const std::string& name) {
  const auto found = scripts_.find(name);
  if (found == scripts_.end()) return std::nullopt;
  Scripts& scripts = found->second;
  if (scripts.next.empty()) return scripts.always;
  Script script = std::move(scripts.next.front());
  scripts.next.pop_front();
  return script;
}

BranchReply ScriptedParticipant::work(const BranchCall& call, const Script& otherwise) const {
  auto function = functions_.find(call.url);
  if (function == functions_.end()) function = functions_.find(branch_name(call));
  if (function == functions_.end()) return {otherwise.result, otherwise.text};
  return function->second(call);
}

bool ScriptedParticipant::release(CallResult result, std::string text) {
  if (held_.empty()) return false;
  held_.front().reply = {result, std::move(text)};
  return release();
}

bool ScriptedParticipant::release() {
  if (held_.empty()) return false;
  Held held = std::move(held_.front());
  held_.pop_front();
  held.completion(std::move(held.reply));
  return true;
}

std::size_t ScriptedParticipant::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(calls_.begin(), calls_.end(), [name](const BranchCall& call) { return has_name(call, name); }));
}

std::vector<std::string> ScriptedParticipant::take_calls() {
  std::vector<std::string> names;
  for (; taken_ < calls_.size(); ++taken_) names.push_back(calls_[taken_].gid + " " + branch_name(calls_[taken_]));
  return names;
}

}  // namespace settle::testing
