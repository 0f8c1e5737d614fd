#include "settle/transaction.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>

namespace settle {
namespace {

std::string repeated(const std::string& text, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

Definition saga(std::size_t steps) {
  Definition definition;
  definition.gid = "g";
  append_saga_steps(definition, std::vector<SagaStep>(steps, SagaStep{"http://a", "http://c", "{}"}));
  return definition;
}

// "" where it is valid.
std::string objection(const Definition& definition) {
  const Result<Done> result = validate(definition);
  if (result) return "";
  CHECK(result.error().code == Code::invalid);
  return result.error().message;
}

TEST_CASE("core/transaction: the time of the next retry, shown -> a deadline is none of it") {
  struct Row {
    TransType type;
    GlobalStatus status;
    std::uint32_t query_attempts;
    std::int64_t next_retry_time_ms;
    std::int64_t shown_ms;
  };
  for (const Row& row : {Row{TransType::tcc, GlobalStatus::prepared, 0, 36'000, 11'000},
                         Row{TransType::msg, GlobalStatus::prepared, 0, 36'000, 11'000},
                         Row{TransType::msg, GlobalStatus::prepared, 1, 56'000, 56'000},
                         Row{TransType::xa, GlobalStatus::prepared, 0, 9'000, 9'000},  // made due
                         Row{TransType::workflow, GlobalStatus::prepared, 0, 36'000, 36'000},
                         Row{TransType::tcc, GlobalStatus::submitted, 0, 36'000, 36'000}}) {
    Definition definition;
    definition.type = row.type;
    definition.create_time_ms = 1'000;
    State state;
    state.status = row.status;
    state.retry_interval_ms = 10'000;
    state.query_attempts = row.query_attempts;
    state.next_retry_time_ms = row.next_retry_time_ms;
    CHECK(shown_retry_time_ms(definition, state) == row.shown_ms);
  }
}

TEST_CASE("core/transaction: a gid -> checked as text, in characters") {
  struct Row {
    const char* name;
    std::string gid;
    const char* objection;  // part of it; "" where it is fine
  };
  const Row rows[] = {
      {"short", "g", ""},
      {"odd",
       "o'clock \"50%\" &=#?/\\ gr\xC3\xBC\xC3\x9F"
       "e \xE4\xBA\x8B\xE5\x8A\xA1",
       ""},
      {"128 bytes", repeated("x", 128), ""},
      {"129 bytes", repeated("x", 129), "129 characters"},
      {"128 characters of two bytes", repeated("\xC3\xBC", 128), ""},
      {"128 characters of four bytes", repeated("\xF0\x9F\x98\x80", 128), ""},
      {"129 characters of four bytes", repeated("\xF0\x9F\x98\x80", 129), "129 characters"},
      {"empty", "", "no gid specified"},
      {"NUL", std::string("a\0b", 3), "NUL"},
      {"a lone continuation byte", "a\x80", "UTF-8"},
      {"cut in a character", "a\xE4\xBA", "UTF-8"},
      {"a character without its end", "\xE4\xBAx", "UTF-8"},
      {"overlong slash", "\xC0\xAF", "UTF-8"},
      {"overlong in three bytes", "\xE0\x9F\xBF", "UTF-8"},
      {"overlong in four bytes", "\xF0\x8F\xBF\xBF", "UTF-8"},
      {"a surrogate", "\xED\xA0\x80", "UTF-8"},
      {"beyond the last character", "\xF4\x90\x80\x80", "UTF-8"},
      {"the last character", "\xF4\x8F\xBF\xBF", ""},
      {"0xFF", "\xFF", "UTF-8"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Definition definition = saga(1);
    definition.gid = row.gid;
    const std::string text = objection(definition);
    if (row.objection[0] == '\0') {
      CHECK(text == "");
    } else {
      CHECK(text.find("gid") != std::string::npos);
      CHECK(text.find(row.objection) != std::string::npos);
    }
  }
}

TEST_CASE("core/transaction: options -> no negative number, none too large, the field is named") {
  struct Row {
    const char* field;
    std::int64_t Options::*member;
  };
  for (const Row& row :
       {Row{"timeout_to_fail", &Options::timeout_to_fail_s}, Row{"request_timeout", &Options::request_timeout_s},
        Row{"retry_interval", &Options::retry_interval_s}, Row{"retry_limit", &Options::retry_limit}}) {
    CAPTURE(row.field);
    Definition definition = saga(1);
    for (std::int64_t fine : {std::int64_t{0}, std::int64_t{1}, kSecondsMax}) {
      definition.options.*row.member = fine;
      CHECK(objection(definition) == "");
    }
    for (std::int64_t wrong : {std::int64_t{-1}, INT64_MIN, kSecondsMax + 1, INT64_MAX}) {
      definition.options.*row.member = wrong;
      CHECK(objection(definition).starts_with(row.field));
    }
  }
}

TEST_CASE("core/transaction: orders -> existing steps without a circle") {
  using Orders = std::map<std::uint32_t, std::vector<std::uint32_t>>;
  struct Row {
    const char* name;
    Orders orders;
    const char* objection;
  };
  const Row rows[] = {
      {"none", {}, ""},
      {"an empty list", {{0, {}}}, ""},
      {"a chain", {{1, {0}}, {2, {1}}}, ""},
      {"a chain backwards", {{0, {1}}, {1, {2}}}, ""},
      {"a join", {{2, {0, 1}}}, ""},
      {"one named twice", {{2, {0, 0, 1}}}, ""},
      {"itself", {{1, {1}}}, "cycle"},
      {"two for each other", {{0, {1}}, {1, {0}}}, "cycle"},
      {"a circle of three", {{0, {2}}, {1, {0}}, {2, {1}}}, "cycle"},
      {"a circle behind a chain", {{1, {0, 2}}, {2, {1}}}, "cycle"},
      {"a step that is not there", {{3, {0}}}, "step 3"},
      {"a step that is not there, with an empty list", {{3, {}}}, "step 3"},
      {"waits for a step that is not there", {{0, {3}}}, "step 3"},
      {"a very large step", {{0, {4'294'967'295u}}}, "step 4294967295"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Definition definition = saga(3);
    definition.concurrent = true;
    definition.orders = row.orders;
    const std::string text = objection(definition);
    if (row.objection[0] == '\0') {
      CHECK(text == "");
    } else {
      CHECK(text.starts_with("custom_data"));
      CHECK(text.find(row.objection) != std::string::npos);
    }
  }
}

TEST_CASE("core/transaction: steps -> each a compensation and an action with the step's number and payload") {
  Definition definition;
  append_saga_steps(definition, {{"a", "c", "one"}});
  append_saga_steps(definition, std::vector<SagaStep>(99, SagaStep{"a", "c", "other"}));
  REQUIRE(definition.branches.size() == 200);
  CHECK(definition.branches[0] == BranchDefinition{"01", Operation::compensate, "c", 0});
  CHECK(definition.branches[1] == BranchDefinition{"01", Operation::action, "a", 0});
  CHECK(definition.branches[2].branch_id == "02");
  CHECK(definition.branches[3].payload == 1);
  CHECK(definition.branches[197].branch_id == "99");
  CHECK(definition.branches[199].branch_id == "100");
  CHECK(definition.payloads.size() == 100);
}

TEST_CASE("core/transaction: the number of steps -> none, 5,000 and the limit are fine, more are not") {
  CHECK(objection(saga(0)) == "");
  CHECK(objection(saga(kBranchesMax / 2)) == "");
  CHECK(objection(saga(kBranchesMax / 2 + 1)).starts_with("steps"));
  Definition chain = saga(5'000);
  chain.concurrent = true;
  for (std::uint32_t step = 1; step < 5'000; ++step) chain.orders[step] = {step - 1};
  CHECK(objection(chain) == "");
  chain.orders[0] = {4'999};
  CHECK(objection(chain).find("cycle") != std::string::npos);
}

TEST_CASE("core/transaction: rows put together by hand -> refused where they are not a saga's") {
  Definition half = saga(2);
  half.branches.pop_back();
  CHECK(objection(half).starts_with("steps"));
  Definition turned = saga(2);
  std::swap(turned.branches[2], turned.branches[3]);
  CHECK(objection(turned).starts_with("steps"));
  Definition bare = saga(2);
  bare.payloads.pop_back();
  CHECK(objection(bare).starts_with("payloads"));
}

TEST_CASE("core/transaction: a request for a prepared gid -> what it sets counts, what it leaves out stays") {
  Definition stored = saga(2);
  stored.create_time_ms = 77;
  stored.custom_data = "{\"concurrent\":true}";
  stored.concurrent = true;
  stored.orders = {{1, {0}}};
  stored.options.timeout_to_fail_s = 60;
  stored.options.retry_limit = 3;
  stored.options.branch_headers = {{"a", "b"}};

  Definition silent = saga(5);
  const Result<Definition> kept = merge(stored, silent);
  REQUIRE(kept);
  CHECK(kept.value() == stored);

  Definition request = saga(0);
  request.options.retry_limit = 7;
  request.options.wait_result = true;
  request.options.retry_interval_s = 9;
  request.options.branch_headers = {{"c", "d"}};
  request.custom_data = "{}";
  const Result<Definition> merged = merge(stored, request);
  REQUIRE(merged);
  Definition expected = stored;
  expected.options.retry_limit = 7;
  expected.options.wait_result = true;
  expected.options.retry_interval_s = 9;
  expected.options.branch_headers = {{"c", "d"}};
  expected.custom_data = "{}";
  expected.concurrent = false;
  expected.orders = {};
  CHECK(merged.value() == expected);
}

TEST_CASE("core/transaction: a request whose orders do not fit the stored steps -> refused") {
  Definition request = saga(3);
  request.custom_data = "{\"concurrent\":true,\"orders\":{\"2\":[0]}}";
  request.concurrent = true;
  request.orders = {{2, {0}}};
  const Result<Definition> merged = merge(saga(2), request);
  REQUIRE_FALSE(merged);
  CHECK(merged.error().code == Code::invalid);
  CHECK(merged.error().message.starts_with("custom_data"));
}

TEST_CASE("core/transaction: a negative delay -> refused, the field is named") {
  Definition definition = saga(0);
  definition.type = TransType::msg;
  definition.delay_s = -1;
  CHECK(objection(definition) == "custom_data: delay: must not be negative");
}

TEST_CASE("core/transaction: rows that the type does not have -> refused") {
  Definition definition = saga(1);
  definition.type = TransType::msg;
  CHECK(objection(definition) == "steps: each must have one row, an action");
  definition.type = TransType::tcc;
  CHECK(objection(definition) == "steps: a tcc has none, its branches are registered");
}

TEST_CASE("core/transaction: what is to be registered -> checked as far as its type needs it") {
  const auto refused = [](TransType type, const Registration& registration) {
    const Result<Done> result = validate(type, registration);
    return result ? "" : result.error().message;
  };
  CHECK(refused(TransType::tcc, {"01", "", "", "", ""}) == "");
  CHECK(refused(TransType::tcc, {"", "", "", "", ""}) == "branch_id: must not be empty");
  CHECK(refused(TransType::xa, {repeated("x", 129), "", "", "", ""}) ==
        "branch_id: has 129 characters, at most 128 are allowed");
  CHECK(refused(TransType::xa, {"\xFF", "", "", "", ""}) == "branch_id: is not valid UTF-8");
  CHECK(refused(TransType::workflow, {"01", "", "", "", ""}) == "op: must not be empty");
  CHECK(refused(TransType::workflow, {"01", "", "", "", "action"}) == "");
  CHECK(refused(TransType::msg, {"01", "", "", "", ""}) == "unknow trans type: msg");
}

TEST_CASE(
    "core/transaction: rows of registrations -> cancel before confirm, rollback before commit, a result as it is") {
  const std::vector<Registration> list = {{"01", "p", "go", "undo", ""}, {"02", "q", "go2", "undo2", "action"}};
  Definition definition;
  const auto shown = [&](std::size_t row) {
    const BranchView view = branch_at(definition, list, row);
    return std::string(view.branch_id) + " " + std::string(view.operation) + " " + std::string(view.url) + " " +
           std::string(view.payload);
  };
  definition.type = TransType::tcc;
  CHECK(row_count(definition, list.size()) == 4);
  CHECK(shown(0) == "01 cancel undo p");
  CHECK(shown(3) == "02 confirm go2 q");
  definition.type = TransType::xa;
  CHECK(shown(0) == "01 rollback go p");
  CHECK(shown(1) == "01 commit go p");
  definition.type = TransType::workflow;
  CHECK(row_count(definition, list.size()) == 2);
  CHECK(shown(1) == "02 action  q");
}

}  // namespace
}  // namespace settle
