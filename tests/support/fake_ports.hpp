// Ports for tests of the runtime: a participant that a test scripts, a store whose writes can fail, numbers that count.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "settle/branch_caller.hpp"
#include "settle/engine.hpp"
#include "settle/executor.hpp"
#include "settle/random.hpp"
#include "settle/store.hpp"

namespace settle::testing {

class CountingRandom final : public Random {
 public:
  std::uint64_t next() override { return value_ += 0x9E3779B97F4A7C15ull; }

 private:
  std::uint64_t value_ = 0;
};

// A participant that a test scripts: replies by "branch_id operation" ("01 action"), in turn; SUCCESS where nothing is
// said. Keeps a record of all calls. The answer to a call whose script says `hold` is kept back until release().
class ScriptedParticipant {
 public:
  struct Script {
    CallResult result = CallResult::success;
    std::string text;
    bool hold = false;
  };

  void reply(const std::string& call, Script script) { scripts_[call].push_back(std::move(script)); }

  CallerPort port(std::string scheme = "test") {
    return {{std::move(scheme)}, [this](Executor&) { return std::make_unique<Caller>(*this); }};
  }

  // Answers the oldest call that is held back, as given.
  bool release(CallResult result, std::string text = {}) {
    if (held_.empty()) return false;
    BranchCompletion completion = std::move(held_.front());
    held_.pop_front();
    completion({result, std::move(text)});
    return true;
  }
  // Those who wait for the answers that are held back have gone.
  void drop_held() { held_.clear(); }

  // The calls since the last take, as "gid branch_id operation".
  std::vector<std::string> take_calls() { return std::exchange(calls_, {}); }

 private:
  class Caller final : public BranchCaller {
   public:
    explicit Caller(ScriptedParticipant& participant) : participant_(participant) {}
    void call(BranchCall call, BranchCompletion completion) override {
      participant_.called(std::move(call), std::move(completion));
    }

   private:
    ScriptedParticipant& participant_;
  };

  void called(BranchCall call, BranchCompletion completion) {
    const std::string name = call.branch_id + " " + call.operation;
    calls_.push_back(call.gid + " " + name);
    auto& scripts = scripts_[name];
    if (scripts.empty()) {
      completion({CallResult::success, "ok"});
      return;
    }
    Script script = std::move(scripts.front());
    scripts.pop_front();
    if (script.hold) {
      held_.push_back(std::move(completion));
    } else {
      completion({script.result, std::move(script.text)});
    }
  }

  std::map<std::string, std::deque<Script>> scripts_;
  std::deque<BranchCompletion> held_;
  std::vector<std::string> calls_;
};

// A store in front of another one, whose writes a test can make fail.
class FaultyStore final : public Store {
 public:
  explicit FaultyStore(Store& store) : store_(store) {}

  bool fail_writes = false;          // apply() fails without doing anything
  bool fail_after_applying = false;  // apply() does it, and says that it failed
  bool fail_repairs = false;
  bool fail_reads = false;
  std::size_t repairs = 0;
  std::vector<Change> applied;  // everything that apply() was given

  StoreTraits traits() const override { return store_.traits(); }
  void apply(std::span<const Change> group, std::span<ChangeOutcome> outcomes) override {
    applied.insert(applied.end(), group.begin(), group.end());
    if (!fail_writes) store_.apply(group, outcomes);
    if (fail_writes || fail_after_applying) {
      for (ChangeOutcome& outcome : outcomes) outcome = {ChangeResult::failed, 0};
    }
  }
  ChangeResult apply_key_value(const KeyValueChange& change) override {
    const ChangeResult result = fail_writes ? ChangeResult::failed : store_.apply_key_value(change);
    return fail_after_applying ? ChangeResult::failed : result;
  }
  Result<std::optional<KeyValue>> load_key_value(const std::string& category, const std::string& key) override {
    if (fail_reads) return Error{Code::internal, "cannot be read"};
    return store_.load_key_value(category, key);
  }
  Result<KeyValuePage> scan_key_values(const std::string& category, const std::string& position,
                                       std::size_t limit) override {
    return store_.scan_key_values(category, position, limit);
  }
  Result<Done> repair() override {
    ++repairs;
    if (fail_repairs) return Error{Code::internal, "still broken"};
    fail_writes = fail_after_applying = false;
    return store_.repair();
  }
  Result<std::optional<StoredTransaction>> load(const std::string& gid) override {
    if (fail_reads) return Error{Code::internal, "cannot be read"};
    return store_.load(gid);
  }
  Result<std::optional<GlobalStatus>> purged_status(const std::string& gid) override {
    return store_.purged_status(gid);
  }
  Result<ScanPage> scan(const ScanFilter& filter, const std::string& position, std::size_t limit) override {
    return store_.scan(filter, position, limit);
  }
  Result<Done> visit_unfinished(UniqueFunction<bool(StoredTransaction)> visit,
                                UniqueFunction<void(Error)> damaged) override {
    return store_.visit_unfinished(std::move(visit), std::move(damaged));
  }
  Result<PurgeResult> purge(std::int64_t finished_before_ms, std::int64_t forgotten_before_ms, std::int64_t now_ms,
                            std::size_t limit) override {
    return store_.purge(finished_before_ms, forgotten_before_ms, now_ms, limit);
  }
  Result<Claimed> claim(const ClaimRequest& request, std::size_t limit, UniqueFunction<void(Error)> damaged) override {
    if (fail_reads) return Error{Code::internal, "cannot be read"};
    return store_.claim(request, limit, std::move(damaged));
  }
  Result<ClaimedOne> claim_one(const std::string& gid, const ClaimRequest& request) override {
    if (fail_reads) return Error{Code::internal, "cannot be read"};
    return store_.claim_one(gid, request);
  }
  Result<std::size_t> make_due(std::int64_t later_than_ms, std::int64_t now_ms, std::size_t limit) override {
    return store_.make_due(later_than_ms, now_ms, limit);
  }
  Result<std::size_t> end_leases(const std::function<bool(const std::string& owner)>& is_gone,
                                 std::int64_t now_ms) override {
    if (fail_reads) return Error{Code::internal, "cannot be read"};
    return store_.end_leases(is_gone, now_ms);
  }

 private:
  Store& store_;
};

}  // namespace settle::testing
