// What clients of an engine do, each step answered at once; for tests of the runtime.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/support/engine_world.hpp"

namespace settle::testing {

inline Definition of_type(TransType type, std::string gid) {
  Definition definition;
  definition.gid = std::move(gid);
  definition.type = type;
  return definition;
}

inline Definition message(std::string gid, std::size_t actions = 2) {
  Definition definition = of_type(TransType::msg, std::move(gid));
  definition.query_prepared = "test://s/query";
  std::vector<MessageAction> list;
  for (std::size_t i = 0; i < actions; ++i) list.push_back({"test://s/action", "{}"});
  append_message_actions(definition, std::move(list));
  return definition;
}

inline Definition workflow(std::string gid) {
  Definition definition = of_type(TransType::workflow, std::move(gid));
  definition.query_prepared = "test://s/resume";
  definition.callback_name = "checkout";
  definition.callback_payload = "cart";
  return definition;
}

// Asks the engine for something, and gives what came of it.
template <class Ask>
Result<Done> ask(EngineWorld& world, Ask ask_engine) {
  Answer<Done> answer;
  ask_engine(answer.slot());
  world.simulated.run();
  REQUIRE(answer.came());
  return *answer.result;
}

inline Result<Done> submit(EngineWorld& world, Definition definition) {
  return ask(world, [&](auto done) { world.engine->submit(std::move(definition), std::move(done)); });
}
inline Result<Done> prepare(EngineWorld& world, Definition definition) {
  return ask(world, [&](auto done) { world.engine->prepare(std::move(definition), std::move(done)); });
}

// What clients do, each answered at once.
struct Client {
  EngineWorld& world;

  template <class Ask>
  Result<Done> ask(Ask ask_engine) {
    return testing::ask(world, std::move(ask_engine));
  }
  Result<Done> prepare(Definition definition) {
    return ask([&](auto done) { world.engine->prepare(std::move(definition), std::move(done)); });
  }
  Result<Done> submit(Definition definition) {
    return ask([&](auto done) { world.engine->submit(std::move(definition), std::move(done)); });
  }
  Result<Done> abort(const std::string& gid, TransType type, std::string reason = {}) {
    return ask([&](auto done) { world.engine->abort(gid, type, std::move(reason), std::move(done)); });
  }
  Result<Done> enlist(const std::string& gid, TransType type, Registration registration,
                      BranchStatus status = BranchStatus::prepared) {
    return ask(
        [&](auto done) { world.engine->register_branch(gid, type, std::move(registration), status, std::move(done)); });
  }
  Result<Done> enlist_tcc(const std::string& gid, const std::string& branch_id) {
    return enlist(gid, TransType::tcc, {branch_id, "{}", "test://s/confirm", "test://s/cancel", ""});
  }
  Result<Done> enlist_xa(const std::string& gid, const std::string& branch_id) {
    return enlist(gid, TransType::xa, {branch_id, "", "test://s/xa", "", ""});
  }
  Result<Done> finish(const std::string& gid, GlobalStatus status, std::string reason = {}, std::string result = {}) {
    return ask([&](auto done) {
      world.engine->finish_workflow(gid, status, std::move(reason), std::move(result), std::move(done));
    });
  }
  Result<StoredTransaction> prepare_workflow(Definition definition) {
    Answer<StoredTransaction> answer;
    world.engine->prepare_workflow(std::move(definition), answer.slot());
    world.simulated.run();
    REQUIRE(answer.came());
    return *answer.result;
  }
};

inline std::string message_of(const Result<Done>& result) { return result ? "" : result.error().message; }

inline void prepare_tcc(EngineWorld& world, const std::string& gid, Options options = {}) {
  Definition definition = of_type(TransType::tcc, gid);
  definition.options = std::move(options);
  Client client{world};
  REQUIRE(client.prepare(std::move(definition)));
  REQUIRE(client.enlist_tcc(gid, "01"));
  REQUIRE(client.enlist_tcc(gid, "02"));
}

}  // namespace settle::testing
