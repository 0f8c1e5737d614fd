// The coordinator inside a program: no network, two branches that are functions, one saga that is refused and undone.
#include <iostream>
#include <utility>

#include "settle/blocking.hpp"
#include "settle/engine.hpp"
#include "settle/local_branches.hpp"
#include "settle/storage/memory.hpp"

int main() {
  auto store = settle::make_memory_store();  // open_rocksdb_store({.path = "…"}) keeps them over a restart

  // A branch may be called again for the same gid and operation; what it does must tolerate that.
  settle::LocalBranches branches;
  const auto branch = [&branches](const char* name, settle::CallResult result, const char* text) {
    branches.add(name, [=](const settle::BranchCall& call, settle::BranchCompletion completion) {
      std::cout << call.url << " with " << call.payload << ": " << text << '\n';
      completion({result, text});
    });
  };
  branch("reserve", settle::CallResult::success, "reserved");
  branch("release", settle::CallResult::success, "released");
  branch("pay", settle::CallResult::failure, "the card was refused");
  branch("refund", settle::CallResult::success, "nothing to refund");

  auto opened = settle::Engine::open({.store = *store, .callers = {branches.port()}}, {});
  if (!opened) return std::cerr << opened.error().message << '\n', 1;
  auto engine = std::move(opened).value();

  settle::Definition definition{.gid = engine->new_gid(), .options = {.wait_result = true}};
  settle::append_saga_steps(
      definition, {{"local://reserve", "local://release", "seat 12A"}, {"local://pay", "local://refund", "30 euros"}});
  const auto answer = settle::await<settle::Done>(
      [&](auto completion) { engine->submit(std::move(definition), std::move(completion)); });

  std::cout << (answer ? "succeeded" : answer.error().message) << '\n';
  return !answer && answer.error().code == settle::Code::failure ? 0 : 1;
}
