#include "settle/topics.hpp"

#include <doctest/doctest.h>

namespace settle {
namespace {

Definition message(std::vector<MessageAction> actions) {
  Definition definition;
  definition.gid = "gid";
  definition.type = TransType::msg;
  append_message_actions(definition, std::move(actions));
  return definition;
}

// So many urls, each its own.
std::vector<std::string> urls(std::size_t count) {
  std::vector<std::string> made;
  for (std::size_t i = 1; i <= count; ++i) made.push_back("http://host/" + std::to_string(i));
  return made;
}

TEST_CASE("topics/expand: no row with a topic -> as it was") {
  Definition definition = message({{"http://host/a", "1"}, {"", "2"}, {"host/topic://x", "3"}});
  const Definition before = definition;
  REQUIRE(expand_topics(definition, {{"x", urls(2)}}));
  CHECK(definition == before);
}

TEST_CASE("topics/expand: one subscriber -> its url, the id stays") {
  Definition definition = message({{"http://host/a", "1"}, {"topic://mail", "2"}});
  REQUIRE(expand_topics(definition, {{"mail", urls(1)}}));
  const std::vector<BranchDefinition> expected = {{"01", Operation::action, "http://host/a", 0},
                                                  {"02", Operation::action, "http://host/1", 1}};
  CHECK(definition.branches == expected);
  CHECK(validate(definition));
}

TEST_CASE("topics/expand: several subscribers -> a row each in their order, numbered, with the same payload") {
  Definition definition = message({{"topic://mail", "1"}, {"http://host/a", "2"}, {"topic://", "3"}});
  REQUIRE(expand_topics(definition, {{"mail", urls(3)}, {"", {"u", "http://host/1"}}}));
  const std::vector<BranchDefinition> expected = {{"01-01", Operation::action, "http://host/1", 0},
                                                  {"01-02", Operation::action, "http://host/2", 0},
                                                  {"01-03", Operation::action, "http://host/3", 0},
                                                  {"02", Operation::action, "http://host/a", 1},
                                                  {"03-01", Operation::action, "u", 2},
                                                  {"03-02", Operation::action, "http://host/1", 2}};
  CHECK(definition.branches == expected);
  CHECK(definition.payloads == std::vector<std::string>{"1", "2", "3"});
  CHECK(validate(definition));
}

TEST_CASE("topics/expand: a subscriber that is a topic itself -> taken as a url, not followed") {
  Definition definition = message({{"topic://a", ""}});
  REQUIRE(expand_topics(definition, {{"a", {"topic://a"}}}));
  CHECK(definition.branches[0].url == "topic://a");
}

TEST_CASE("topics/expand: the most subscribers -> expanded; one more -> refused, as it was") {
  Definition definition = message({{"topic://many", ""}});
  const Definition before = definition;
  const auto refused = expand_topics(definition, {{"many", urls(kTopicBranchesMax + 1)}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == Error{Code::invalid, "topic many: has 1001 subscribers, at most 1000 are allowed"});
  CHECK(definition == before);
  REQUIRE(expand_topics(definition, {{"many", urls(kTopicBranchesMax)}}));
  REQUIRE(definition.branches.size() == kTopicBranchesMax);
  CHECK(definition.branches[8].branch_id == "01-09");
  CHECK(definition.branches[99].branch_id == "01-100");
  CHECK(definition.branches.back().branch_id == "01-1000");
}

TEST_CASE("topics/expand: more rows in all than a transaction may have -> refused, as it was") {
  const std::size_t topics_max = kBranchesMax / kTopicBranchesMax;
  std::vector<MessageAction> actions(topics_max, {"topic://many", ""});
  Definition definition = message(actions);
  REQUIRE(expand_topics(definition, {{"many", urls(kTopicBranchesMax)}}));
  CHECK(definition.branches.size() == kBranchesMax);
  actions.push_back({"http://host/a", ""});
  definition = message(actions);
  const Definition before = definition;
  const auto refused = expand_topics(definition, {{"many", urls(kTopicBranchesMax)}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::invalid);
  CHECK(refused.error().message.find("100001 calls") != std::string::npos);
  CHECK(definition == before);
}

TEST_CASE("topics/expand: nobody subscribed -> not found by its name, as it was") {
  const TopicMap topics = {{"mail", urls(2)}, {"empty", {}}};
  for (const std::string name : {"empty", "unknown", "MAIL", "mail ", ""}) {
    CAPTURE(name);
    Definition definition = message({{"topic://mail", "1"}, {"topic://" + name, "2"}});
    const Definition before = definition;
    const auto refused = expand_topics(definition, topics);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == Error{Code::not_found, "topic not found: " + name});
    CHECK(definition == before);
  }
}

TEST_CASE("topics/subscribers: encoded -> a list of url and remark, in this order") {
  CHECK(encode_subscribers({}) == "[]");
  CHECK(encode_subscribers({{"http://host/a?b=c&d", ""}, {"u", "say \"hi\""}}) ==
        R"([{"url":"http://host/a?b=c&d","remark":""},{"url":"u","remark":"say \"hi\""}])");
}

TEST_CASE("topics/subscribers: texts of any bytes -> come back") {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<char>(byte));
  const std::vector<Subscriber> subscribers = {{bytes, "\xE8\xAE\xA2\xF0\x9F\x8D\xB0"}, {"", bytes}, {"u", ""}};
  const auto decoded = decode_subscribers(encode_subscribers(subscribers));
  REQUIRE(decoded);
  CHECK(decoded.value() == subscribers);
  const auto none = decode_subscribers("[]");
  REQUIRE(none);
  CHECK(none.value().empty());
}

TEST_CASE("topics/subscribers: written by others, with spaces and in another order -> read") {
  const auto decoded = decode_subscribers(" [ {\"remark\" : \"r\", \"url\" : \"a\\u0026b\"} ] ");
  REQUIRE(decoded);
  CHECK(decoded.value() == std::vector<Subscriber>{{"a&b", "r"}});
}

TEST_CASE("topics/subscribers: any other text -> internal") {
  for (const char* text :
       {"", "null", "{}", "[", "[]x", "[null]", "[1]", "[[]]", R"([{}])", R"([{"url":"u"}])", R"([{"remark":"r"}])",
        R"([{"url":"u","remark":1}])", R"([{"url":null,"remark":"r"}])", R"([{"url":"u","remark":"r","more":1}])",
        R"([{"url":"u","remark":"r"},{}])", R"({"url":"u","remark":"r"})"}) {
    CAPTURE(text);
    const auto decoded = decode_subscribers(text);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().code == Code::internal);
    CHECK(decoded.error().message == "damaged topic: its subscribers are not a list of url and remark");
  }
}

}  // namespace
}  // namespace settle
