// A program of somebody else's: runs one saga with the engine that it found, and ends with 0 if that succeeded.
#include <utility>

#include "settle/blocking.hpp"
#include "settle/engine.hpp"
#include "settle/local_branches.hpp"
#include "settle/storage/memory.hpp"

int main() {
  auto store = settle::make_memory_store();
  settle::LocalBranches branches;
  branches.add("nothing", [](const settle::BranchCall&, settle::BranchCompletion completion) {
    completion({settle::CallResult::success, ""});
  });
  auto engine = settle::Engine::open({.store = *store, .callers = {branches.port()}}, {});
  if (!engine) return 1;
  settle::Definition definition{.gid = "consumer", .options = {.wait_result = true}};
  settle::append_saga_steps(definition, {{"local://nothing", "local://nothing", ""}});
  const auto answer = settle::await<settle::Done>(
      [&](auto completion) { engine.value()->submit(std::move(definition), std::move(completion)); });
  return answer ? 0 : 1;
}
