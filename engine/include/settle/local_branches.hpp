// Branches that are functions of this process: the url `local://name` calls the function registered as `name`.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "settle/branch_caller.hpp"
#include "settle/engine.hpp"

namespace settle {

// Like every participant, a function may be called again for the same gid, branch and operation: it must tolerate that.
// Threads: add() may be called from any thread at any time, also while an engine runs.
// Lifetime: an engine that was given port() keeps what it needs; this object may go first.
class LocalBranches {
 public:
  // Asynchronous: must return soon and complete later, from any thread; or complete before it returns. Not completing
  // in time, and an exception, are CallResult::unknown.
  using Function = std::function<void(const BranchCall& call, BranchCompletion completion)>;
  // May block; runs on one of `threads`. An exception is CallResult::unknown with its text.
  using BlockingFunction = std::function<BranchReply(const BranchCall& call)>;

  // blocking_threads: how many blocking functions run at once; queue_max: how many more may wait, others are
  // CallResult::unknown at once. No thread is started before the first add_blocking().
  explicit LocalBranches(std::size_t blocking_threads = 4, std::size_t queue_max = 10'000);
  ~LocalBranches();

  // Replaces a function of the same name. The name is what follows `local://` in the url, up to a `?`.
  void add(std::string name, Function function);
  void add_blocking(std::string name, BlockingFunction function);

  // For Ports::callers. A url whose name nobody registered is CallResult::unknown, so it is retried.
  CallerPort port() const;

 private:
  class Registry;
  std::shared_ptr<Registry> registry_;
};

}  // namespace settle
