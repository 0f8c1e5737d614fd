// An engine for tests of the API: it writes down what is asked of it, and answers at once with what it was told.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "settle/dtm/api.hpp"

namespace settle::dtm {

class FakeEngine : public Engine {
 public:
  std::vector<std::string> asked;
  Result<Done> answer = Done{};
  std::optional<StoredTransaction> found;
  ScanPage page;
  ScanFilter filter;
  Definition definition;
  Registration registration;
  std::vector<KeyValue> key_values;
  std::string next_position;
  bool holds_back = false;  // submit() is not answered, but put here
  std::vector<Completion<Done>> held;

  void submit(Definition given, Completion<Done> completion) override {
    asked.push_back("submit " + given.gid);
    definition = std::move(given);
    if (holds_back) {
      held.push_back(std::move(completion));
    } else {
      completion(answer);
    }
  }
  void prepare(Definition given, Completion<Done> completion) override {
    asked.push_back("prepare " + given.gid);
    definition = std::move(given);
    completion(answer);
  }
  void prepare_workflow(Definition given, Completion<StoredTransaction> completion) override {
    asked.push_back("prepare_workflow " + given.gid + " " + given.callback_name + " " + given.callback_payload);
    if (!answer) return completion(answer.error());
    StoredTransaction stored;
    stored.definition = std::make_shared<const Definition>(std::move(given));
    completion(std::move(stored));
  }
  void register_branch(std::string gid, TransType type, Registration given, BranchStatus status,
                       Completion<Done> completion) override {
    asked.push_back("register_branch " + gid + " " + std::string(to_string(type)) + " " +
                    std::string(to_string(status)));
    registration = std::move(given);
    completion(answer);
  }
  void finish_workflow(std::string gid, GlobalStatus status, std::string rollback_reason, std::string result,
                       Completion<Done> completion) override {
    asked.push_back("finish_workflow " + gid + " " + std::string(to_string(status)) + " " + rollback_reason + " " +
                    result);
    completion(answer);
  }
  void abort(std::string gid, std::optional<TransType> type, std::string reason, Completion<Done> completion) override {
    asked.push_back("abort " + gid + " " + (type ? std::string(to_string(*type)) : "-") + " " + reason);
    completion(answer);
  }
  void force_stop(std::string gid, Completion<Done> completion) override {
    asked.push_back("force_stop " + gid);
    completion(answer);
  }
  void make_due(std::string gid, Completion<Done> completion) override {
    asked.push_back("make_due " + gid);
    completion(answer);
  }
  void make_all_due(std::int64_t later_than_ms, std::size_t limit, Completion<MadeDue> completion) override {
    asked.push_back("make_all_due " + std::to_string(later_than_ms) + " " + std::to_string(limit));
    completion(MadeDue{2, true});
  }
  void query(std::string gid, Completion<std::optional<StoredTransaction>> completion) override {
    asked.push_back("query " + gid);
    if (!answer) return completion(answer.error());
    completion(found);
  }
  void list(ScanFilter given, std::string position, std::size_t limit, Completion<ScanPage> completion) override {
    asked.push_back("list " + position + " " + std::to_string(limit));
    filter = given;
    if (!answer) return completion(answer.error());
    completion(page);
  }
  void subscribe(std::string topic, std::string url, std::string remark, Completion<Done> completion) override {
    asked.push_back("subscribe " + topic + " " + url + " " + remark);
    completion(answer);
  }
  void unsubscribe(std::string topic, std::string url, Completion<Done> completion) override {
    asked.push_back("unsubscribe " + topic + " " + url);
    completion(answer);
  }
  void delete_topic(std::string topic, Completion<Done> completion) override {
    asked.push_back("delete_topic " + topic);
    completion(answer);
  }
  void query_key_value(std::string category, std::string key, Completion<std::optional<KeyValue>> completion) override {
    asked.push_back("query_key_value " + category + " " + key);
    if (!answer) return completion(answer.error());
    completion(key_values.empty() ? std::nullopt : std::optional(key_values.front()));
  }
  void list_key_values(std::string category, std::string position, std::size_t limit,
                       Completion<KeyValuePage> completion) override {
    asked.push_back("list_key_values " + category + " " + position + " " + std::to_string(limit));
    if (!answer) return completion(answer.error());
    completion(KeyValuePage{key_values, next_position});
  }
  void wait(std::string, Completion<GlobalStatus>) override {}
  void watch(std::string, UniqueFunction<void(Result<GlobalStatus>)>) override {}
  std::string new_gid() override { return "fresh"; }
  void clock_advanced(UniqueFunction<void()> settled) override {
    asked.emplace_back("clock_advanced");
    settled();
  }
  void stop(std::int64_t, UniqueFunction<void()>) override {}
  EngineStatistics statistics() const override { return {}; }
};

// An API in front of it.
struct FakeServer {
  FakeEngine engine;
  ApiOptions options{.version = "1.2.3"};

  http::Response ask(const char* method, std::string target, std::string body = "") {
    http::Response response;
    int answers = 0;
    Api(engine, options).handle({method, std::move(target), std::move(body)}, [&](http::Response given) {
      response = std::move(given);
      ++answers;
    });
    if (answers != 1) response.body = "answered " + std::to_string(answers) + " times";
    return response;
  }
};

}  // namespace settle::dtm
