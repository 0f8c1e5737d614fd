// Topics in the simulated world.
#include <string>
#include <utility>
#include <vector>

#include "tests/support/engine_client.hpp"

using namespace settle;
using namespace settle::testing;
using World = EngineWorld;

namespace {

Result<Done> subscribe(World& world, const std::string& topic, const std::string& url) {
  return ask(world, [&](auto done) { world.engine->subscribe(topic, url, "remark", std::move(done)); });
}
Result<Done> unsubscribe(World& world, const std::string& topic, const std::string& url) {
  return ask(world, [&](auto done) { world.engine->unsubscribe(topic, url, std::move(done)); });
}
Result<Done> remove(World& world, const std::string& topic) {
  return ask(world, [&](auto done) { world.engine->delete_topic(topic, std::move(done)); });
}

Result<Done> send(World& world, const std::string& gid, const std::string& topic) {
  Definition definition;
  definition.gid = gid;
  definition.type = TransType::msg;
  append_message_actions(definition, {{"topic://" + topic, "{}"}});
  return ask(world, [&](auto done) { world.engine->submit(std::move(definition), std::move(done)); });
}

std::string text_of(const Result<Done>& result) { return result ? "ok" : result.error().message; }

}  // namespace

TEST_CASE("topics/send: one branch for each subscriber, as of the moment the message was created") {
  World world;
  CHECK(subscribe(world, "t", "test://s/one"));
  CHECK(send(world, "first", "t"));
  CHECK(subscribe(world, "t", "test://s/two"));
  CHECK(send(world, "second", "t"));
  CHECK(world.participant.take_calls() == Calls{"first 01 action", "second 01-01 action", "second 01-02 action"});
  CHECK(unsubscribe(world, "t", "test://s/one"));
  CHECK(send(world, "third", "t"));
  CHECK(world.participant.take_calls() == Calls{"third 01 action"});
  CHECK(world.query("third")->branch(0).url == "test://s/two");
}

TEST_CASE("topics/send: nobody subscribed -> refused, nothing stored; a gid that is known does not need the topic") {
  World world;
  CHECK(text_of(send(world, "g", "t")) == "topic not found: t");
  CHECK_FALSE(world.query("g"));
  CHECK(subscribe(world, "t", "test://s/one"));
  world.participant.reply("01 action", {CallResult::ongoing, ""});
  CHECK(send(world, "g", "t"));
  CHECK(remove(world, "t"));
  CHECK(text_of(send(world, "other", "t")) == "topic not found: t");
  CHECK(text_of(send(world, "g", "t")) == "ok");
  CHECK(world.status("g") == GlobalStatus::succeed);
  CHECK(text_of(send(world, "g", "t")) == "current status 'succeed', cannot sumbmit. FAILURE");
}

TEST_CASE("topics/errors: in DTM's words") {
  World world;
  CHECK(text_of(subscribe(world, "", "test://s/one")) == "empty topic");
  CHECK(text_of(subscribe(world, "t", "")) == "empty url");
  CHECK(text_of(unsubscribe(world, "t", "test://s/one")) == "no such a topic");
  CHECK(text_of(remove(world, "t")) == "no such a topic");
  CHECK(subscribe(world, "t", "test://s/one"));
  CHECK(text_of(subscribe(world, "t", "test://s/one")) == "this url exists");
  CHECK(text_of(unsubscribe(world, "t", "test://s/two")) == "no such an url");
  CHECK(unsubscribe(world, "t", "test://s/one"));
  CHECK(text_of(unsubscribe(world, "t", "test://s/one")) == "this topic is empty");
  CHECK(text_of(send(world, "g", "t")) == "topic not found: t");
}

TEST_CASE("topics/store: kept over a restart, its version counts the changes; a failed write changes nothing") {
  World world;
  CHECK(subscribe(world, "t", "test://s/one"));
  world.store.fail_writes = true;
  world.store.fail_repairs = true;
  const Result<Done> failed = subscribe(world, "t", "test://s/two");
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == Code::unavailable);
  world.store.fail_repairs = false;
  world.simulated.advance_ms(10'000);
  CHECK(send(world, "before", "t"));
  CHECK(world.participant.take_calls() == Calls{"before 01 action"});
  CHECK(subscribe(world, "t", "test://s/two"));
  world.crash();
  world.open();
  CHECK(send(world, "after", "t"));
  CHECK(world.participant.take_calls() == Calls{"after 01-01 action", "after 01-02 action"});
  Answer<std::optional<KeyValue>> stored;
  world.engine->query_key_value("topics", "t", stored.slot());
  world.simulated.run();
  REQUIRE(stored.ok());
  REQUIRE(stored.result->value());
  CHECK(stored.result->value()->version == 2);
  CHECK(decode_subscribers(stored.result->value()->value).value() ==
        std::vector<Subscriber>{{"test://s/one", "remark"}, {"test://s/two", "remark"}});
}
